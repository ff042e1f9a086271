//! Times to live of keys.

use std::time::Duration;

use miroir_domain::Timestamp;

/// The time for which a key outlives its row. The instant in the row decides, compared with clocks that may
/// differ.
pub(crate) const GRACE_MS: i64 = 600_000;

/// Returns the time to live of a row that expires at `expires_at`, in milliseconds.
pub(crate) fn ttl_ms(expires_at: Timestamp, now: Timestamp) -> i64 {
    expires_at.as_millis().saturating_sub(now.as_millis()).saturating_add(GRACE_MS)
}

/// The longest span that scripts are given: ten thousand years, far below the bound of exact numbers in Lua.
const MAX_SPAN_MS: u64 = 315_360_000_000_000;

/// Returns a span in whole milliseconds.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).min(MAX_SPAN_MS)
}
