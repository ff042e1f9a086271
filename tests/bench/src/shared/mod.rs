//! Measurements that are the same for every store.

pub mod filled;
pub mod job;
pub mod lease;
pub mod list;
pub mod task;

use miroir_domain::Timestamp;

/// Number of concurrent callers of a store.
pub const CALLERS: usize = 64;

/// Returns the creation time of tasks.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000)
}
