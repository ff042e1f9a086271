//! Placeholder.

pub mod node;
