//! The search page of an index, and the keys of its searches.

use serde_json::Value;

use crate::{IndexUid, Timestamp};

/// One row of `search_ui_config`.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchUiConfig {
    /// The index.
    pub index_uid: IndexUid,
    /// The configuration of its page.
    pub config: Value,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The number of changes plus one.
    pub version: u64,
}

/// The search keys of an index: the one in use, and the one before it while an instance may still hand it
/// out. Keys are named by uid; their values are derived and stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedKey {
    /// The index.
    pub index_uid: IndexUid,
    /// The uid of the key in use.
    pub primary_uid: String,
    /// The uid of the key before it, until it is revoked.
    pub previous_uid: Option<String>,
    /// The instant at which the key in use was created.
    pub rotated_at: Timestamp,
    /// The number of keys so far.
    pub generation: u64,
}

/// The time for which an instance that has observed a generation counts as live without a new observation, in
/// milliseconds.
pub const SCOPED_KEY_SILENCE_MS: u64 = 60_000;
