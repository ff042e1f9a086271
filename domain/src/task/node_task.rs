//! The part of one node in a task.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TaskStatus;
use crate::error::ResponseError;
use crate::word::words;
use crate::{ShardSet, Timestamp};

words! {
    /// The state of a write on one node, as far as it is known.
    pub enum NodeTaskState("node task state", "states") {
        /// The node was to be sent the write, and it is not known whether it accepted. The reconciler finds
        /// out.
        Pending = "pending",
        /// Accepted, not begun.
        Enqueued = "enqueued",
        /// Begun.
        Processing = "processing",
        /// Done.
        Succeeded = "succeeded",
        /// Failed.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
    }
}

impl NodeTaskState {
    /// Returns whether the node has nothing more to do.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

impl From<TaskStatus> for NodeTaskState {
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Enqueued => Self::Enqueued,
            TaskStatus::Processing => Self::Processing,
            TaskStatus::Succeeded => Self::Succeeded,
            TaskStatus::Failed => Self::Failed,
            TaskStatus::Canceled => Self::Canceled,
        }
    }
}

/// One of the node tasks of a Miroir task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeTask {
    /// The uid that the node gave. `None` while [`NodeTaskState::Pending`].
    pub uid: Option<u32>,
    /// Its state.
    pub status: NodeTaskState,
    /// The reason of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ResponseError>,
    /// The shards of the write that this node keeps.
    pub shards: ShardSet,
    /// The node's own `details`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Map<String, Value>>,
    /// The instant at which the node began, by its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The instant at which the node finished, by its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The settings version that the node has after success, if the write brings settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_version: Option<u64>,
    /// True if the write was acknowledged while this part was pending: the node may lack a write that a
    /// client relies on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acknowledged: bool,
}

impl NodeTask {
    /// Returns whether the node may lack an acknowledged write.
    pub fn is_unsure(&self) -> bool {
        self.acknowledged && self.status == NodeTaskState::Pending
    }

    /// Creates the part of a node that is about to be sent a write to `shards`.
    pub fn pending(shards: ShardSet) -> Self {
        Self {
            uid: None,
            status: NodeTaskState::Pending,
            error: None,
            shards,
            details: None,
            started_at: None,
            finished_at: None,
            settings_version: None,
            acknowledged: false,
        }
    }
}

/// A node that never accepted a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeMiss {
    /// The reason: the node's refusal, or the fault that kept it from being reached.
    pub error: ResponseError,
    /// The shards of the write that the node keeps and that are stale now.
    pub shards: ShardSet,
}

/// A node's report on one of its tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeTaskReport {
    /// The node's uid for it.
    pub uid: u32,
    /// Its status.
    pub status: TaskStatus,
    /// Its type, as the node names it.
    pub kind: String,
    /// The index it concerns.
    pub index_uid: Option<String>,
    /// The reason of its failure.
    pub error: Option<ResponseError>,
    /// Its `details`.
    pub details: Option<Map<String, Value>>,
    /// The instant at which it was enqueued, by the node's clock.
    pub enqueued_at: Timestamp,
    /// The instant at which it began, by the node's clock.
    pub started_at: Option<Timestamp>,
    /// The instant at which it finished, by the node's clock.
    pub finished_at: Option<Timestamp>,
    /// The `customMetadata` it was sent with.
    pub custom_metadata: Option<String>,
}
