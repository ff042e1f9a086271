//! Checks of JSON values, with Meilisearch's messages for errors.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// Describes a value as error messages do.
pub(crate) fn describe(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_u64() => "a positive integer",
        Value::Number(number) if number.is_i64() => "a negative integer",
        Value::Number(_) => "a float",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{kind}: `{value}`")
}

/// Creates the refusal for a value of the wrong JSON type at `path`, which is empty for the whole body.
pub(crate) fn wrong_type(path: &str, expected: &str, found: &Value, code: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    let found = describe(found);
    ApiError::invalid(code, format!("Invalid value type{place}: expected {expected}, but found {found}"))
}

/// Returns names in backticks, separated by commas.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Creates the refusal for a text that is not one of the expected words.
pub(crate) fn unknown_value(path: &str, found: &str, expected: &[&str], code: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    ApiError::invalid(code, format!("Unknown value `{found}`{place}: expected one of {}", quoted(expected)))
}

/// Returns the body as an object. Refuses other values, and fields that are not in `allowed`.
pub(crate) fn object<'b>(body: &'b Value, allowed: &[&str]) -> Result<&'b Map<String, Value>, ApiError> {
    let map = body.as_object().ok_or_else(|| wrong_type("", "an object", body, "bad_request"))?;
    known_fields(map, "", allowed, "bad_request")?;
    Ok(map)
}

/// Refuses fields of an object at `path` that are not in `allowed`.
pub(crate) fn known_fields(
    map: &Map<String, Value>,
    path: &str,
    allowed: &[&str],
    code: &str,
) -> Result<(), ApiError> {
    let Some(unknown) = map.keys().find(|key| !allowed.contains(&key.as_str())) else { return Ok(()) };
    Err(unknown_field(unknown, path, allowed, code))
}

/// Creates the refusal for a field that is not in `allowed`, of an object at `path`.
pub(crate) fn unknown_field(name: &str, path: &str, allowed: &[&str], code: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" inside `{path}`") };
    ApiError::invalid(code, format!("Unknown field `{name}`{place}: expected one of {}", quoted(allowed)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn describe_names_the_json_type() {
        assert_eq!(describe(&json!(3)), "a positive integer: `3`");
        assert_eq!(describe(&json!(-3)), "a negative integer: `-3`");
        assert_eq!(describe(&json!("a")), "a string: `\"a\"`");
        assert_eq!(describe(&json!(null)), "null");
    }
}
