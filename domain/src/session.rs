//! Read-your-writes sessions.

use crate::{GroupId, TaskUid, Timestamp};

/// One row of `sessions`: what a client that named its session wrote last, and where it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name the client gave it.
    pub session_id: String,
    /// The task of its last write.
    pub last_write: Option<TaskUid>,
    /// When that write was accepted.
    pub last_write_at: Option<Timestamp>,
    /// The replica group its reads go to.
    pub pinned_group: Option<GroupId>,
    /// The settings version its reads ask for at least.
    pub min_settings_version: Option<u64>,
    /// When it ends unless it is used again: the last use and a span that is the same for all sessions.
    pub expires_at: Timestamp,
}
