//! The changes of a write, which take effect once its task succeeds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::DocumentId;
use crate::index::IndexEntry;
use crate::payload::Payload;
use crate::word::words;

words! {
    /// The kind of change that a write makes to its documents.
    pub enum ChangeKind("kind of change", "kinds") {
        /// Each was added, or replaced the one with its id (`POST`).
        Upserted = "upserted",
        /// Each was added, or its attributes were put over those of the one with its id (`PUT`).
        Updated = "updated",
        /// They were deleted.
        Deleted = "deleted",
    }
}

words! {
    /// The originator of a write.
    pub enum Origin("origin", "origins") {
        /// A client.
        Client = "client",
        /// Miroir itself, to repair the replica of a node. The documents of the index stay the same.
        Repair = "repair",
    }
}

/// The changes of a write, which take effect once its task succeeds. The store keeps them beside the task's
/// row until then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingChanges {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The number of shards of the index.
    pub shard_count: u32,
    /// The settings version of the index when the write was made.
    pub settings_version: u64,
    /// The changed documents.
    pub changed: Changed,
}

/// The documents of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Changed {
    /// These documents, in the order of the request; a document that was named twice is here twice.
    Documents {
        /// Their ids.
        ids: Vec<DocumentId>,
        /// The JSON text of each, if a sink wants documents. It is text, because nothing reads it before it
        /// is delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        texts: Option<Vec<String>>,
    },
    /// The documents that matched this filter; only the nodes know them.
    Matching(Value),
    /// All documents of the index.
    All,
}

impl PendingChanges {
    /// Returns the changes of a write to the index of `entry`.
    pub fn of(entry: &IndexEntry, kind: ChangeKind, changed: Changed) -> Self {
        Self { kind, shard_count: entry.shard_count, settings_version: entry.settings_version, changed }
    }
}

impl Changed {
    /// Returns the documents of a payload. Returns `None` if it is empty.
    pub fn of_payload(payload: &Payload, with_documents: bool) -> Option<Self> {
        let (ids, texts): (Vec<_>, Vec<_>) = payload
            .documents()
            .map(|(id, text)| (id, if with_documents { text.to_owned() } else { String::new() }))
            .unzip();
        let texts = with_documents.then_some(texts);
        (payload.document_count() > 0).then_some(Self::Documents { ids, texts })
    }
}
