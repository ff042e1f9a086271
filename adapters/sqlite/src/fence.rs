//! Fences: a handle whose term is over changes nothing.
//!
//! The row of a scope holds the token of its last term. A change compares it in its own transaction.

use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::Failure;
use crate::statement::{count, value};

/// The term to which the changes of a handle belong.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) scope: String,
    pub(crate) token: u64,
}

impl Fence {
    /// Refuses if a later term has begun.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Failure> {
        let last = value(connection, include_str!("sql/lease_token.sql"), [self.scope.as_str()], |row| {
            count(row, 0)
        })?;
        if last.is_some_and(|last| last > self.token) {
            return Err(StoreError::not_applied(
                "a later term has begun: another instance holds the lease now, and this one must stop",
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
