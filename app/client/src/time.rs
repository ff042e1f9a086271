//! The text of times and durations.

use std::time::Duration;

use miroir_domain::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns a time such as `2026-11-27 12:00:05`, in UTC.
pub(crate) fn time(instant: Timestamp) -> String {
    let text = instant.to_string();
    // Milliseconds and the `Z` are left out.
    text.split('.').next().unwrap_or_default().replacen('T', " ", 1)
}

/// Returns a time such as `2026-11-27 12:00:05 (3 min 5 s ago)`.
pub(crate) fn time_from(instant: Timestamp, now: Timestamp) -> String {
    let relative = if instant > now {
        format!("in {}", duration(instant.since(now)))
    } else {
        format!("{} ago", duration(now.since(instant)))
    };
    format!("{} ({relative})", time(instant))
}

/// Returns a duration in its two largest units: `520 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
pub(crate) fn duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let two = |first: u64, unit: &str, second: u64, smaller: &str| match second {
        0 => format!("{first} {unit}"),
        second => format!("{first} {unit} {second} {smaller}"),
    };
    match seconds {
        0 => format!("{millis} ms"),
        1..MINUTE => format!("{seconds}.{} s", millis / 100),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_has_at_most_two_units() {
        for (millis, expected) in [
            (0, "0 ms"),
            (520, "520 ms"),
            (1_250, "1.2 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (185_000, "3 min 5 s"),
            (7_805_000, "2 h 10 min"),
            (86_400_000 * 3 + 4 * 3_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn time_from_is_before_or_after_now() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(time(now), "2023-11-14 22:13:20");
        let earlier = now.minus(Duration::from_secs(185));
        assert_eq!(time_from(earlier, now), "2023-11-14 22:10:15 (3 min 5 s ago)");
        assert_eq!(time_from(now, earlier), "2023-11-14 22:13:20 (in 3 min 5 s)");
    }
}
