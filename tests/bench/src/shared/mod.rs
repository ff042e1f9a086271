//! What is measured of every store in the same way.

pub mod job;
pub mod lease;
pub mod list;
pub mod task;

use miroir_domain::Timestamp;

/// How many callers a store has at once.
pub const CALLERS: usize = 64;

/// The instant tasks are created at.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000)
}
