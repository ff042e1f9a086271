//! The expiry of a key.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};

/// Reads a day, or a date and time, which is in UTC if it has no offset.
///
/// Returns the instant in RFC 3339 with its offset. Returns `None` if the text has another form or is not in
/// the future.
pub(super) fn read(text: &str, now: Timestamp) -> Option<String> {
    let (instant, offset) = parse(text)?;
    if instant <= now {
        return None;
    }
    if offset == Offset::UTC {
        return Some(instant.to_string());
    }
    Some(instant.display_with_offset(offset).to_string())
}

/// Returns the instant and its offset. The library accepts variants of RFC 3339 that Meilisearch refuses, so
/// the shape of the text is checked as well.
fn parse(text: &str) -> Option<(Timestamp, Offset)> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let time = shape.strip_prefix("0000-00-00")?;
    if text.get(17..19) == Some("60") {
        // The library reads a leap second as the second before.
        return None;
    }
    match time {
        "" => in_utc(text.parse::<Date>().ok()?.to_datetime(Time::midnight())),
        "T00:00:00" | " 00:00:00" => in_utc(text.parse().ok()?),
        _ if is_rfc_3339_time(time) => {
            let offset = Pieces::parse(text).ok()?.to_numeric_offset()?;
            Some((text.parse().ok()?, offset))
        }
        _ => None,
    }
}

fn in_utc(datetime: DateTime) -> Option<(Timestamp, Offset)> {
    Some((datetime.to_zoned(TimeZone::UTC).ok()?.timestamp(), Offset::UTC))
}

/// Returns whether a text that has `0` for every digit has the shape of a separator, a time and an offset.
fn is_rfc_3339_time(shape: &str) -> bool {
    let Some(time) = shape.strip_prefix(['T', 't', ' ']) else { return false };
    let Some(end) = time.strip_prefix("00:00:00") else { return false };
    let offset = match end.strip_prefix('.') {
        None => end,
        Some(fraction) if fraction.starts_with('0') => fraction.trim_start_matches('0'),
        Some(_) => return false,
    };
    matches!(offset, "Z" | "z" | "+00:00" | "-00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in_1970(text: &str) -> Option<String> {
        read(text, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn dates_without_an_offset_are_in_utc() {
        for (text, expected) in [
            ("2099-01-01", "2099-01-01T00:00:00Z"),
            ("2099-01-01 12:13:14", "2099-01-01T12:13:14Z"),
            ("2099-01-01T12:13:14", "2099-01-01T12:13:14Z"),
        ] {
            assert_eq!(read_in_1970(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn offset_and_fraction_are_kept() {
        for (text, expected) in [
            ("2099-01-01T12:13:14Z", "2099-01-01T12:13:14Z"),
            ("2099-01-01t12:13:14z", "2099-01-01T12:13:14Z"),
            ("2099-01-01 12:13:14Z", "2099-01-01T12:13:14Z"),
            ("2099-01-01T12:13:14+00:00", "2099-01-01T12:13:14Z"),
            ("2099-01-01T12:13:14-00:00", "2099-01-01T12:13:14Z"),
            ("2099-01-01T12:13:14.500Z", "2099-01-01T12:13:14.5Z"),
            ("2099-01-01T12:13:14.5+02:00", "2099-01-01T12:13:14.5+02:00"),
            ("2099-01-01T12:13:14-05:30", "2099-01-01T12:13:14-05:30"),
            ("2099-01-01T12:13:14.123456789Z", "2099-01-01T12:13:14.123456789Z"),
        ] {
            assert_eq!(read_in_1970(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "nope",
            "2099-1-1",
            "2099-13-01",
            "2099-02-30",
            "2099-01-01T12:13",
            "2099-01-01T12:13:14.5",
            "2099-01-01T12:13:14.Z",
            "2099-01-01T12:13:14..5Z",
            "2099-01-01T12:13:60Z",
            "2099-01-01T24:00:00Z",
            "2099-01-01T12:13:14+02",
            "2099-01-01T12:13:14Z[UTC]",
            "20990101",
        ] {
            assert_eq!(read_in_1970(text), None, "{text}");
        }
    }

    #[test]
    fn past_is_refused() {
        assert_eq!(read_in_1970("1970-01-01"), None);
        assert_eq!(read_in_1970("1969-12-31T23:59:59Z"), None);
    }
}
