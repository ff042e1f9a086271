//! JSON bodies, parsed and read field by field. Refusals have the wording of Meilisearch.

use bytes::Bytes;
use miroir_domain::error::ErrorCode;
use miroir_domain::wording;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::suggestion::{Named, unknown};

/// Bodies of at least this size are parsed outside the threads that serve connections.
const LARGE_BYTES: usize = 256 * 1024;

/// Parses a body. It must not be empty.
pub(crate) async fn parse(body: Bytes) -> Result<Value, Failure> {
    let parsed = if body.len() < LARGE_BYTES {
        serde_json::from_slice(&body)
    } else {
        tokio::task::spawn_blocking(move || serde_json::from_slice(&body))
            .await
            .map_err(|error| Failure::internal(&format!("parsing a body failed: {error}")))?
    };
    parsed.map_err(|error| {
        let message = format!("The json payload provided is malformed. `{error}`.");
        Failure::refused(ErrorCode::MalformedPayload, message)
    })
}

/// Returns the fields of `value`, which must be an object with only `known` fields.
pub(crate) fn object(value: Value, known: &[&str]) -> Result<Map<String, Value>, Failure> {
    let Value::Object(fields) = value else {
        return Err(wrong_type(ErrorCode::BadRequest, "", "an object", &value));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(Named::Field, name, known)),
        None => Ok(fields),
    }
}

/// Returns the refusal of `value`, found at `location`: `.fields[0]`, or empty for the whole body.
pub(crate) fn wrong_type(code: ErrorCode, location: &str, expected: &str, value: &Value) -> Failure {
    Failure::refused(code, wording::wrong_type(location, expected, value))
}

/// Returns the refusal of a body without the field `name`.
pub(crate) fn missing_field(code: ErrorCode, name: &str) -> Failure {
    Failure::refused(code, format!("Missing field `{name}`"))
}

/// Checks that the field `name` is a positive integer, if present.
pub(crate) fn check_number(fields: &Map<String, Value>, name: &str, code: ErrorCode) -> Result<(), Failure> {
    check(fields, name, code, "a positive integer", Value::is_u64)
}

/// Checks that the field `name` is a boolean, if present.
pub(crate) fn check_boolean(fields: &Map<String, Value>, name: &str, code: ErrorCode) -> Result<(), Failure> {
    check(fields, name, code, "a boolean", Value::is_boolean)
}

fn check(
    fields: &Map<String, Value>,
    name: &str,
    code: ErrorCode,
    expected: &str,
    is_valid: impl Fn(&Value) -> bool,
) -> Result<(), Failure> {
    match fields.get(name) {
        Some(value) if !is_valid(value) => Err(wrong_type(code, &format!(".{name}"), expected, value)),
        _ => Ok(()),
    }
}

/// Returns the elements of the array in the field `name`. Returns `None` if the field is absent or null.
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

/// Checks that the field `name` is an array of strings, if present and not null.
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
    fn wrong_type_names_the_location_the_expectation_and_the_value() {
        let message = |location: &str| {
            wrong_type(ErrorCode::BadRequest, location, "a string", &json!([])).error.message
        };
        assert_eq!(message(".x"), "Invalid value type at `.x`: expected a string, but found an array: `[]`");
        assert_eq!(message(""), "Invalid value type: expected a string, but found an array: `[]`");
    }

    #[test]
    fn checks_name_the_location() {
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
    async fn parse_refuses_invalid_json_of_any_size() {
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
