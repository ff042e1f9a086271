//! The events of a write.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::pending::{ChangeKind, Changed, Origin, PendingChanges};
use crate::document::DocumentId;
use crate::json::fits;
use crate::placement::shard_of;
use crate::row::FIRST_EPOCH;
use crate::{IndexUid, ShardSet, TaskUid, Timestamp};

/// The maximum number of documents of one event.
pub const MAX_EVENT_DOCUMENTS: usize = 1_000;
/// The maximum length of the documents of one event, in bytes of text, unless a single document is longer: a
/// quarter of the message size that a NATS server accepts by default.
pub const MAX_EVENT_TEXT: usize = 256 * 1024;
/// The maximum depth of a document or filter in an event. A deeper one is replaced by `null`. A store keeps
/// JSON of 100 levels, and an event wraps its documents in three.
pub const MAX_DOCUMENT_DEPTH: usize = 97;

/// The attribute of an event that has the epoch of the task store.
const EPOCH: &str = "epoch";

/// The facts that all events of a write have in common.
#[derive(Debug, Clone)]
pub struct EventContext<'a> {
    /// The name of the cluster.
    pub source: &'a str,
    /// The index.
    pub index: &'a IndexUid,
    /// The epoch of the task store.
    pub epoch: u64,
    /// The instant at which the change took effect.
    pub time: Timestamp,
    /// The task that ended. `None` for a change without a task.
    pub task: Option<TaskUid>,
    /// The originator of the change.
    pub origin: Origin,
}

impl ChangeKind {
    fn event_type(self) -> &'static str {
        match self {
            Self::Upserted => "io.miroir.document.upserted",
            Self::Updated => "io.miroir.document.updated",
            Self::Deleted => "io.miroir.document.deleted",
        }
    }
}

/// Returns the events of a write, in the order of its documents: `CloudEvents` 1.0 without their `id`.
///
/// `data` has `taskUid` (null without a task), `origin`, `settingsVersion`, `primaryKeys` (ids as text),
/// `shards` (the numbers of the shards of these documents), and with `with_documents` also `documents`, one
/// for each primary key. A deletion by filter has `filter`, a deletion of everything has `all: true`; both
/// have no primary keys and name all shards.
pub fn document_events(changes: &PendingChanges, of: &EventContext<'_>, with_documents: bool) -> Vec<Value> {
    let event = |ids: &[DocumentId], shards: ShardSet, more: Option<(&str, Value)>| {
        let mut data = Map::new();
        data.insert("taskUid".to_owned(), json!(of.task));
        data.insert("origin".to_owned(), json!(of.origin));
        data.insert("settingsVersion".to_owned(), json!(changes.settings_version));
        data.insert("primaryKeys".to_owned(), ids.iter().map(DocumentId::as_str).collect());
        data.insert("shards".to_owned(), json!(shards));
        data.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let event_type = changes.kind.event_type();
        let event = cloud_event(of.source, of.index, of.time, event_type, &Value::Object(data));
        of_epoch(event, of.epoch)
    };
    let everywhere = || ShardSet::all(changes.shard_count);
    match &changes.changed {
        Changed::Matching(filter) => {
            vec![event(&[], everywhere(), Some(("filter", bounded(filter.clone()))))]
        }
        Changed::All => vec![event(&[], everywhere(), Some(("all", Value::Bool(true))))],
        Changed::Documents { ids, texts } => {
            let texts = texts.as_deref().filter(|_| with_documents);
            pieces(ids.len(), texts)
                .map(|piece| {
                    let ids = &ids[piece.clone()];
                    let shards = ids.iter().map(|id| shard_of(id.as_str(), changes.shard_count)).collect();
                    let documents =
                        texts.map(|texts| texts[piece].iter().map(|text| document(text)).collect());
                    event(ids, shards, documents.map(|documents| ("documents", documents)))
                })
                .collect()
        }
    }
}

/// Returns the event with the epoch of the task store, which [`numbered`] needs.
pub fn of_epoch(mut event: Value, epoch: u64) -> Value {
    event[EPOCH] = Value::from(epoch);
    event
}

/// Returns the event with the `id` that follows from its epoch and number: `<index>:<epoch>:<seq>`. The id is
/// the same at every delivery.
pub fn numbered(event: Value, index: &IndexUid, seq: u64) -> Value {
    // An event of a Miroir before epochs.
    let epoch = event.get(EPOCH).and_then(Value::as_u64).unwrap_or(FIRST_EPOCH);
    let mut numbered = Map::from_iter([("id".to_owned(), Value::String(format!("{index}:{epoch}:{seq}")))]);
    match event {
        Value::Object(attributes) => numbered.extend(attributes),
        // Every event is an object. Anything else in a store is shown rather than lost.
        other => drop(numbered.insert("data".to_owned(), other)),
    }
    Value::Object(numbered)
}

pub(super) fn cloud_event(
    source: &str,
    index: &IndexUid,
    time: Timestamp,
    event_type: &str,
    data: &Value,
) -> Value {
    json!({
        "specversion": "1.0",
        "source": source,
        "type": event_type,
        "subject": index,
        "time": time.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    })
}

/// Returns the ranges into which `count` documents are cut.
fn pieces(count: usize, texts: Option<&[String]>) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == count {
            return None;
        }
        let mut end = start;
        let mut text = 0;
        while end < count && end - start < MAX_EVENT_DOCUMENTS {
            text += texts.and_then(|texts| texts.get(end)).map_or(0, String::len);
            if text > MAX_EVENT_TEXT && end > start {
                break;
            }
            end += 1;
        }
        let piece = start..end;
        start = end;
        Some(piece)
    })
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).map_or(Value::Null, bounded)
}

/// Returns the value, or `null` if a store would refuse an event that holds it: the event must not make the
/// write fail.
fn bounded(value: Value) -> Value {
    if fits(&value, MAX_DOCUMENT_DEPTH) { value } else { Value::Null }
}
