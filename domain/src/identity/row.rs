//! The rows of the tables `cluster` and `nodes`.

use serde::{Deserialize, Serialize};

use super::{AcceptedTopology, ClusterId, Incarnation};
use crate::{NodeId, Timestamp};

/// The one row of the table `cluster`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// The id of the cluster.
    pub id: ClusterId,
    /// The epoch: a number that is greater after each time that the store was restored or rebuilt.
    pub epoch: u64,
    /// The topology that was last accepted.
    pub topology: AcceptedTopology,
    /// The number of changes of the row plus one; conditional writes name the version they read.
    pub version: u64,
}

impl ClusterRow {
    /// Returns the row with a new epoch. It is greater than any before, also than those that a restored store
    /// does not know: an epoch begins with the number of seconds since 1970.
    #[must_use]
    pub fn in_new_epoch(self, now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_millis()).unwrap_or(0) / 1_000;
        Self { epoch: self.epoch.saturating_add(1).max(seconds), ..self }
    }
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

/// The topology of an instance, compared with the accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTopology {
    /// It is not known which one was accepted.
    Unknown,
    /// It is the accepted one.
    Accepted {
        /// The version of the row of the cluster.
        version: u64,
    },
    /// Another one was accepted.
    Former,
}

impl OwnTopology {
    /// Compares `own` with that of `row`, if the row is known. Without nodes it is never a former one.
    pub fn of(own: &AcceptedTopology, row: Option<&ClusterRow>) -> Self {
        match row {
            Some(row) if row.topology == *own => Self::Accepted { version: row.version },
            Some(_) if !own.nodes.is_empty() => Self::Former,
            Some(_) | None => Self::Unknown,
        }
    }
}
