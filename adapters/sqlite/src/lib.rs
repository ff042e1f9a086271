//! The task store on SQLite: embedded, for one instance of Miroir.
//!
//! - [`SqliteStore`] implements every store port of `miroir_ports::outbound` on one file.
//! - One thread owns the only connection that writes, and commits changes in groups. A caller waits until the
//!   group of its change is on disk. See `docs/adr/0001-group-commit.md`.
//! - Reads use a small pool of connections, on threads that may block.
//! - The files in `migrations/`, compiled in, define the schema.

mod admin_session;
mod alias;
mod backup;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod check;
mod committed_settings;
mod error;
mod fence;
mod file;
mod idempotency;
mod identity;
mod index;
mod job;
mod lease;
mod migration;
mod node_settings;
mod notifier;
mod open;
mod options;
mod rate_limit;
mod reader;
mod replica;
mod rollover;
mod row;
mod scoped_key;
mod search_ui;
mod session;
mod statement;
mod statistics;
mod status;
mod store;
mod table;
mod task;
mod tenant;
mod work;
mod writer;

#[cfg(test)]
mod tests;

pub use file::SqliteFile;
pub use migration::SCHEMA_VERSION;
pub use options::{SqliteOptions, Synchronous};
pub use statistics::SqliteStatistics;
pub use store::{SqliteStats, SqliteStore};
