//! A request body of documents: parsed once, validated whole, then cut into one part per node without copying.
//!
//! | file | what it does |
//! |---|---|
//! | `reader` | walks over the body, finds every document, keeps the account |
//! | `scan` | reads one document: its id, its reserved attributes, whether it is JSON to the bottom |
//! | `csv` | turns CSV into NDJSON text before anything else looks at it |
//! | `refusal` | what is said about a body that cannot be taken, in Meilisearch's words |
//! | `part` | the documents of one node, as NDJSON |

mod csv;
mod part;
mod reader;
mod refusal;
mod scan;

use std::sync::Arc;

use bytes::Bytes;

pub use self::part::PayloadPart;
use self::scan::{Found, scan};
use crate::document::{DocumentId, PrimaryKey};
use crate::error::InvalidRequest;
use crate::{IndexUid, Shard, ShardSet};

/// How a body of documents is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `application/json`: an array of objects or one object.
    Json,
    /// `application/x-ndjson`: an object a line. As on a Meilisearch server an object may span lines.
    Ndjson,
    /// `text/csv` with this delimiter; the header may type its columns (`:string`, `:number`, `:boolean`).
    Csv {
        /// One ASCII character.
        delimiter: u8,
    },
}

/// Documents of one request: the body, and where in it each document lies.
///
/// The JSON text of a document is never rewritten, so numbers and escapes reach the nodes as the client sent them.
/// Only line breaks between its tokens become spaces, since a node is sent one document a line. A document costs 16
/// bytes beside its text.
#[derive(Debug)]
pub struct Payload {
    /// The body, or the NDJSON made of a CSV body.
    text: Bytes,
    /// Documents that had to be written anew, one after the other; see [`Document::start`].
    rewritten: Vec<u8>,
    documents: Vec<Document>,
    /// What each shard holds, by shard number.
    shards: Vec<ShardTotal>,
    distinct_count: usize,
    primary_key: Option<PrimaryKey>,
}

/// Where a document lies and where it belongs.
#[derive(Debug, Clone, Copy)]
struct Document {
    /// First byte of its text, counted through `text` and then on through `rewritten`.
    start: usize,
    /// Bytes of its text.
    length: u32,
    shard: u32,
}

/// The documents of one shard.
#[derive(Debug, Clone, Copy, Default)]
struct ShardTotal {
    documents: usize,
    /// Their length as NDJSON with the shard field, in bytes.
    bytes: u64,
}

/// Why a payload was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The request is refused at once (4xx): the body cannot be read, or carries a reserved attribute.
    #[error(transparent)]
    Refused(InvalidRequest),
    /// A single server would accept the request and fail its task: a bad or missing document id, or no primary key
    /// to be found. The task fails; nothing is sent to any node.
    #[error(transparent)]
    Failed(InvalidRequest),
}

impl Payload {
    /// Reads `body`. `primary_key` is the key the index has or the client named; `None` infers it from the first
    /// document (an empty payload infers nothing). Every document is validated: JSON form, no reserved attribute, id.
    ///
    /// A body that must be refused is refused whatever its ids are; among several faults of a kind the first counts.
    pub fn parse(
        format: PayloadFormat,
        body: Bytes,
        index: &IndexUid,
        primary_key: Option<&PrimaryKey>,
        shard_count: u32,
    ) -> Result<Self, PayloadError> {
        if body.is_empty() {
            return Err(PayloadError::Refused(refusal::missing(format)));
        }
        let text = match format {
            PayloadFormat::Json | PayloadFormat::Ndjson => body,
            PayloadFormat::Csv { delimiter } => {
                Bytes::from(csv::to_ndjson(&body, delimiter).map_err(PayloadError::Refused)?)
            }
        };
        reader::read(format, text, index, primary_key, shard_count)
    }

    /// The key the documents were read with: the given one, or the inferred; none for an empty payload without one.
    pub fn primary_key(&self) -> Option<&PrimaryKey> {
        self.primary_key.as_ref()
    }

    /// How many documents the body holds.
    pub fn document_count(&self) -> usize {
        self.documents.len()
    }

    /// How many distinct ids the documents have: what Meilisearch reports as `indexedDocuments`. Counted by 64-bit
    /// hashes: two ids would have to collide to count as one.
    pub fn distinct_count(&self) -> usize {
        self.distinct_count
    }

    /// The shards the documents fall into.
    pub fn shards(&self) -> ShardSet {
        (0..)
            .map(Shard)
            .zip(&self.shards)
            .filter(|(_, total)| total.documents > 0)
            .map(|(shard, _)| shard)
            .collect()
    }

    /// The part of the payload for a node that keeps `shards`, documents in their original order, each with its
    /// [`SHARD_FIELD`](crate::document::SHARD_FIELD).
    pub fn part(self: &Arc<Self>, shards: &ShardSet) -> PayloadPart {
        PayloadPart::new(Arc::clone(self), shards)
    }

    /// The documents, in their order: the id and the JSON text of each. Finding the ids reads every document again.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, &str)> {
        let path = self.primary_key.as_ref().map(PrimaryKey::as_str);
        self.documents.iter().filter_map(move |document| {
            // Every document was read so before, so none is left out.
            let text = std::str::from_utf8(self.text_of(*document)).ok()?;
            let Found::Id(_, id) = scan(text, path, true).ok()?.found else { return None };
            Some((DocumentId::from_json(&serde_json::from_str(id).ok()?).ok()?, text))
        })
    }

    /// The text of a document of this payload.
    fn text_of(&self, document: Document) -> &[u8] {
        let (source, start) = match document.start.checked_sub(self.text.len()) {
            Some(start) => (&self.rewritten[..], start),
            None => (&self.text[..], document.start),
        };
        &source[start..start + document.length as usize]
    }
}

/// Document ids of a delete request, in order, as JSON values of the client. The error of a bad one names its
/// position in the list, from 1.
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

#[cfg(test)]
mod tests;
