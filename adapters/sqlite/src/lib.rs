//! The task store on SQLite: embedded, for one instance of Miroir.
//!
//! - [`SqliteStore`] implements every port of `miroir_ports::outbound`'s store on one file.
//! - All changes go through one thread that owns the only connection that writes, and commits them in groups:
//!   a caller waits until the group that holds its change is on disk. See `docs/adr/0001-group-commit.md`.
//! - Reads use a small pool of connections, on threads that may block.
//! - The schema is the files in `migrations/`, compiled in.

mod admin_session;
mod alias;
mod backup;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod check;
mod error;
mod fence;
mod file;
mod idempotency;
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
