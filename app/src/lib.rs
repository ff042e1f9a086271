//! Miroir: several Meilisearch servers behaving as one. This crate reads the configuration, wires the adapters to the
//! services, and is the command line.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | reads the configuration: file, environment, flags |
//! | [`cluster`] | what services share: placement, lanes, dispatch, what nodes lack |
//! | [`service`] | implements the inbound ports |
//! | [`canary`] | runs stored searches on a schedule and judges their answers |
//! | [`worker`] | background roles: polling, reconciling, mending, pruning |
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
pub mod file_limit;
pub mod instance;
pub mod metrics;
pub mod node;
mod page;
pub mod server;
pub mod service;
mod store_lock;
pub mod telemetry;
pub mod wiring;
pub mod worker;
