//! When Redis may collect what has expired.

use miroir_domain::Timestamp;

/// How much longer than it counts a row stays: what counts is the instant stored in it, judged by clocks that may differ.
pub(crate) const GRACE_MS: i64 = 600_000;

/// The time to live of a row that expires at `expires_at`, in milliseconds.
pub(crate) fn ttl_ms(expires_at: Timestamp, now: Timestamp) -> i64 {
    expires_at.as_millis().saturating_sub(now.as_millis()).saturating_add(GRACE_MS)
}
