//! Miroir: several Meilisearch servers behaving as one. This crate is the composition root: it reads the
//! configuration, wires adapters to the core, and contains the command line.
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | the configuration: file, environment, flags |
//! | [`wiring`] | adapters, chosen by the configuration |
//! | [`server`] | a running Miroir: services and workers, put together |
//! | [`telemetry`] | logs |
//! | [`cli`] | the command line |
//! | [`file_limit`] | the limit of open files |

pub mod cli;
pub mod config;
pub mod file_limit;
pub mod server;
pub mod telemetry;
pub mod wiring;
