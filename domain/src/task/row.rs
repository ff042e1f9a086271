//! The rows of `tasks`, and the rules that every store applies to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{NodeMiss, NodeTask, NodeTaskState, TaskKind, TaskStatus};
use crate::change::PendingChanges;
use crate::error::ResponseError;
use crate::json::fits;
use crate::row::{InvalidRow, MAX_JSON_DEPTH, next_version};
use crate::{IndexUid, NodeId, PhysicalUid, ShardSet, TaskUid, Timestamp};

/// A task before the store has given it a uid.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// The type of the task.
    pub kind: TaskKind,
    /// The index it concerns. `None` for global tasks.
    pub index_uid: Option<IndexUid>,
    /// The uid under which the nodes keep the index, if it is not its name.
    pub physical_uid: Option<PhysicalUid>,
    /// Every node that the write is for, each [`Pending`](super::NodeTaskState::Pending): the intent,
    /// recorded before any node is called.
    pub node_tasks: BTreeMap<NodeId, NodeTask>,
    /// The `details` that are known when the task is enqueued.
    pub details: Option<Map<String, Value>>,
    /// The client's own `customMetadata`.
    pub custom_metadata: Option<String>,
    /// The error of a task that is over before it begins: a payload that a single server would refuse in its
    /// task. Such a task has no node tasks and is stored as failed.
    pub failure: Option<ResponseError>,
    /// The changes for events once the task has succeeded. They are not a column of the row: the store keeps
    /// them beside it.
    pub changes: Option<PendingChanges>,
}

/// Miroir's record of one asynchronous operation: one row of the table `tasks`.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The uid that the store gave it.
    pub uid: TaskUid,
    /// The number of changes of the row plus one; conditional writes name the version they read.
    pub version: u64,
    /// The instant at which it was enqueued.
    pub created_at: Timestamp,
    /// Its status.
    pub status: TaskStatus,
    /// Its type.
    pub kind: TaskKind,
    /// The index it concerns. `None` for global tasks.
    pub index_uid: Option<IndexUid>,
    /// The uid under which the nodes keep the index, if it is not its name.
    pub physical_uid: Option<PhysicalUid>,
    /// The node tasks that decide its status: those of nodes that accepted the write, or may have.
    pub node_tasks: BTreeMap<NodeId, NodeTask>,
    /// The nodes that never accepted the write, and the reasons. They do not decide the status.
    pub node_errors: BTreeMap<NodeId, NodeMiss>,
    /// The reason of its failure.
    pub error: Option<ResponseError>,
    /// Meilisearch's details of the operation, by task type.
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
    /// Returns the uid under which the nodes keep the index, if the task concerns one.
    pub fn physical_index(&self) -> Option<PhysicalUid> {
        self.physical_uid.clone().or_else(|| self.index_uid.as_ref().map(PhysicalUid::of_name))
    }

    /// Returns the settings version that the task brings to its index. Returns `None` if no node took it, or
    /// if it brings no settings.
    pub fn settings_version(&self) -> Option<u64> {
        self.node_tasks.values().filter_map(|part| part.settings_version).max()
    }

    /// Returns the shards of the write, on nodes that accepted it and on nodes that missed it.
    pub fn touched_shards(&self) -> ShardSet {
        let accepted = self.node_tasks.values().map(|part| &part.shards);
        let missed = self.node_errors.values().map(|miss| &miss.shards);
        accepted.chain(missed).flat_map(ShardSet::iter).collect()
    }

    /// Records that the write is acknowledged, although some parts may be pending.
    pub fn acknowledge(&mut self) {
        for part in self.node_tasks.values_mut().filter(|part| part.status == NodeTaskState::Pending) {
            part.acknowledged = true;
        }
    }
}

impl NewTask {
    /// Returns the row of the task under `uid` at `now`, as every store writes it.
    pub fn into_task(self, uid: TaskUid, now: Timestamp) -> Task {
        let failed = self.failure.is_some();
        Task {
            uid,
            version: 1,
            created_at: now,
            status: if failed { TaskStatus::Failed } else { TaskStatus::Enqueued },
            kind: self.kind,
            index_uid: self.index_uid,
            physical_uid: self.physical_uid,
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

impl NewTask {
    /// Refuses a task whose details nest too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        check_details(self.details.as_ref(), self.node_tasks.values())
    }
}

impl Task {
    /// Refuses the task as the replacement of a row with status `stored`: a status only moves forward, a
    /// version must have a successor, and details must be readable again.
    pub fn check_replaces(&self, stored: TaskStatus) -> Result<(), InvalidRow> {
        let backwards = rank(self.status) < rank(stored);
        let restated = stored.is_finished() && stored != self.status;
        if backwards || restated {
            return Err(InvalidRow::new(format!(
                "task {} is {} and cannot become {}: a status only moves forward",
                self.uid,
                stored.as_str(),
                self.status.as_str()
            )));
        }
        next_version(self.version)?;
        check_details(self.details.as_ref(), self.node_tasks.values())
    }
}

fn rank(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Enqueued => 0,
        TaskStatus::Processing => 1,
        TaskStatus::Succeeded | TaskStatus::Failed | TaskStatus::Canceled => 2,
    }
}

fn check_details<'a>(
    details: Option<&Map<String, Value>>,
    node_tasks: impl Iterator<Item = &'a NodeTask>,
) -> Result<(), InvalidRow> {
    let all = details.into_iter().chain(node_tasks.filter_map(|node_task| node_task.details.as_ref()));
    for details in all {
        // The object of the details is a level of its own.
        if !details.values().all(|value| fits(value, MAX_JSON_DEPTH - 1)) {
            return Err(InvalidRow::new(format!(
                "the details of a task nest deeper than {MAX_JSON_DEPTH} levels"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::TaskKind;
    use super::super::fixture::{node, task, task_of};
    use super::*;

    /// Details of `levels` levels in all.
    fn details(levels: usize) -> Map<String, Value> {
        let value = (1..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        Map::from_iter([("d".to_owned(), value)])
    }

    #[test]
    fn check_replaces_lets_a_status_move_forward_only() {
        use TaskStatus::{Canceled, Enqueued, Failed, Processing, Succeeded};
        for (stored, allowed) in [
            (Enqueued, &[Enqueued, Processing, Succeeded, Failed, Canceled][..]),
            (Processing, &[Processing, Succeeded, Failed, Canceled]),
            (Succeeded, &[Succeeded]),
            (Failed, &[Failed]),
            (Canceled, &[Canceled]),
        ] {
            for status in TaskStatus::ALL {
                let replacement = Task { status, ..task(&["a"]) };
                let checked = replacement.check_replaces(stored);
                assert_eq!(checked.is_ok(), allowed.contains(&status), "{stored:?} to {status:?}");
            }
        }
        let error = task(&["a"]).check_replaces(Failed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "task 7 is failed and cannot become enqueued: a status only moves forward"
        );
    }

    #[test]
    fn check_replaces_refuses_the_last_version() {
        let last = Task { version: u64::MAX, ..task(&["a"]) };
        assert!(last.check_replaces(TaskStatus::Enqueued).is_err());
    }

    #[test]
    fn check_refuses_details_that_cannot_be_read_back() {
        let of = |levels| task_of(TaskKind::SettingsUpdate, details(levels), &[("a", &[0])]);
        assert_eq!(of(MAX_JSON_DEPTH).check_replaces(TaskStatus::Enqueued), Ok(()));
        assert!(of(MAX_JSON_DEPTH + 1).check_replaces(TaskStatus::Enqueued).is_err());
        let mut on_node = of(1);
        let part = on_node.node_tasks.get_mut(&node("a")).unwrap();
        part.details = Some(details(MAX_JSON_DEPTH + 1));
        assert!(on_node.check_replaces(TaskStatus::Enqueued).is_err());
    }
}
