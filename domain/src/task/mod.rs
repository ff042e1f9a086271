//! One task that stands for many: what a client sees of the node tasks behind its write.

mod aggregate;
pub mod details;
#[cfg(test)]
pub(crate) mod fixture;
mod kind;
pub mod marker;
mod node_task;
mod outcome;
mod parameters;
mod query;
mod row;
mod status;
mod transition;
mod view;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::change::PendingChanges;
use crate::error::ResponseError;
use crate::{IndexUid, NodeId, TaskUid, Timestamp};

pub use kind::TaskKind;
pub use node_task::{NodeMiss, NodeTask, NodeTaskReport, NodeTaskState};
pub use outcome::{NodeOutcome, WriteOutcomes};
pub use query::{TaskDates, TaskQuery};
pub use status::TaskStatus;
pub use transition::{Effect, Event, InvalidTransition};
pub use view::{TaskDetailView, TaskSummary, TaskView};

/// A task before the store has given it a uid.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// What the task does.
    pub kind: TaskKind,
    /// The index it concerns; none for global tasks.
    pub index_uid: Option<IndexUid>,
    /// Every node the write is meant for, each [`NodeTaskState::Pending`]: the intent, recorded before any is called.
    pub node_tasks: BTreeMap<NodeId, NodeTask>,
    /// What is known of `details` when the task is enqueued.
    pub details: Option<Map<String, Value>>,
    /// The client's own `customMetadata`.
    pub custom_metadata: Option<String>,
    /// A task that is over before it began: a payload whose documents a single server would refuse in its task.
    /// Such a task has no node tasks and is stored as failed.
    pub failure: Option<ResponseError>,
    /// What others are told once it has succeeded. It is no part of the row: the store keeps it beside it.
    pub changes: Option<PendingChanges>,
}

/// Miroir's record of one asynchronous operation: one row of the table `tasks`.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its uid, given by the store.
    pub uid: TaskUid,
    /// Counts changes of the row; conditional writes name the one they read. A new row has 1.
    pub version: u64,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: TaskStatus,
    /// What it does.
    pub kind: TaskKind,
    /// The index it concerns; none for global tasks.
    pub index_uid: Option<IndexUid>,
    /// The node tasks that decide its status: nodes that accepted the write, or may have.
    pub node_tasks: BTreeMap<NodeId, NodeTask>,
    /// The nodes that never accepted the write, and why. They do not decide the status.
    pub node_errors: BTreeMap<NodeId, NodeMiss>,
    /// Why it failed.
    pub error: Option<ResponseError>,
    /// What Meilisearch reports of the operation, by task type.
    pub details: Option<Map<String, Value>>,
    /// The earliest start of a node task.
    pub started_at: Option<Timestamp>,
    /// The latest finish of a node task, once all have finished.
    pub finished_at: Option<Timestamp>,
    /// The task that canceled it.
    pub canceled_by: Option<TaskUid>,
    /// The client's own `customMetadata`.
    pub custom_metadata: Option<String>,
}

impl Task {
    /// Returns the settings version that the task brings to its index. Returns `None` if no node took it, or if it
    /// brings no settings.
    pub fn settings_version(&self) -> Option<u64> {
        self.node_tasks.values().filter_map(|part| part.settings_version).max()
    }
}

impl NewTask {
    /// The row this task becomes under `uid` at `now`: what every store writes.
    pub fn into_task(self, uid: TaskUid, now: Timestamp) -> Task {
        let failed = self.failure.is_some();
        Task {
            uid,
            version: 1,
            created_at: now,
            status: if failed { TaskStatus::Failed } else { TaskStatus::Enqueued },
            kind: self.kind,
            index_uid: self.index_uid,
            node_tasks: self.node_tasks,
            node_errors: BTreeMap::new(),
            error: self.failure,
            details: self.details,
            started_at: failed.then_some(now),
            finished_at: failed.then_some(now),
            canceled_by: None,
            custom_metadata: self.custom_metadata,
        }
    }
}
