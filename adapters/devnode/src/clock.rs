//! The clock of the simulated server, which is its own, as that of a separate process is.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// The clock of a node: that of the machine, or one that a simulation moves.
#[derive(Clone)]
pub struct NodeClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl NodeClock {
    /// Creates a clock that shows the milliseconds since 1970 that `millis` returns.
    pub fn new(millis: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(millis))
    }

    /// Returns the current instant.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond((self.0)()).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for NodeClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NodeClock")
    }
}

/// Returns the current instant of the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated server stands for another process with its own clock"
)]
pub(crate) fn machine() -> Timestamp {
    Timestamp::now()
}

/// Formats the span between two instants as Meilisearch does: ISO 8601, in seconds with nanoseconds.
pub(crate) fn duration_text(started: Timestamp, finished: Timestamp) -> String {
    let nanoseconds = (finished.as_nanosecond() - started.as_nanosecond()).max(0);
    format!("PT{}.{:09}S", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_prints_seconds_and_nanoseconds() {
        let at = |nanoseconds| Timestamp::from_nanosecond(nanoseconds).unwrap();
        assert_eq!(duration_text(at(0), at(2_073_067_808)), "PT2.073067808S");
        assert_eq!(duration_text(at(0), at(351_095)), "PT0.000351095S");
        assert_eq!(duration_text(at(5), at(0)), "PT0.000000000S");
    }
}
