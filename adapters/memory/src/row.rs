//! Rows that no domain type describes.

use miroir_domain::admin_session::LONGEST_LOGIN_WAIT;
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{Lease, Reservation};

/// A key in use: its reservation, and the task once there is one. The expiry of the reservation is that of
/// the row.
#[derive(Debug)]
pub(crate) struct IdempotencyRow {
    pub(crate) reservation: Reservation,
    pub(crate) task: Option<TaskUid>,
}

/// The last term of a scope, which may have been released.
#[derive(Debug)]
pub(crate) struct LeaseRow {
    pub(crate) lease: Lease,
    pub(crate) released: bool,
}

impl LeaseRow {
    pub(crate) fn running(&self, now: Timestamp) -> Option<&Lease> {
        (!self.released && now < self.lease.expires_at).then_some(&self.lease)
    }
}

/// The requests of one window.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) hits: u32,
    pub(crate) ends_at: Timestamp,
}

/// Attempts to log in that failed, and those whose outcome is still open.
#[derive(Debug)]
pub(crate) struct Failures {
    pub(crate) count: u32,
    pub(crate) last_at: Timestamp,
}

impl Failures {
    pub(crate) fn forgotten_at(&self) -> Timestamp {
        self.last_at.plus(LONGEST_LOGIN_WAIT * 2)
    }
}
