//! The task store in memory: the definition of right that every other store is compared with, and the fake for tests.
//!
//! One mutex over ordered maps. Every method locks, does the obvious thing, and unlocks; nothing here is clever, so that
//! it can be checked by reading it beside the contract in `miroir_ports::outbound`.

mod admin_session;
mod alias;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod data;
mod idempotency;
mod index;
mod job;
mod lease;
mod node_settings;
mod notifier;
mod outbox;
mod rate_limit;
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
