//! The store and its handles.

use std::sync::Arc;

use miroir_domain::Timestamp;
use miroir_ports::outbound::StoreError;
use redis::ScriptInvocation;
use tokio::sync::watch;

use crate::error::closed;
use crate::expiry::GRACE_MS;
use crate::fence::FenceCell;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::Clock;

/// A task store on a Redis server.
#[derive(Debug)]
pub struct RedisStore {
    pub(crate) link: Arc<Link>,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) closed: Arc<watch::Sender<bool>>,
    pub(crate) fence: FenceCell,
}

impl RedisStore {
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
    pub(crate) fn check_open(&self) -> Result<(), StoreError> {
        if *self.closed.borrow() { Err(closed()) } else { Ok(()) }
    }

    /// Adds what `lua/clock.lua` must know: whose clock counts, the caller's `now`, and by how much longer a key lives than
    /// it counts. On the server's own clock a key may go when its time is over; on the caller's, it may not be over yet.
    pub(crate) fn push_clock(&self, script: &mut ScriptInvocation<'_>, now: Timestamp) {
        let (by_caller, grace) = match self.clock {
            Clock::Server => (0, 0),
            Clock::Caller => (1, GRACE_MS),
        };
        script.arg(by_caller).arg(now.as_millis()).arg(grace);
    }
}
