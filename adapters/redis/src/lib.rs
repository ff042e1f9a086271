//! The task store on Redis, for any number of instances.
//!
//! Each row is a hash of its own. Sorted sets beside the rows contain their names, so that nothing is ever
//! searched for with `SCAN` or `KEYS`. A method that touches more than one key, or that depends on data it
//! reads, is one script under `lua/`. The module `keys` alone defines the names of keys.
//!
//! Numbers of 64 bits are sent and compared as decimal text, because a number of Lua holds 53 bits.
//!
//! Durability is the server's: with `appendfsync always` an acknowledged write survives a crash of the
//! server, with `everysec` the last second may be lost, without an append-only file everything since the last
//! snapshot.

mod admin_session;
mod alias;
mod call;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod committed_settings;
mod error;
mod expiry;
mod fence;
mod idempotency;
mod identity;
mod index;
mod job;
mod keys;
mod lease;
mod link;
mod node_settings;
mod open;
mod options;
mod rate_limit;
mod replica;
mod revocation;
mod rollover;
mod row;
mod scoped_key;
mod search_ui;
mod sentinel_url;
mod session;
mod statistics;
mod status;
mod store;
mod table;
mod task;
mod tenant;

pub use options::{Clock, RedisOptions};
pub use statistics::RedisStatistics;
pub use store::RedisStore;
