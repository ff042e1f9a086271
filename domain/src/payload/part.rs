//! The documents of one node, as NDJSON made on the fly.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::parsed::{Document, Payload};
use crate::document::{SHARD_FIELD, shard_value};
use crate::{Shard, ShardSet};

/// The size of a piece of NDJSON, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// The documents of a payload for one node, as NDJSON made on the fly from slices of the request body.
#[derive(Debug, Clone)]
pub struct PayloadPart {
    payload: Arc<Payload>,
    /// True for each shard that the node keeps, by shard number.
    kept: Arc<[bool]>,
    document_count: usize,
    content_length: u64,
}

impl PayloadPart {
    pub(super) fn new(payload: Arc<Payload>, shards: &ShardSet) -> Self {
        let mut kept = vec![false; payload.shards.len()];
        let (mut document_count, mut content_length) = (0, 0);
        for Shard(number) in shards.iter() {
            // A shard beyond the payload's shard count has no documents.
            if let Some(total) = payload.shards.get(number as usize) {
                kept[number as usize] = true;
                document_count += total.documents;
                content_length += total.bytes;
            }
        }
        Self { payload, kept: kept.into(), document_count, content_length }
    }

    /// Returns the payload of which this is a part.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Returns the number of documents of the part.
    pub fn document_count(&self) -> usize {
        self.document_count
    }

    /// Returns the length of its NDJSON, in bytes.
    pub fn content_length(&self) -> u64 {
        self.content_length
    }

    /// Returns the NDJSON text in pieces of about 64 KiB. Each call begins again, so a part can be sent
    /// twice.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> + Send + 'static {
        Chunks { part: self.clone(), next: 0, unfinished: None }
    }
}

impl Payload {
    /// Returns the part of the payload for a node that keeps `shards`: the documents in their original order,
    /// each with its [`SHARD_FIELD`].
    pub fn part(self: &Arc<Self>, shards: &ShardSet) -> PayloadPart {
        PayloadPart::new(Arc::clone(self), shards)
    }
}

/// Returns the length of a document as a line of NDJSON with its shard field, in bytes.
pub(super) fn line_length(document_length: u32, shard: u32) -> u64 {
    // The opening brace of the document is replaced by the head; a line feed ends the line.
    u64::from(document_length) - 1 + head(shard).len() as u64 + 1
}

/// Returns the beginning of a line: the shard field, to be followed by the document's own attributes.
fn head(shard: u32) -> String {
    format!("{{\"{SHARD_FIELD}\":\"{}\",", shard_value(Shard(shard)))
}

struct Chunks {
    part: PayloadPart,
    /// The number of the next document to consider.
    next: usize,
    /// The document that is being written, and the rest of its text.
    unfinished: Option<(Document, Range<usize>)>,
}

impl Chunks {
    /// Returns the capacity for one chunk, with room for the head and the line feed that may exceed it.
    fn capacity(&self) -> usize {
        let whole = usize::try_from(self.part.content_length).unwrap_or(CHUNK_BYTES);
        whole.min(CHUNK_BYTES) + 4 * SHARD_FIELD.len()
    }

    /// Writes the head of the next document's line. Returns the document, or `None` if there are no more.
    fn begin(&mut self, chunk: &mut Vec<u8>) -> Option<(Document, Range<usize>)> {
        let rest = &self.part.payload.documents[self.next..];
        let skipped = rest.iter().position(|document| self.part.kept[document.shard as usize])?;
        let document = rest[skipped];
        self.next += skipped + 1;
        chunk.extend_from_slice(head(document.shard).as_bytes());
        // Every document is an object with at least an id, so an attribute follows its opening brace.
        Some((document, 1..document.length as usize))
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut chunk = Vec::with_capacity(self.capacity());
        while chunk.len() < CHUNK_BYTES {
            let Some((document, left)) = self.unfinished.take().or_else(|| self.begin(&mut chunk)) else {
                break;
            };
            let end = left.end.min(left.start + CHUNK_BYTES.saturating_sub(chunk.len()).max(1));
            let written = chunk.len();
            chunk.extend_from_slice(&self.part.payload.text_of(document)[left.start..end]);
            join_lines(&mut chunk[written..]);
            if end < left.end {
                self.unfinished = Some((document, end..left.end));
            } else {
                chunk.push(b'\n');
            }
        }
        (!chunk.is_empty()).then(|| Bytes::from(chunk))
    }
}

/// Turns line breaks into spaces. Valid JSON has them between tokens only: inside strings they must be
/// escaped.
fn join_lines(json: &mut [u8]) {
    for byte in json {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}
