//! The `filter` parameter: a text, or an array of texts.

use serde_json::Value;

use super::expression::{Filter, join};
use super::parse::parse_text;
use crate::error::ApiError;

/// Reads the parameter: a text, or an array of texts (AND) and arrays of texts (OR). Returns `None` if it is
/// empty.
pub(crate) fn parse(value: &Value, code: &str) -> Result<Option<Filter>, ApiError> {
    let wrong = |expected: &str, found: &Value| {
        let message =
            format!("Invalid syntax for the filter parameter: `expected {expected}, found: {found}`.");
        ApiError::invalid(code, message)
    };
    let read = |text: &str| parse_text(text).map_err(|message| ApiError::invalid(code, message));
    match value {
        Value::String(text) => read(text),
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                match item {
                    Value::String(text) => all.extend(read(text)?),
                    Value::Array(choices) => {
                        let mut any = Vec::new();
                        for choice in choices {
                            let text = choice.as_str().ok_or_else(|| wrong("String", choice))?;
                            any.extend(read(text)?);
                        }
                        all.extend(join(any, Filter::Or));
                    }
                    other => return Err(wrong("String, [String]", other)),
                }
            }
            Ok(join(all, Filter::And))
        }
        other => Err(wrong("String, Array", other)),
    }
}
