//! Miroir: several Meilisearch servers behaving as one. This crate reads the configuration, wires the adapters to the
//! services, and is the command line.

pub mod config;
pub mod node;
