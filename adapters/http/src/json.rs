//! JSON bodies: parsed, then read field by field with refusals in Meilisearch's words.

use bytes::Bytes;
use miroir_domain::error::ErrorCode;
use miroir_domain::wording;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::suggestion::{Named, unknown};

/// Bodies from this size on are parsed off the threads that serve connections.
const LARGE_BYTES: usize = 256 * 1024;

/// Parses a body that is not empty.
pub(crate) async fn parse(body: Bytes) -> Result<Value, Failure> {
    let parsed = if body.len() < LARGE_BYTES {
        serde_json::from_slice(&body)
    } else {
        tokio::task::spawn_blocking(move || serde_json::from_slice(&body))
            .await
            .map_err(|error| Failure::internal(&format!("parsing a body did not end: {error}")))?
    };
    parsed.map_err(|error| {
        let message = format!("The json payload provided is malformed. `{error}`.");
        Failure::refused(ErrorCode::MalformedPayload, message)
    })
}

/// The fields of `value`, which must be an object with no field but `known`.
pub(crate) fn object(value: Value, known: &[&str]) -> Result<Map<String, Value>, Failure> {
    let Value::Object(fields) = value else {
        return Err(wrong_type(ErrorCode::BadRequest, "", "an object", &value));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(Named::Field, name, known)),
        None => Ok(fields),
    }
}

/// Refuses `value`, found at `place` (`.fields[0]`, or nothing for the whole body).
pub(crate) fn wrong_type(code: ErrorCode, place: &str, expected: &str, value: &Value) -> Failure {
    Failure::refused(code, wording::wrong_type(place, expected, value))
}

/// Returns the refusal of a body without the field `name`.
pub(crate) fn missing_field(code: ErrorCode, name: &str) -> Failure {
    Failure::refused(code, format!("Missing field `{name}`"))
}

/// Checks that the field `name`, where it is there, is a positive integer.
pub(crate) fn check_number(fields: &Map<String, Value>, name: &str, code: ErrorCode) -> Result<(), Failure> {
    check(fields, name, code, "a positive integer", Value::is_u64)
}

/// Checks that the field `name`, where it is there, is a boolean.
pub(crate) fn check_boolean(fields: &Map<String, Value>, name: &str, code: ErrorCode) -> Result<(), Failure> {
    check(fields, name, code, "a boolean", Value::is_boolean)
}

fn check(
    fields: &Map<String, Value>,
    name: &str,
    code: ErrorCode,
    expected: &str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<(), Failure> {
    match fields.get(name) {
        Some(value) if !is_right(value) => Err(wrong_type(code, &format!(".{name}"), expected, value)),
        _ => Ok(()),
    }
}

/// The elements of the field `name`, where it is there and not null; it must be an array.
pub(crate) fn array<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
    code: ErrorCode,
) -> Result<Option<&'a Vec<Value>>, Failure> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(elements)) => Ok(Some(elements)),
        Some(value) => Err(wrong_type(code, &format!(".{name}"), "an array", value)),
    }
}

/// Checks that the field `name`, where it is there and not null, is an array of texts.
pub(crate) fn check_texts(fields: &Map<String, Value>, name: &str, code: ErrorCode) -> Result<(), Failure> {
    let elements = array(fields, name, code)?.map(Vec::as_slice).unwrap_or_default();
    match elements.iter().enumerate().find(|(_, element)| !element.is_string()) {
        Some((position, element)) => {
            Err(wrong_type(code, &format!(".{name}[{position}]"), "a string", element))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_was_expected_where_and_what_was_found() {
        let message =
            |place: &str| wrong_type(ErrorCode::BadRequest, place, "a string", &json!([])).error.message;
        assert_eq!(message(".x"), "Invalid value type at `.x`: expected a string, but found an array: `[]`");
        assert_eq!(message(""), "Invalid value type: expected a string, but found an array: `[]`");
    }

    #[test]
    fn checks_name_the_place() {
        let fields =
            object(json!({"fields": ["a", 1], "limit": null, "ids": "x"}), &["fields", "limit", "ids"]);
        let fields = fields.unwrap();
        let code = ErrorCode::BadRequest;
        let message = |result: Result<(), Failure>| result.unwrap_err().error.message;
        assert!(message(check_texts(&fields, "fields", code)).contains("`.fields[1]`"));
        assert!(message(check_number(&fields, "limit", code)).contains("found null"));
        assert!(message(check_boolean(&fields, "ids", code)).contains("expected a boolean"));
        assert!(array(&fields, "ids", code).is_err());
        assert_eq!(array(&fields, "absent", code), Ok(None));
    }

    #[tokio::test]
    async fn parse_refuses_what_is_no_json_large_or_small() {
        for body in [Bytes::from_static(b"{"), Bytes::from("[".repeat(LARGE_BYTES))] {
            let failure = parse(body).await.unwrap_err();
            assert_eq!(failure.error.code, "malformed_payload");
            assert_eq!(failure.status.as_u16(), 400);
        }
    }

    #[tokio::test]
    async fn parse_reads_a_large_body() {
        let body = json!(vec!["x".repeat(100); LARGE_BYTES / 100]);
        assert_eq!(parse(Bytes::from(body.to_string())).await, Ok(body));
    }
}
