//! The refusals of a payload: Meilisearch's words, and the place of the fault.

use super::format::PayloadFormat;
use crate::IndexUid;
use crate::error::{ErrorCode, InvalidRequest};

/// The maximum length of the excerpt of a document that an error repeats, in bytes.
const EXCERPT_BYTES: usize = 1_000;

/// The reason why a payload was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The request is refused at once (4xx): the body cannot be read, or carries a reserved attribute.
    #[error(transparent)]
    Refused(InvalidRequest),
    /// A single server would accept the request and fail its task: an id is invalid or missing, or no primary
    /// key can be inferred. The task fails; nothing is sent to any node.
    #[error(transparent)]
    Failed(InvalidRequest),
}

/// Refuses an empty body.
pub(super) fn missing(format: PayloadFormat) -> InvalidRequest {
    InvalidRequest::new(ErrorCode::MissingPayload, format!("A {} payload is missing.", format.word()))
}

/// Refuses a body, or a document in it, that is not JSON. `fault` is `serde_json`'s sentence with line and
/// column.
pub(super) fn malformed(format: PayloadFormat, fault: &str) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::MalformedPayload,
        format!(
            "The `{}` payload provided is malformed. `Couldn't serialize document value: {fault}`.",
            format.word()
        ),
    )
}

/// Refuses JSON that is not a document. `position` counts documents from 1; `None` means the body as a whole.
pub(super) fn not_an_object(format: PayloadFormat, position: Option<usize>) -> InvalidRequest {
    let place = position.map(|position| format!(" (document {position})")).unwrap_or_default();
    malformed(format, &format!("data are neither an object nor a list of objects{place}"))
}

/// Refuses a CSV body that cannot be read.
pub(super) fn malformed_csv(fault: &str) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::MalformedPayload,
        format!("The `csv` payload provided is malformed: `{fault}`."),
    )
}

/// Refuses a document that is too long for its length to be stored.
pub(super) fn too_long(position: usize) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::PayloadTooLarge,
        format!("Document {position} of the payload is longer than 4 GiB."),
    )
}

/// Refuses a document with an attribute of Miroir.
pub(super) fn reserved(attribute: &str, position: usize) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::MiroirReservedField,
        format!(
            "Document {position} of the payload has the attribute `{attribute}`, which is reserved for Miroir: remove or rename it."
        ),
    )
}

/// Refuses a document without the primary key. `document` is its JSON text.
pub(super) fn missing_id(primary_key: &str, document: &str) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::MissingDocumentId,
        format!("Document doesn't have a `{primary_key}` attribute: `{}`.", compact(document)),
    )
}

/// Refuses a document with several ids. `document` is its JSON text.
pub(super) fn several_ids(primary_key: &str, document: &str) -> InvalidRequest {
    InvalidRequest::new(
        ErrorCode::InvalidDocumentId,
        format!("Document have too many matching `{primary_key}` attribute: `{}`.", compact(document)),
    )
}

/// Adds to the fault of a document its position among `count`. The fault of a single document keeps
/// Meilisearch's words.
pub(super) fn locate(
    fault: InvalidRequest,
    position: usize,
    count: usize,
    index: &IndexUid,
) -> InvalidRequest {
    if count == 1 {
        return fault;
    }
    let message = format!("{} It is document {position} of {count} sent to index `{index}`.", fault.message);
    InvalidRequest::new(fault.code, message)
}

/// Returns valid JSON without the whitespace between its tokens, cut to what an error may repeat.
fn compact(json: &str) -> String {
    let mut compacted = String::new();
    let mut in_string = false;
    let mut escaped = false;
    for character in json.chars() {
        if compacted.len() >= EXCERPT_BYTES {
            compacted.push('…');
            break;
        }
        if in_string || !character.is_ascii_whitespace() {
            compacted.push(character);
        }
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
    }
    compacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_drops_whitespace_outside_strings_only() {
        let json = "{ \"a b\" :\t\"x \\\" y\\\\\" ,\r\n \"c\": [ 1 , 2 ] }";
        assert_eq!(compact(json), "{\"a b\":\"x \\\" y\\\\\",\"c\":[1,2]}");
    }

    #[test]
    fn excerpts_are_cut_at_a_character() {
        let long = "é".repeat(3_000);
        assert!(compact(&format!("\"{long}\"")).len() < 1_100);
    }
}
