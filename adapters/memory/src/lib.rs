//! The task store in memory: the model that the other stores are compared with, and the fake for tests.
//!
//! One mutex guards ordered maps. Every method locks it, does its work in the simplest way, and unlocks it,
//! so that the code can be checked against the contract in `miroir_ports::outbound` by reading.

mod admin_session;
mod alias;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod committed_settings;
mod data;
mod idempotency;
mod identity;
mod index;
mod job;
mod lease;
mod node_settings;
mod notifier;
mod outbox;
mod rate_limit;
mod replica;
mod rollover;
mod row;
mod scoped_key;
mod search_ui;
mod session;
mod status;
mod store;
mod task;
mod tenant;
mod versioned;

pub use store::MemoryStore;
