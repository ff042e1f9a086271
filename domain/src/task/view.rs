//! A task as clients and operators see it, in Meilisearch's exact shapes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{NodeMiss, NodeTask, Task, TaskKind, TaskStatus, details};
use crate::error::ResponseError;
use crate::{IndexUid, NodeId, TaskUid, Timestamp};

/// The response to an accepted write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary {
    /// The task's uid.
    pub task_uid: TaskUid,
    /// Its index; null for global tasks.
    pub index_uid: Option<IndexUid>,
    /// Always `enqueued`.
    pub status: TaskStatus,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TaskKind,
    /// The instant at which it was enqueued.
    pub enqueued_at: Timestamp,
    /// The client's own `customMetadata`, if it sent any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<String>,
}

/// A task as `GET /tasks/{uid}` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// Its uid.
    pub uid: TaskUid,
    /// The batch it was processed in: its own uid once it has begun, null before.
    pub batch_uid: Option<TaskUid>,
    /// Its index; null for global tasks.
    pub index_uid: Option<IndexUid>,
    /// Its status.
    pub status: TaskStatus,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TaskKind,
    /// The task that canceled it.
    pub canceled_by: Option<TaskUid>,
    /// Meilisearch's details of the operation, by type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Map<String, Value>>,
    /// The reason of its failure.
    pub error: Option<ResponseError>,
    /// Start to finish, ISO 8601 (`PT0.52S`).
    pub duration: Option<String>,
    /// The instant at which it was enqueued.
    pub enqueued_at: Timestamp,
    /// The instant at which it began.
    pub started_at: Option<Timestamp>,
    /// The instant at which it finished.
    pub finished_at: Option<Timestamp>,
    /// The client's own `customMetadata`, if it sent any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<String>,
}

/// A task as `GET /_miroir/tasks/{uid}` shows it: the client's view, and every node task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDetailView {
    /// The client's view.
    #[serde(flatten)]
    pub task: TaskView,
    /// The node tasks.
    pub node_tasks: BTreeMap<NodeId, NodeTask>,
    /// The nodes that missed it.
    pub node_errors: BTreeMap<NodeId, NodeMiss>,
}

impl Task {
    /// Returns the response to the write that created the task.
    pub fn summary(&self) -> TaskSummary {
        TaskSummary {
            task_uid: self.uid,
            index_uid: self.index_uid.clone(),
            status: TaskStatus::Enqueued,
            kind: self.kind,
            enqueued_at: self.created_at,
            custom_metadata: self.custom_metadata.clone(),
        }
    }

    /// Returns the client's view of the task.
    pub fn view(&self) -> TaskView {
        let begun = self.status != TaskStatus::Enqueued;
        TaskView {
            uid: self.uid,
            batch_uid: begun.then_some(self.uid),
            index_uid: self.index_uid.clone(),
            status: self.status,
            kind: self.kind,
            canceled_by: self.canceled_by,
            details: details::shown(self),
            error: self.error.clone(),
            duration: self.started_at.zip(self.finished_at).map(|(start, end)| iso_8601(end.since(start))),
            enqueued_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            custom_metadata: self.custom_metadata.clone(),
        }
    }

    /// Returns the operator's view of the task.
    pub fn detail_view(&self) -> TaskDetailView {
        TaskDetailView {
            task: self.view(),
            node_tasks: self.node_tasks.clone(),
            node_errors: self.node_errors.clone(),
        }
    }
}

/// Returns a span in the ISO 8601 form that a server prints: days and seconds only, three decimals if there
/// is a fraction.
fn iso_8601(span: Duration) -> String {
    const SECONDS_PER_DAY: u64 = 86_400;
    let (days, seconds) = (span.as_secs() / SECONDS_PER_DAY, span.as_secs() % SECONDS_PER_DAY);
    let date = if days == 0 { String::new() } else { format!("{days}D") };
    match (seconds, span.subsec_millis()) {
        (0, 0) if days != 0 => format!("P{date}"),
        (seconds, 0) => format!("P{date}T{seconds}S"),
        (seconds, millis) => format!("P{date}T{seconds}.{millis:03}S"),
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
