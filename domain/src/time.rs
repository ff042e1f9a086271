//! The one unit of time: milliseconds since the Unix epoch, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::wording::excerpt;

/// An instant in milliseconds since the Unix epoch, UTC. In JSON it is RFC 3339 text, as in Meilisearch's
/// responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 date-time")]
pub struct InvalidTimestamp(String);

/// The maximum number of characters of a refused text that an error repeats.
const EXCERPT_CHARS: usize = 80;

/// The milliseconds that a [`jiff::Timestamp`] can print: years -9999 to 9999.
const PRINTABLE: std::ops::RangeInclusive<i64> = -377_705_023_201_000..=253_402_207_200_000;

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);

    /// Returns the instant `millis` milliseconds after the epoch, clamped to years -9999 to 9999 so that it
    /// can be printed.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*PRINTABLE.start(), *PRINTABLE.end()))
    }

    /// Returns the milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the span from `earlier` to `self`. It is zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the instant `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Returns the instant `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `from_millis` keeps the value inside jiff's range, so the fallback is never printed.
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(formatter, "{instant:.3}"),
            Err(_) => write!(formatter, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let instant: jiff::Timestamp =
            text.parse().map_err(|_| InvalidTimestamp(excerpt(text, EXCERPT_CHARS)))?;
        Ok(Self::from_millis(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339() {
        let instant = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(instant.to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!("2023-11-14T22:13:20.123456789Z".parse(), Ok(instant));
        assert_eq!("2023-11-14T23:13:20.123+01:00".parse(), Ok(instant));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn extremes_print() {
        for millis in [i64::MIN, i64::MAX, 0] {
            let text = Timestamp::from_millis(millis).to_string();
            assert!(text.ends_with('Z'), "{text}");
        }
    }
}
