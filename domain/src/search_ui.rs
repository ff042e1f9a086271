//! What the search page of an index shows, and the keys it searches with.

use serde_json::Value;

use crate::{IndexUid, Timestamp};

/// One row of `search_ui_config`.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchUiConfig {
    /// The index.
    pub index_uid: IndexUid,
    /// What its page shows.
    pub config: Value,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a new row has 1.
    pub version: u64,
}

/// The search keys of an index: the one in use, and the one before it while some instance may still hand it out.
/// Keys are named by uid; their values are derived and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedKey {
    /// The index.
    pub index_uid: IndexUid,
    /// The uid of the key in use.
    pub primary_uid: String,
    /// The uid of the key before it, until it is revoked.
    pub previous_uid: Option<String>,
    /// When the key in use was minted.
    pub rotated_at: Timestamp,
    /// Counts rotations, from 1.
    pub generation: u64,
}

/// How long an instance that has observed a generation counts as live without saying so again, in milliseconds.
pub const SCOPED_KEY_SILENCE_MS: u64 = 60_000;
