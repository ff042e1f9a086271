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
    /// Returns another handle of the same store, on the same connection and without a fence. Closing one
    /// closes all.
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

    /// Refuses calls after closing.
    pub(crate) fn check_open(&self) -> Result<(), StoreError> {
        if *self.closed.borrow() { Err(closed()) } else { Ok(()) }
    }

    /// Adds the arguments of `lua/clock.lua`: the clock that decides, the caller's `now`, and the time for
    /// which a key outlives its row. On the server's own clock a key may end with its row. On the caller's,
    /// the row may still count.
    pub(crate) fn push_clock(&self, script: &mut ScriptInvocation<'_>, now: Timestamp) {
        let (by_caller, grace) = match self.clock {
            Clock::Server => (0, 0),
            Clock::Caller => (1, GRACE_MS),
        };
        script.arg(by_caller).arg(now.as_millis()).arg(grace);
    }
}
