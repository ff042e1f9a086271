//! The rows of the tables `cluster` and `nodes`.

use serde::{Deserialize, Serialize};

use super::{AcceptedTopology, ClusterId, Incarnation};
use crate::{NodeId, Timestamp};

/// The one row of the table `cluster`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// The id of the cluster.
    pub id: ClusterId,
    /// The number of times that the store was found restored or rebuilt, plus one.
    pub epoch: u64,
    /// The topology that was last accepted.
    pub topology: AcceptedTopology,
    /// The number of changes of the row plus one; conditional writes name the version they read.
    pub version: u64,
}

/// A task of a node that Miroir has seen. Its time tells it from a task of other data with the same uid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTask {
    /// The uid of the task.
    pub uid: u32,
    /// The instant at which the node enqueued it, as the node wrote it: RFC 3339, with up to nanoseconds.
    pub enqueued_at: String,
}

/// One row of the table `nodes`: the data that a node is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub node: NodeId,
    /// The incarnation of its data. `None` for a node of an older Miroir, which made no markers.
    pub incarnation: Option<Incarnation>,
    /// The newest task of the node that Miroir has seen.
    pub newest_task: Option<SeenTask>,
    /// The instant of the last change of the row.
    pub updated_at: Timestamp,
}

impl NodeRow {
    /// Returns the row of a node of an older Miroir, which made no markers.
    pub fn without_marker(node: NodeId, now: Timestamp) -> Self {
        Self { node, incarnation: None, newest_task: None, updated_at: now }
    }
}
