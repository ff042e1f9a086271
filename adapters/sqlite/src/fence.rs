//! Fences: a handle that led, and leads no more, changes nothing.
//!
//! The token of a scope's last term is in its row: a change looks there first, in its own transaction.

use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::Failure;
use crate::statement::{count, value};

/// The term that a handle's changes are part of.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) scope: String,
    pub(crate) token: u64,
}

impl Fence {
    /// Refuses when a later term has begun.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Failure> {
        let last = value(connection, include_str!("sql/lease_token.sql"), [self.scope.as_str()], |row| {
            count(row, 0)
        })?;
        if last.is_some_and(|last| last > self.token) {
            return Err(StoreError::not_applied(
                "a later term has begun: another instance leads now, and this one must stop",
            )
            .into());
        }
        Ok(())
    }
}

/// The fence of a handle, if it has one.
#[derive(Debug, Default)]
pub(crate) struct FenceCell(Mutex<Option<Fence>>);

impl FenceCell {
    pub(crate) fn get(&self) -> Option<Fence> {
        self.0.lock().clone()
    }

    pub(crate) fn set(&self, fence: Fence) {
        *self.0.lock() = Some(fence);
    }
}
