//! The registry entry of an index.

use serde::{Deserialize, Serialize};

use crate::document::PrimaryKey;
use crate::{IndexUid, PhysicalUid, Timestamp};

/// The settings version of an index that has just been created.
pub const FIRST_SETTINGS_VERSION: u64 = 1;

/// One row of the index registry (`indexes`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The name of the index, as clients see it.
    pub uid: IndexUid,
    /// The uid under which the nodes keep it, and the store its replica states and settings.
    pub physical_uid: PhysicalUid,
    /// The attribute that holds the id of a document. `None` until the first document or the client
    /// determines it.
    pub primary_key: Option<PrimaryKey>,
    /// The number of shards of its documents. It is fixed when the index is created.
    pub shard_count: u32,
    /// The number of settings changes plus one. A node is up to date if its `node_settings_version` equals
    /// it.
    pub settings_version: u64,
    /// The instant of the entry's creation.
    pub created_at: Timestamp,
    /// The instant of the entry's last change.
    pub updated_at: Timestamp,
    /// The number of changes of the row plus one; conditional writes name the version they read.
    pub version: u64,
}
