//! The ids of a request that deletes documents.

use crate::document::DocumentId;
use crate::error::InvalidRequest;

/// Reads the document ids of a delete request, in order. The error of an invalid id names its position in the
/// list, from 1.
pub fn parse_ids(values: &[serde_json::Value]) -> Result<Vec<DocumentId>, InvalidRequest> {
    let read = |(position, value): (usize, &serde_json::Value)| {
        DocumentId::from_json(value).map_err(|error| {
            InvalidRequest::new(
                error.code,
                format!("{} It is number {} of the list.", error.message, position + 1),
            )
        })
    };
    values.iter().enumerate().map(read).collect()
}
