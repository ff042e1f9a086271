//! Writes in the form in which nodes get them.

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
