//! The id of one document in its canonical form.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ErrorCode, InvalidRequest};
use crate::id::is_plain_name;
use crate::wording::shortened;

/// A valid document id in canonical form: text as it is, an integer in decimal, so `1` and `"1"` are one
/// document. Deserializing an id from a store does not check it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(String);

/// The maximum number of characters of a refused id that an error repeats: more than any valid id has.
const EXCERPT_CHARS: usize = 1_000;

impl DocumentId {
    /// The maximum length of an id, in bytes.
    pub const MAX_BYTES: usize = 511;

    /// Reads the id from a JSON value. Errors are Meilisearch's `invalid_document_id`, in its words.
    pub fn from_json(value: &Value) -> Result<Self, InvalidRequest> {
        match value {
            Value::String(text) if Self::is_valid_text(text) => Ok(Self(text.clone())),
            Value::Number(number) if !number.is_f64() => Ok(Self(number.to_string())),
            refused => Err(refuse(refused)),
        }
    }

    /// Returns whether `text` is an id as it is: 1 to 511 bytes of letters, digits, `-` and `_`.
    pub(crate) fn is_valid_text(text: &str) -> bool {
        is_plain_name(text, Self::MAX_BYTES)
    }

    /// Returns the canonical text, which placement hashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refuse(value: &Value) -> InvalidRequest {
    let shown = shortened(value, EXCERPT_CHARS);
    InvalidRequest::new(
        ErrorCode::InvalidDocumentId,
        format!(
            "Document identifier `{shown}` is invalid. A document identifier can be of type integer or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes."
        ),
    )
}

impl fmt::Display for DocumentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn from_json_returns_equal_text_for_equal_ids() {
        let cases = [
            (json!("a-Z_9"), "a-Z_9"),
            (json!(1), "1"),
            (json!("1"), "1"),
            (json!(-5), "-5"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(i64::MIN), "-9223372036854775808"),
        ];
        for (value, canonical) in cases {
            assert_eq!(DocumentId::from_json(&value).unwrap().as_str(), canonical);
        }
        let longest = "x".repeat(511);
        assert_eq!(DocumentId::from_json(&json!(longest)).unwrap().to_string(), longest);
    }

    #[test]
    fn from_json_refuses_invalid_ids() {
        for refused in [
            json!(""),
            json!("a b"),
            json!("é"),
            json!("a\u{0}"),
            json!("x".repeat(512)),
            json!(1.0),
            json!(null),
            json!(true),
            json!([1]),
            json!({"a": 1}),
        ] {
            let error = DocumentId::from_json(&refused).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidDocumentId, "{refused}");
            assert!(error.message.starts_with(&format!("Document identifier `{refused}` is invalid. ")));
        }
    }

    #[test]
    fn from_json_cuts_the_refused_value() {
        let error = DocumentId::from_json(&json!("é".repeat(100_000))).unwrap_err();
        assert!(error.message.chars().count() < 1_300, "{} characters", error.message.chars().count());
        assert!(error.message.contains('…'));
    }
}
