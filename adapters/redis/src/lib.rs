//! The task store on Redis, for any number of instances.
//!
//! Each row is a hash of its own; sorted sets beside the rows name them, so that nothing is ever searched for with `SCAN` or
//! `KEYS`. A method that touches more than one key, or decides by what it reads, is one script under `lua/`. What a key is
//! called is said in `keys` alone.
//!
//! Numbers of 64 bits travel and are compared as decimal text, because a number of Lua holds 53 of them.
//!
//! Durability is the server's: with `appendfsync always` an acknowledged write survives a crash of the server, with
//! `everysec` the last second may be lost, without an append-only file everything since the last snapshot.

mod admin_session;
mod alias;
mod call;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod error;
mod expiry;
mod fence;
mod idempotency;
mod index;
mod job;
mod keys;
mod lease;
mod link;
mod node_settings;
mod open;
mod options;
mod rate_limit;
mod revocation;
mod rollover;
mod row;
mod scoped_key;
mod search_ui;
mod sentinel_url;
mod session;
mod statistics;
mod status;
mod table;
mod task;
mod tenant;

use std::sync::Arc;

use miroir_domain::Timestamp;
use miroir_ports::outbound::StoreError;
use redis::ScriptInvocation;
use tokio::sync::watch;

pub use options::{Clock, RedisOptions};
pub use statistics::RedisStatistics;

use fence::FenceCell;
use keys::Keys;
use link::Link;

/// A task store on a Redis server.
#[derive(Debug)]
pub struct RedisStore {
    link: Arc<Link>,
    keys: Keys,
    clock: Clock,
    closed: Arc<watch::Sender<bool>>,
    fence: FenceCell,
}

impl RedisStore {
    /// Connects, and checks that the server is fit to keep tasks: its version, that it evicts nothing, and that its schema is
    /// not ahead of this binary. What makes it unfit is `InvalidInput` or `SchemaAhead`; a server that does not answer is
    /// `Unavailable` and may be tried again.
    pub async fn open(options: RedisOptions) -> Result<Self, StoreError> {
        let store = Self {
            link: Arc::new(Link::new(&options)?),
            keys: Keys::new(&options.prefix, options.cluster),
            clock: options.clock,
            closed: Arc::new(watch::Sender::new(false)),
            fence: FenceCell::default(),
        };
        open::check(&store, &options).await?;
        Ok(store)
    }

    /// Another handle of the same store, on the same connection, without a fence. Closing any of them closes all.
    #[must_use]
    pub fn handle(&self) -> Self {
        Self {
            link: Arc::clone(&self.link),
            keys: self.keys.clone(),
            clock: self.clock,
            closed: Arc::clone(&self.closed),
            fence: FenceCell::default(),
        }
    }

    /// Refuses what comes after closing.
    fn check_open(&self) -> Result<(), StoreError> {
        if *self.closed.borrow() { Err(error::closed()) } else { Ok(()) }
    }

    /// Adds what `lua/clock.lua` must know: whose clock counts, the caller's `now`, and by how much longer a key lives than
    /// it counts. On the server's own clock a key may go when its time is over; on the caller's, it may not be over yet.
    fn push_clock(&self, script: &mut ScriptInvocation<'_>, now: Timestamp) {
        let (by_caller, grace) = match self.clock {
            Clock::Server => (0, 0),
            Clock::Caller => (1, expiry::GRACE_MS),
        };
        script.arg(by_caller).arg(now.as_millis()).arg(grace);
    }
}
