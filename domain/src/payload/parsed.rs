//! A parsed body: the places of its documents, and their shards.

use bytes::Bytes;

use super::scan::{Found, scan};
use crate::document::{DocumentId, PrimaryKey};
use crate::{Shard, ShardSet};

/// The documents of one request: the body, and the place of each document in it.
///
/// The JSON text of a document is not rewritten, unless it repeats an attribute, so numbers and escapes
/// reach the nodes as the client sent them. Only line breaks between its tokens become spaces, because a
/// node is sent one document per line. A document costs 16 bytes besides its text.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use miroir_domain::ShardSet;
/// use miroir_domain::payload::{Payload, PayloadFormat};
///
/// let body = "sku,title,year:number\na1,Alien,1979\nb2,Brazil,1985\n";
/// let (format, index) = (PayloadFormat::Csv { delimiter: b',' }, "movies".parse()?);
/// let key = miroir_domain::document::PrimaryKey::parse("sku")?;
/// let payload = Arc::new(Payload::parse(format, body.into(), &index, Some(&key), 4)?);
/// assert_eq!(payload.document_count(), 2);
///
/// // The part of a node that keeps all shards, as NDJSON. Each document names its shard.
/// let part = payload.part(&ShardSet::all(4));
/// let text = part.chunks().map(|chunk| String::from_utf8(chunk.to_vec()).unwrap()).collect::<String>();
/// assert!(text.lines().next().unwrap().ends_with(r#""sku":"a1","title":"Alien","year":1979}"#));
/// assert_eq!(text.len() as u64, part.content_length());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Payload {
    /// The body, or the NDJSON made of a CSV body.
    pub(super) text: Bytes,
    /// The texts of documents that had to be written anew, one after the other; see [`Document::start`].
    pub(super) rewritten: Vec<u8>,
    pub(super) documents: Vec<Document>,
    /// The totals of each shard, by shard number.
    pub(super) shards: Vec<ShardTotal>,
    pub(super) distinct_count: usize,
    pub(super) primary_key: Option<PrimaryKey>,
}

/// The place of a document, and its shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document {
    /// The position of the first byte of its text, counted through `text` and then on through `rewritten`.
    pub(super) start: usize,
    /// The length of its text, in bytes.
    pub(super) length: u32,
    pub(super) shard: u32,
}

/// The totals of the documents of one shard.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ShardTotal {
    pub(super) documents: usize,
    /// Their length as NDJSON with the shard field, in bytes.
    pub(super) bytes: u64,
}

impl Payload {
    /// Returns the primary key by which the documents were read: the given one, or the inferred one. Returns
    /// `None` for an empty payload without a given key.
    pub fn primary_key(&self) -> Option<&PrimaryKey> {
        self.primary_key.as_ref()
    }

    /// Returns the number of documents.
    pub fn document_count(&self) -> usize {
        self.documents.len()
    }

    /// Returns the number of distinct document ids, which Meilisearch reports as `indexedDocuments`. They are
    /// counted by 64-bit hashes, so two ids with one hash would count as one.
    pub fn distinct_count(&self) -> usize {
        self.distinct_count
    }

    /// Returns the shards of the documents.
    pub fn shards(&self) -> ShardSet {
        (0..)
            .map(Shard)
            .zip(&self.shards)
            .filter(|(_, total)| total.documents > 0)
            .map(|(shard, _)| shard)
            .collect()
    }

    /// Returns the documents in their order: the id and the JSON text of each. Every document is read again
    /// for its id.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, &str)> {
        let path = self.primary_key.as_ref().map(PrimaryKey::as_str);
        self.documents.iter().filter_map(move |document| {
            // Every document was read once already, so none is left out.
            let text = std::str::from_utf8(self.text_of(*document)).ok()?;
            let Found::Id(_, id) = scan(text, path, true).ok()?.found else { return None };
            Some((DocumentId::from_json(&serde_json::from_str(id).ok()?).ok()?, text))
        })
    }

    /// Returns the text of a document of this payload.
    pub(super) fn text_of(&self, document: Document) -> &[u8] {
        let (source, start) = match document.start.checked_sub(self.text.len()) {
            Some(start) => (&self.rewritten[..], start),
            None => (&self.text[..], document.start),
        };
        &source[start..start + document.length as usize]
    }
}
