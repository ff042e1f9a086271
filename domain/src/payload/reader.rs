//! Reading a body: every document is found, checked, and added to the totals.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::format::PayloadFormat;
use super::parsed::{Document, Payload, ShardTotal};
use super::refusal::PayloadError;
use super::scan::{Found, scan};
use super::{csv, part, refusal};
use crate::IndexUid;
use crate::document::{PrimaryKey, infer_primary_key};
use crate::error::InvalidRequest;
use crate::placement::shard_of_hash;

impl Payload {
    /// Reads `body`. `primary_key` is the key that the index has or the client named; `None` infers it from
    /// the first document. Every document is validated: its JSON, its attributes and its id.
    ///
    /// A body that must be refused is refused whatever its ids are. Among several faults of a kind the first
    /// counts.
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
        read(format, text, index, primary_key, shard_count)
    }
}

/// Reads the documents of `text`: JSON, or NDJSON that the client sent or that was made of CSV.
fn read(
    format: PayloadFormat,
    text: Bytes,
    index: &IndexUid,
    primary_key: Option<&PrimaryKey>,
    shard_count: u32,
) -> Result<Payload, PayloadError> {
    let mut reader = Reader {
        format,
        text: &text,
        primary_key: primary_key.cloned(),
        shard_count,
        position: 0,
        documents: Vec::new(),
        hashes: Vec::new(),
        rewritten: Vec::new(),
        shards: vec![ShardTotal::default(); shard_count.max(1) as usize],
        failure: None,
    };
    match format {
        PayloadFormat::Json => reader.read_json(),
        PayloadFormat::Ndjson | PayloadFormat::Csv { .. } => reader.read_ndjson(),
    }
    .map_err(PayloadError::Refused)?;
    let Reader { primary_key, position, mut documents, hashes, rewritten, shards, failure, .. } = reader;
    if let Some((at, fault)) = failure {
        return Err(PayloadError::Failed(refusal::locate(fault, at, position, index)));
    }
    documents.shrink_to_fit();
    Ok(Payload { distinct_count: count_distinct(hashes), text, rewritten, documents, shards, primary_key })
}

fn count_distinct(mut hashes: Vec<u64>) -> usize {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len()
}

struct Reader<'a> {
    format: PayloadFormat,
    text: &'a Bytes,
    primary_key: Option<PrimaryKey>,
    shard_count: u32,
    /// The number of the current document, from 1.
    position: usize,
    documents: Vec<Document>,
    hashes: Vec<u64>,
    rewritten: Vec<u8>,
    shards: Vec<ShardTotal>,
    /// The first document with an invalid id. The rest is read all the same, because it may have to be
    /// refused.
    failure: Option<(usize, InvalidRequest)>,
}

impl Reader<'_> {
    fn read_json(&mut self) -> Result<(), InvalidRequest> {
        let text = self.text;
        let format = self.format;
        let malformed = |error: serde_json::Error| refusal::malformed(format, &error.to_string());
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let mut deserializer = serde_json::Deserializer::from_slice(text);
            let mut refused = None;
            let outcome = deserializer.deserialize_seq(Elements { reader: self, refused: &mut refused });
            if let Some(refusal) = refused {
                return Err(refusal);
            }
            outcome.map_err(malformed)?;
            // A Meilisearch server drops the text after the list; here it is refused rather than lost.
            return deserializer.end().map_err(malformed);
        }
        let whole: &RawValue = serde_json::from_slice(text).map_err(malformed)?;
        if !whole.get().starts_with('{') {
            return Err(refusal::not_an_object(format, None));
        }
        self.read_document(whole.get())
    }

    fn read_ndjson(&mut self) -> Result<(), InvalidRequest> {
        for document in serde_json::Deserializer::from_slice(self.text).into_iter::<&RawValue>() {
            let document = document.map_err(|error| refusal::malformed(self.format, &error.to_string()))?;
            self.read_document(document.get())?;
        }
        Ok(())
    }

    /// Reads one document, a slice of the text. An error refuses the whole body.
    fn read_document(&mut self, document: &str) -> Result<(), InvalidRequest> {
        self.position += 1;
        if !document.starts_with('{') {
            return Err(refusal::not_an_object(self.format, Some(self.position)));
        }
        if self.position == 1 && self.primary_key.is_none() {
            self.infer(document);
        }
        let last_wins = self.format == PayloadFormat::Json;
        let path = self.primary_key.as_ref().map(PrimaryKey::as_str);
        let scanned = scan(document, path, last_wins).map_err(|error| {
            refusal::malformed(self.format, &format!("{error} of document {}", self.position))
        })?;
        if let Some(attribute) = scanned.reserved {
            return Err(refusal::reserved(&attribute, self.position));
        }
        if self.failure.is_some() {
            return Ok(());
        }
        let path = path.unwrap_or_default();
        let fault = match scanned.found {
            Found::Id(hash, _) if scanned.repeated => return self.enter_anew(document, hash),
            Found::Id(hash, _) => return self.enter(self.offset_of(document), document.len(), hash),
            Found::Nothing => refusal::missing_id(path, document),
            Found::Several => refusal::several_ids(path, document),
            Found::Invalid(fault) => fault,
        };
        self.failure = Some((self.position, fault));
        Ok(())
    }

    /// Infers the primary key from the first document. A document that is not JSON infers nothing: the scan
    /// reports it.
    fn infer(&mut self, document: &str) {
        let Ok(attributes) = serde_json::from_str::<BTreeMap<String, &RawValue>>(document) else { return };
        match infer_primary_key(attributes.keys().map(String::as_str)) {
            Ok(key) => self.primary_key = Some(key),
            Err(fault) => self.failure = Some((1, fault)),
        }
    }

    /// Returns the position of `document`, a slice of the text.
    fn offset_of(&self, document: &str) -> usize {
        document.as_ptr().addr() - self.text.as_ptr().addr()
    }

    /// Adds a document with repeated attributes, keeping only the last of each. In JSON the last one counts,
    /// but in the NDJSON for a node two values at the primary key would fail the whole payload.
    fn enter_anew(&mut self, document: &str, hash: u64) -> Result<(), InvalidRequest> {
        let attributes: BTreeMap<String, &RawValue> = serde_json::from_str(document).map_err(|error| {
            refusal::malformed(self.format, &format!("{error} of document {}", self.position))
        })?;
        let start = self.rewritten.len();
        serde_json::to_writer(&mut self.rewritten, &attributes).map_err(|error| {
            refusal::malformed(self.format, &format!("{error} in document {}", self.position))
        })?;
        self.enter(self.text.len() + start, self.rewritten.len() - start, hash)
    }

    fn enter(&mut self, start: usize, length: usize, hash: u64) -> Result<(), InvalidRequest> {
        let length = u32::try_from(length).map_err(|_| refusal::too_long(self.position))?;
        let shard = shard_of_hash(hash, self.shard_count).0;
        let total = &mut self.shards[shard as usize];
        total.documents += 1;
        total.bytes += part::line_length(length, shard);
        self.documents.push(Document { start, length, shard });
        self.hashes.push(hash);
        Ok(())
    }
}

/// Reads the elements of a JSON array one by one.
struct Elements<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// The refusal that ended the reading, if the JSON itself was valid.
    refused: &'r mut Option<InvalidRequest>,
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(document) = list.next_element::<&'de RawValue>()? {
            if let Err(refusal) = self.reader.read_document(document.get()) {
                *self.refused = Some(refusal);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}
