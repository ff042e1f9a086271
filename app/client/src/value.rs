//! The text of JSON values. A missing value is `-`, because servers of other versions may omit it.

use miroir_domain::Timestamp;
use serde_json::Value;

use crate::output::View;
use crate::time;

/// The text of a missing value.
pub(crate) const MISSING: &str = "-";

/// Returns text unchanged, and other values as JSON on one line.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => MISSING.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns `yes` or `no`.
pub(crate) fn yes_no(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => text(other),
    }
}

/// Returns a time.
pub(crate) fn time(value: &Value) -> String {
    instant(value).map_or_else(|| text(value), time::time)
}

/// Returns a time with its distance from now.
pub(crate) fn time_from(value: &Value, view: &View) -> String {
    instant(value).map_or_else(|| text(value), |instant| time::time_from(instant, view.now))
}

/// Returns the duration from one time to another.
pub(crate) fn duration(from: &Value, to: &Value) -> String {
    match (instant(from), instant(to)) {
        (Some(from), Some(to)) => time::duration(to.since(from)),
        _ => MISSING.to_owned(),
    }
}

/// Returns milliseconds as a duration.
pub(crate) fn millis(value: &Value) -> String {
    let millis = value.as_u64().map(std::time::Duration::from_millis);
    millis.map_or_else(|| text(value), time::duration)
}

/// Returns bytes in the largest suitable unit.
pub(crate) fn bytes(value: &Value) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let Some(count) = value.as_u64() else { return text(value) };
    if count < 1024 {
        return format!("{count} B");
    }
    // Computed in tenths without floating point, so that no value is rounded up to `1024.0`.
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Returns the entries of a list, or none if the value is not a list.
pub(crate) fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the code and message of an error.
pub(crate) fn error(value: &Value) -> String {
    match (value["code"].as_str(), value["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => text(value),
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_any_kind_have_text() {
        assert_eq!(text(&json!("a b")), "a b");
        assert_eq!(text(&Value::Null), "-");
        assert_eq!(text(&json!({ "a": [1] })), r#"{"a":[1]}"#);
        assert_eq!((yes_no(&json!(true)), yes_no(&Value::Null)), ("yes".to_owned(), "-".to_owned()));
        assert_eq!(time(&json!("2026-11-27T12:00:05.123Z")), "2026-11-27 12:00:05");
        assert_eq!(time(&json!("soon")), "soon");
        assert_eq!(millis(&json!(1_250)), "1.2 s");
        assert_eq!(duration(&json!("2026-11-27T12:00:05Z"), &json!("2026-11-27T12:00:05.5Z")), "500 ms");
        assert_eq!(error(&json!({ "code": "c", "message": "m" })), "c: m");
        assert_eq!(entries(&json!(7)).len(), 0);
    }

    #[test]
    fn bytes_use_a_suitable_unit() {
        let expected = ["0 B", "1023 B", "1.0 KiB", "1023.9 KiB", "1.0 MiB", "3.5 GiB"];
        let counts = [0, 1023, 1024, 1_048_575, 1_048_576, 3_758_096_384_u64];
        assert_eq!(counts.map(|count| bytes(&json!(count))), expected);
        assert_eq!(bytes(&json!(u64::MAX)), "16777215.9 TiB");
    }
}
