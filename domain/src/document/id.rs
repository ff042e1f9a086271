//! The id of one document in its canonical form.

use std::fmt;

use crate::error::InvalidRequest;

/// A valid document id in canonical form: text as it is, an integer in decimal, so `1` and `"1"` are one document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(String);

impl DocumentId {
    /// Reads the id from a JSON value. Errors are Meilisearch's `invalid_document_id`, in its words.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, InvalidRequest> {
        let _ = value;
        unimplemented!()
    }

    /// The canonical text, which placement hashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
