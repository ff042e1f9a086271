//! Miroir: several Meilisearch servers behaving as one. This crate reads the configuration, wires the adapters to the
//! services, and is the command line.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | reads the configuration: file, environment, flags |
//! | [`cluster`] | what services share: placement, write queues, dispatch, replica states |
//! | [`service`] | implements the inbound ports |
//! | [`canary`] | runs stored searches on a schedule and judges their answers |
//! | [`worker`] | background duties: polling, reconciling, mending, pruning |
//! | [`node`] | how far each node is trusted |
//! | [`server`], [`wiring`] | puts it all together |
//! | [`metrics`] | what is counted, and what a scrape looks up |
//! | [`telemetry`] | logs |
//! | [`cli`] | the command line |

pub mod alias;
pub mod canary;
pub mod change;
pub mod cli;
pub mod cluster;
pub mod config;
mod detached;
pub mod file_limit;
pub mod gauge;
pub mod instance;
mod listing;
pub mod metrics;
pub mod node;
mod read;
pub mod replica;
pub mod server;
pub mod service;
mod store_lock;
pub mod telemetry;
mod ttl_cache;
pub mod wiring;
pub mod worker;
