//! What a write will have changed once its task succeeds.

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

/// What a write will have changed once its task succeeds. The store keeps it beside the task's row until then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingChanges {
    /// What becomes of the documents.
    pub kind: ChangeKind,
    /// How many shards the index has.
    pub shard_count: u32,
    /// The settings version of the index when the write was made.
    pub settings_version: u64,
    /// Which documents.
    pub changed: Changed,
}

/// The documents of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Changed {
    /// These, in the order of the request; one that was named twice is here twice.
    Documents {
        /// Their ids.
        ids: Vec<DocumentId>,
        /// The JSON text of each, where a sink asks for bodies. Text, since nothing looks into it before it leaves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        texts: Option<Vec<String>>,
    },
    /// Those that matched this filter; which they were only the nodes know.
    Matching(Value),
    /// All there were.
    All,
}

impl PendingChanges {
    /// What a write to an index as `entry` has it will have changed.
    pub fn of(entry: &IndexEntry, kind: ChangeKind, changed: Changed) -> Self {
        Self { kind, shard_count: entry.shard_count, settings_version: entry.settings_version, changed }
    }
}

impl Changed {
    /// The documents of a payload; none when it is empty.
    pub fn of_payload(payload: &Payload, with_documents: bool) -> Option<Self> {
        let (ids, texts): (Vec<_>, Vec<_>) = payload
            .documents()
            .map(|(id, text)| (id, if with_documents { text.to_owned() } else { String::new() }))
            .unzip();
        let texts = with_documents.then_some(texts);
        (payload.document_count() > 0).then_some(Self::Documents { ids, texts })
    }
}
