//! Read-your-writes sessions.

use crate::{GroupId, TaskUid, Timestamp};

/// One row of `sessions`: the last write of a client that named its session, and the target of its reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name that the client gave it.
    pub session_id: String,
    /// The task of its last write.
    pub last_write: Option<TaskUid>,
    /// The instant at which that write was accepted.
    pub last_write_at: Option<Timestamp>,
    /// The replica group that serves its reads.
    pub pinned_group: Option<GroupId>,
    /// The least settings version that its reads accept.
    pub min_settings_version: Option<u64>,
    /// The instant of its end unless it is used again: the last use plus a span that is the same for all
    /// sessions.
    pub expires_at: Timestamp,
}
