//! The schedule of canaries.

use std::time::Duration;

use super::row::{Canary, CanaryRun};
use crate::Timestamp;

/// Returns the instant of the next run of a canary: an interval after the run `last` began. Runs that it
/// missed because the last one took longer than the interval are skipped. A canary that never ran is due at
/// once.
///
/// A run in the future, by more than the interval, has the date of a clock that was set back since. To wait
/// for it could take forever, so the canary is due `now`.
pub fn due_at(canary: &Canary, last: Option<&CanaryRun>, now: Timestamp) -> Timestamp {
    let interval = interval(canary);
    let Some(last) = last else { return canary.created_at.min(now) };
    if last.ran_at > now.plus(interval) {
        return now;
    }
    // An interval has at least one second, and no run takes 2^32 of them.
    let length = u64::from(canary.interval_s.max(1)) * 1_000;
    let intervals = u32::try_from(last.latency_ms.div_ceil(length)).unwrap_or(u32::MAX).max(1);
    last.ran_at.plus(interval.saturating_mul(intervals))
}

/// Returns whether a canary that was due at `due` is late by more than an interval.
pub fn is_overdue(canary: &Canary, due: Timestamp, now: Timestamp) -> bool {
    canary.enabled && now.since(due) > interval(canary)
}

fn interval(canary: &Canary) -> Duration {
    Duration::from_secs(canary.interval_s.max(1).into())
}
