//! When a canary runs next.

use std::time::Duration;

use super::row::{Canary, CanaryRun};
use crate::Timestamp;

/// When a canary whose last run is `last` is to run next: an interval after that run began. What it missed because the run
/// took longer than the interval is skipped and not made up for. One that never ran is due at once.
///
/// A run from a time further away than the interval was dated by a clock that has been set back since; waiting for it
/// could take for ever, so the canary is due `now`.
pub fn due_at(canary: &Canary, last: Option<&CanaryRun>, now: Timestamp) -> Timestamp {
    let interval = interval(canary);
    let Some(last) = last else { return canary.created_at.min(now) };
    if last.ran_at > now.plus(interval) {
        return now;
    }
    // An interval has at least a second, and no run takes 2^32 of them.
    let length = u64::from(canary.interval_s.max(1)) * 1_000;
    let intervals = u32::try_from(last.latency_ms.div_ceil(length)).unwrap_or(u32::MAX).max(1);
    last.ran_at.plus(interval.saturating_mul(intervals))
}

/// Whether a canary that was due at `due` is late by more than an interval.
pub fn is_overdue(canary: &Canary, due: Timestamp, now: Timestamp) -> bool {
    canary.enabled && now.since(due) > interval(canary)
}

fn interval(canary: &Canary) -> Duration {
    Duration::from_secs(canary.interval_s.max(1).into())
}
