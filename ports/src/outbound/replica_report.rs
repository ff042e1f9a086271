//! Stale replicas, as they are shown.

use miroir_domain::replica::ReplicaRow;
use miroir_domain::{IndexUid, NodeId, PhysicalUid, ShardSet, TaskUid, Timestamp};
use serde::Serialize;

/// A replica that is not in sync with the others of its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StaleReplica {
    /// The name of the index.
    pub index: IndexUid,
    /// The uid under which the nodes keep it.
    pub physical_uid: PhysicalUid,
    /// The node.
    pub node: NodeId,
    /// The shards whose documents may differ.
    pub shards: ShardSet,
    /// True if the settings are stale.
    pub settings: bool,
    /// True if the node may not have the index, or may still have an index that was deleted.
    pub whole_index: bool,
    /// The instant since which the replica is not in sync.
    pub since: Option<Timestamp>,
    /// The task of the first write that it missed, if it is known.
    pub task_uid: Option<TaskUid>,
    /// The reason of the first difference.
    pub reason: String,
    /// The progress of its repair, once an attempt was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<RepairProgress>,
}

/// The progress of the repair of one replica, since the leader's term began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairProgress {
    /// The shards that are being repaired; none while the repair waits.
    pub shards: ShardSet,
    /// The number of documents of these shards that were compared. Each copy is read twice at least.
    pub documents_compared: u64,
    /// The number of documents to compare.
    pub documents_total: u64,
    /// The number of documents that differed and were copied to the node, or deleted there.
    pub documents_copied: u64,
    /// The estimated time until all stale shards are repaired, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// The number of attempts that failed.
    pub failures: u32,
    /// The reason of the last failure, or for which the repair waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl StaleReplica {
    /// Returns the shards among `shards` whose documents may differ: all of them if the settings or the index
    /// itself do.
    pub fn doubtful(&self, shards: &ShardSet) -> ShardSet {
        if self.settings || self.whole_index {
            return shards.clone();
        }
        self.shards.intersection(shards)
    }

    /// Returns the report of a row.
    pub fn of(row: ReplicaRow) -> Self {
        Self {
            shards: row.state.shard_set(),
            settings: row.state.settings.is_some(),
            whole_index: row.state.index.is_some(),
            index: row.index.name(),
            physical_uid: row.index,
            node: row.node,
            since: Some(row.since),
            task_uid: row.task,
            reason: row.reason,
            repair: None,
        }
    }
}

/// The stale replicas, as the leader knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplicaReport {
    /// False while the leader is still finding writes that were missed before its term: there may be more.
    pub complete: bool,
    /// The stale replicas.
    pub results: Vec<StaleReplica>,
}
