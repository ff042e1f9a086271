//! How a task moves: events go in, the next task and what must follow come out.

use super::{NodeTaskReport, Task, TaskStatus};
use crate::error::ResponseError;
use crate::quorum::WriteVerdict;
use crate::{NodeId, Timestamp};

/// Something that happened to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A node accepted the write under this uid.
    NodeAccepted {
        /// The node.
        node: NodeId,
        /// The uid it gave.
        uid: u32,
    },
    /// A node certainly did not accept the write. Its node task becomes a node error.
    NodeMissed {
        /// The node.
        node: NodeId,
        /// Why.
        error: ResponseError,
    },
    /// A node said where its task stands. Reports that would move a finished node task, or move one backwards,
    /// change nothing.
    NodeReported {
        /// The node.
        node: NodeId,
        /// What it said.
        report: NodeTaskReport,
    },
    /// A node no longer knows the task it accepted: its database was lost. The node task fails.
    NodeForgot {
        /// The node.
        node: NodeId,
    },
    /// No node is pending any more, and this is the verdict over those that accepted. A write without quorum fails
    /// with `miroir_no_quorum` at once, even while nodes that accepted it still work on it.
    Dispatched {
        /// The verdict.
        verdict: WriteVerdict,
    },
}

/// What must follow a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The task ended in this status; whoever waits for it may be told.
    Finished(TaskStatus),
}

/// An event that cannot happen to the task it was given to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    /// The event names a node the task has no node task for.
    #[error("task {task} was never meant for node `{node}`")]
    UnknownNode {
        /// The task.
        task: crate::TaskUid,
        /// The node.
        node: NodeId,
    },
    /// The node gave another uid before.
    #[error("node `{node}` accepted task {task} as {known}, and now as {given}")]
    UidChanged {
        /// The task.
        task: crate::TaskUid,
        /// The node.
        node: NodeId,
        /// The uid on record.
        known: u32,
        /// The uid of the event.
        given: u32,
    },
}

impl Task {
    /// The task after `event` at `now`. Pure: the same task and event give the same answer. A finished task changes
    /// no status any more, but still learns what its nodes report.
    pub fn apply(self, event: Event, now: Timestamp) -> Result<(Self, Vec<Effect>), InvalidTransition> {
        let _ = (event, now);
        unimplemented!()
    }
}
