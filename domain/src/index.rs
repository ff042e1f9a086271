//! What placement needs to know of an index: its registry entry.

use serde::{Deserialize, Serialize};

use crate::document::PrimaryKey;
use crate::{IndexUid, Timestamp};

/// One row of the index registry (`indexes`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The index.
    pub uid: IndexUid,
    /// The attribute that names a document; none until the first document or the client tells.
    pub primary_key: Option<PrimaryKey>,
    /// How many shards its documents are split into; fixed when the index is created.
    pub shard_count: u32,
    /// Counts settings changes, from 1. A node is up to date when its `node_settings_version` equals it.
    pub settings_version: u64,
    /// When the entry was made.
    pub created_at: Timestamp,
    /// When the entry last changed.
    pub updated_at: Timestamp,
    /// Counts changes of the row; conditional writes name the one they read. A new row has 1.
    pub version: u64,
}
