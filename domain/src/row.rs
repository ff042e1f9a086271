//! Rules that every store applies to the rows it takes.
//!
//! A rule about one type is a method of that type: [`NewTask::check`](crate::task::NewTask::check),
//! [`Task::check_replaces`](crate::task::Task::check_replaces),
//! [`Canary::check`](crate::canary::Canary::check),
//! [`RolloverPolicy::check`](crate::rollover::RolloverPolicy::check),
//! [`Alias::check_swap`](crate::alias::Alias::check_swap),
//! [`AdminSession::check_new`](crate::admin_session::AdminSession::check_new).

use std::time::Duration;

use serde_json::Value;

use crate::Timestamp;
use crate::json::fits;

/// The epoch of a store that was never restored.
pub const FIRST_EPOCH: u64 = 1;

/// The maximum depth of JSON in a row. A JSON parser refuses 128 levels, and a row adds a few of its own: a
/// stored value must be readable again.
pub const MAX_JSON_DEPTH: usize = 100;

/// A row, or an argument of a table's method, that no store accepts. The text is the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRow(String);

impl InvalidRow {
    /// Creates the error with a sentence that gives the reason.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Returns the version that a row of `version` gets when it is replaced.
///
/// # Errors
///
/// Fails for the greatest version, which cannot be raised.
pub fn next_version(version: u64) -> Result<u64, InvalidRow> {
    version
        .checked_add(1)
        .ok_or_else(|| InvalidRow::new(format!("version {version} is the greatest that a row can have")))
}

/// Refuses JSON that nests deeper than [`MAX_JSON_DEPTH`] levels. `name` names the value in the error.
pub fn check_json(name: &str, value: &Value) -> Result<(), InvalidRow> {
    check(fits(value, MAX_JSON_DEPTH), || format!("{name} nests deeper than {MAX_JSON_DEPTH} levels"))
}

/// Refuses an instant of expiry that is not after `now`. `name` names the row in the error.
pub fn check_expiry(name: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), InvalidRow> {
    check(now < expires_at, || format!("{name} must expire after {now}, not at {expires_at}"))
}

/// Refuses zero where at least one is required. `name` names the number in the error.
pub fn check_positive(name: &str, number: u64) -> Result<(), InvalidRow> {
    check(number > 0, || format!("{name} must be at least 1"))
}

/// Refuses a span below a millisecond, the store's unit of time. `name` names the span in the error.
pub fn check_span(name: &str, span: Duration) -> Result<(), InvalidRow> {
    check(span >= Duration::from_millis(1), || format!("{name} must be at least a millisecond"))
}

fn check(holds: bool, reason: impl FnOnce() -> String) -> Result<(), InvalidRow> {
    if holds { Ok(()) } else { Err(InvalidRow::new(reason())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_version_refuses_after_the_last() {
        assert_eq!(next_version(0).unwrap(), 1);
        assert_eq!(
            next_version(u64::MAX).unwrap_err().to_string(),
            format!("version {} is the greatest that a row can have", u64::MAX)
        );
    }

    #[test]
    fn check_json_refuses_the_level_after_the_last() {
        let nested = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert_eq!(check_json("the value", &nested(MAX_JSON_DEPTH)), Ok(()));
        let error = check_json("the value", &nested(MAX_JSON_DEPTH + 1)).unwrap_err();
        assert_eq!(error.to_string(), "the value nests deeper than 100 levels");
    }

    #[test]
    fn check_expiry_refuses_the_present_instant() {
        let at = Timestamp::from_millis;
        assert_eq!(check_expiry("a claim", at(11), at(10)), Ok(()));
        assert!(check_expiry("a claim", at(10), at(10)).is_err());
    }

    #[test]
    fn check_positive_and_check_span_refuse_zero() {
        assert_eq!(check_positive("a limit", 1), Ok(()));
        assert_eq!(check_positive("a limit", 0).unwrap_err().to_string(), "a limit must be at least 1");
        assert_eq!(check_span("a window", Duration::from_millis(1)), Ok(()));
        assert!(check_span("a window", Duration::from_micros(999)).is_err());
    }
}
