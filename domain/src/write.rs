//! Writes in the form in which nodes get them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{DocumentId, PrimaryKey};
use crate::payload::PayloadPart;
use crate::settings::SettingsChange;

/// The effect that an added document has on a document of the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Replaces it (`POST`).
    Replace,
    /// Changes the attributes that it names (`PUT`).
    Update,
}

/// One request that changes a node. A node creates a node task for each.
#[derive(Debug, Clone)]
pub enum WriteOperation {
    /// Adds documents, streamed as NDJSON.
    DocumentsAdd {
        /// The primary key. It is always sent if it is known.
        primary_key: Option<PrimaryKey>,
        /// Replace or update.
        mode: WriteMode,
        /// The node's part of the documents.
        documents: PayloadPart,
    },
    /// Deletes these documents.
    DocumentsDelete(Vec<DocumentId>),
    /// Deletes the documents that match a filter.
    DocumentsDeleteByFilter(Value),
    /// Deletes all documents.
    DocumentsDeleteAll,
    /// Creates the index.
    IndexCreate {
        /// Its primary key.
        primary_key: Option<PrimaryKey>,
    },
    /// Deletes the index.
    IndexDelete,
    /// Changes or resets settings, exactly as given.
    Settings(SettingsChange),
}

/// The documents that a write may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// No documents.
    Nothing,
    /// These.
    Documents {
        /// Their ids.
        ids: BTreeSet<DocumentId>,
        /// True if nothing remains of what each was before: it is replaced or deleted.
        whole: bool,
    },
    /// Any document of the index: the write names no ids.
    Everything,
}

impl Reach {
    /// Returns the reach of a write that sends `writes` to its nodes.
    pub fn of<'a>(writes: impl Iterator<Item = &'a WriteOperation>) -> Self {
        let mut deleted = BTreeSet::new();
        for write in writes {
            match write {
                // The parts of all nodes are of one payload.
                WriteOperation::DocumentsAdd { mode, documents, .. } => {
                    let ids = documents.payload().documents().map(|(id, _)| id).collect();
                    return Self::Documents { ids, whole: *mode == WriteMode::Replace };
                }
                WriteOperation::DocumentsDelete(ids) => deleted.extend(ids.iter().cloned()),
                WriteOperation::DocumentsDeleteByFilter(_)
                | WriteOperation::DocumentsDeleteAll
                | WriteOperation::IndexCreate { .. }
                | WriteOperation::IndexDelete => return Self::Everything,
                WriteOperation::Settings(_) => {}
            }
        }
        if deleted.is_empty() { Self::Nothing } else { Self::Documents { ids: deleted, whole: true } }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::ShardSet;
    use crate::payload::{Payload, PayloadFormat};

    fn ids(texts: &[&str]) -> BTreeSet<DocumentId> {
        texts.iter().map(|text| DocumentId::from_json(&json!(text)).unwrap()).collect()
    }

    fn addition(mode: WriteMode) -> WriteOperation {
        let (body, index) = (r#"[{"id":1},{"id":2},{"id":1}]"#, "films".parse().unwrap());
        let payload = Payload::parse(PayloadFormat::Json, body.into(), &index, None, 4).unwrap();
        let documents = Arc::new(payload).part(&ShardSet::default());
        WriteOperation::DocumentsAdd { primary_key: None, mode, documents }
    }

    #[test]
    fn reach_of_an_addition_is_the_whole_payload_whatever_the_part() {
        for (mode, whole) in [(WriteMode::Replace, true), (WriteMode::Update, false)] {
            let reach = Reach::of([addition(mode)].iter());
            assert_eq!(reach, Reach::Documents { ids: ids(&["1", "2"]), whole });
        }
    }

    #[test]
    fn reach_of_deletions_is_what_all_nodes_delete() {
        let of = |names: &[&str]| WriteOperation::DocumentsDelete(ids(names).into_iter().collect());
        let reach = Reach::of([of(&["a"]), of(&["b", "a"])].iter());
        assert_eq!(reach, Reach::Documents { ids: ids(&["a", "b"]), whole: true });
        assert_eq!(Reach::of([of(&[])].iter()), Reach::Nothing);
    }

    #[test]
    fn reach_of_writes_without_ids_is_everything() {
        let filter = WriteOperation::DocumentsDeleteByFilter(json!("a = 1"));
        for write in [filter, WriteOperation::DocumentsDeleteAll, WriteOperation::IndexDelete] {
            assert_eq!(Reach::of([write].iter()), Reach::Everything);
        }
        assert_eq!(Reach::of([].iter()), Reach::Nothing);
    }
}
