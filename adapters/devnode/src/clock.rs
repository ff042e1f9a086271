//! The clock of the simulated server, which is its own, as that of a separate process is.

use jiff::Timestamp;

/// Returns the current instant.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated server stands for another process with its own clock"
)]
pub(crate) fn now() -> Timestamp {
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
