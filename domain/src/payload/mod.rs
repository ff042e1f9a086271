//! A request body of documents: parsed once, validated whole, then cut into one part per node without copying.

use std::sync::Arc;

use bytes::Bytes;

use crate::document::{DocumentId, PrimaryKey};
use crate::error::InvalidRequest;
use crate::{IndexUid, ShardSet};

/// How a body of documents is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `application/json`: an array of objects or one object.
    Json,
    /// `application/x-ndjson`: an object a line.
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
#[derive(Debug)]
pub struct Payload {
    // Filled in by the payload reader.
    _private: (),
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
    pub fn parse(
        format: PayloadFormat,
        body: Bytes,
        index: &IndexUid,
        primary_key: Option<&PrimaryKey>,
        shard_count: u32,
    ) -> Result<Self, PayloadError> {
        let _ = (format, body, index, primary_key, shard_count);
        unimplemented!()
    }

    /// The key the documents were read with: the given one, or the inferred; none for an empty payload without one.
    pub fn primary_key(&self) -> Option<&PrimaryKey> {
        unimplemented!()
    }

    /// How many documents the body holds.
    pub fn document_count(&self) -> usize {
        unimplemented!()
    }

    /// How many distinct ids the documents have: what Meilisearch reports as `indexedDocuments`.
    pub fn distinct_count(&self) -> usize {
        unimplemented!()
    }

    /// The shards the documents fall into.
    pub fn shards(&self) -> ShardSet {
        unimplemented!()
    }

    /// The part of the payload for a node that keeps `shards`, documents in their original order, each with its
    /// [`SHARD_FIELD`](crate::document::SHARD_FIELD).
    pub fn part(self: &Arc<Self>, shards: &ShardSet) -> PayloadPart {
        let _ = shards;
        unimplemented!()
    }
}

/// The documents of a payload that go to one node, as NDJSON made on the fly from slices of the request body.
#[derive(Debug, Clone)]
pub struct PayloadPart {
    _private: (),
}

impl PayloadPart {
    /// How many documents the part holds.
    pub fn document_count(&self) -> usize {
        unimplemented!()
    }

    /// Its length in bytes, as NDJSON.
    pub fn content_length(&self) -> u64 {
        unimplemented!()
    }

    /// The NDJSON text in pieces of about 64 KiB. May be called again: a part can be sent twice.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> + Send + 'static {
        std::iter::empty()
    }
}

/// Document ids of a delete request, in order, as JSON values of the client.
pub fn parse_ids(values: &[serde_json::Value]) -> Result<Vec<DocumentId>, InvalidRequest> {
    let _ = values;
    unimplemented!()
}
