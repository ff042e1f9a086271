//! Transitions of a task: from an event to the next task, and to the effects that must follow.

use super::{NodeMiss, NodeTask, NodeTaskReport, NodeTaskState, Task, TaskStatus, aggregate};
use crate::error::{ErrorCode, ResponseError};
use crate::quorum::WriteVerdict;
use crate::{NodeId, Timestamp};

/// An event in the life of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A node accepted the write under this uid.
    NodeAccepted {
        /// The node.
        node: NodeId,
        /// The uid it gave.
        uid: u32,
    },
    /// A node certainly did not accept the write. Its node task becomes a node error. After an acceptance the
    /// event changes nothing: the node itself reported that it accepted.
    NodeMissed {
        /// The node.
        node: NodeId,
        /// The reason.
        error: ResponseError,
    },
    /// A node reported the state of its task. Reports that would move a finished node task, or move one
    /// backwards, change nothing. A report about a pending node task is also its acceptance.
    NodeReported {
        /// The node.
        node: NodeId,
        /// The report.
        report: NodeTaskReport,
    },
    /// A node no longer has the task it accepted: its database was lost. The node task fails.
    NodeForgot {
        /// The node.
        node: NodeId,
    },
    /// No node is pending any more, and this is the verdict over those that accepted. A write without quorum
    /// fails with `miroir_no_quorum` at once, even while nodes that accepted it still work on it. A write
    /// without any node (no documents) succeeds at once.
    ///
    /// It must follow the event that settles the last pending node, and be stored with it: that event never
    /// ends the task, but later reports may, and a finished task never changes its status.
    Dispatched {
        /// The verdict.
        verdict: WriteVerdict,
    },
    /// Every node refused the write with the same error, as a single server would have: the task fails with
    /// it. The event follows the `NodeMissed` of each node, instead of `Dispatched`.
    Refused {
        /// The nodes' own error.
        error: ResponseError,
    },
}

/// An effect that must follow a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The task ended in this status.
    Finished(TaskStatus),
}

/// An event that is impossible for the task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    /// The task has no node task on the node that the event names.
    #[error("task {task} has no node task on node `{node}`")]
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
    /// Returns the task after `event` at `now`. An event given twice changes nothing the second time. A
    /// finished task never changes its status, but its node tasks still follow the reports.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use miroir_domain::quorum::WriteVerdict;
    /// use miroir_domain::task::{Effect, Event, NewTask, NodeTask, NodeTaskReport, TaskKind, TaskStatus};
    /// use miroir_domain::{NodeId, ShardSet, TaskUid, Timestamp};
    ///
    /// let node: NodeId = "a".parse()?;
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let new = NewTask {
    ///     kind: TaskKind::DocumentDeletion,
    ///     index_uid: Some("movies".parse()?),
    ///     physical_uid: None,
    ///     node_tasks: BTreeMap::from([(node.clone(), NodeTask::pending(ShardSet::all(4)))]),
    ///     details: None,
    ///     custom_metadata: None,
    ///     failure: None,
    ///     changes: None,
    /// };
    /// let task = new.into_task(TaskUid(7), now);
    ///
    /// // The only node accepts the write as its task 31: the write has its quorum.
    /// let (task, _) = task.apply(Event::NodeAccepted { node: node.clone(), uid: 31 }, now)?;
    /// let verdict = WriteVerdict { unwritten: ShardSet::default(), degraded: None };
    /// let (task, effects) = task.apply(Event::Dispatched { verdict }, now)?;
    /// assert_eq!((task.status, effects), (TaskStatus::Enqueued, vec![]));
    ///
    /// // The node reports that it is done, and so is the task.
    /// let report = NodeTaskReport {
    ///     uid: 31,
    ///     status: TaskStatus::Succeeded,
    ///     kind: "documentDeletion".to_owned(),
    ///     index_uid: Some("movies".to_owned()),
    ///     error: None,
    ///     details: None,
    ///     enqueued_at: now,
    ///     started_at: Some(now),
    ///     finished_at: Some(now),
    ///     custom_metadata: None,
    /// };
    /// let (task, effects) = task.apply(Event::NodeReported { node, report }, now)?;
    /// assert_eq!(task.status, TaskStatus::Succeeded);
    /// assert_eq!(effects, [Effect::Finished(TaskStatus::Succeeded)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(mut self, event: Event, now: Timestamp) -> Result<(Self, Vec<Effect>), InvalidTransition> {
        let was_finished = self.status.is_finished();
        // While a node is pending there is no verdict yet, so the event that settles it must not end the
        // task: too few nodes may have accepted.
        let has_verdict =
            matches!(event, Event::Dispatched { .. }) || !aggregate::has_pending(&self.node_tasks);
        match event {
            Event::NodeAccepted { node, uid } => {
                self.accepted_node_task(&node, uid)?;
            }
            Event::NodeMissed { node, error } => self.record_miss(node, error)?,
            Event::NodeReported { node, report } => {
                let report = self.as_clients_see(report);
                let node_task = self.accepted_node_task(&node, report.uid)?;
                learn(node_task, report);
            }
            Event::NodeForgot { node } => self.record_loss(&node, now)?,
            Event::Dispatched { verdict } => aggregate::conclude_dispatch(&mut self, &verdict, now),
            Event::Refused { error } => aggregate::fail(&mut self, error, now),
        }
        aggregate::refresh(&mut self, has_verdict, now);
        let finished = !was_finished && self.status.is_finished();
        let effects = finished.then_some(Effect::Finished(self.status)).into_iter().collect();
        Ok((self, effects))
    }

    /// Returns the node task that `node` accepted as `uid`. A pending one becomes enqueued under it.
    fn accepted_node_task(&mut self, node: &NodeId, uid: u32) -> Result<&mut NodeTask, InvalidTransition> {
        let task = self.uid;
        let Some(node_task) = self.node_tasks.get_mut(node) else {
            return Err(InvalidTransition::UnknownNode { task, node: node.clone() });
        };
        match node_task.uid {
            Some(known) if known != uid => {
                return Err(InvalidTransition::UidChanged { task, node: node.clone(), known, given: uid });
            }
            Some(_) => {}
            None => {
                node_task.uid = Some(uid);
                if node_task.status == NodeTaskState::Pending {
                    node_task.status = NodeTaskState::Enqueued;
                }
            }
        }
        Ok(node_task)
    }

    /// Returns `report` with an error that names the index as clients do.
    fn as_clients_see(&self, report: NodeTaskReport) -> NodeTaskReport {
        let (Some(name), Some(physical_uid)) = (&self.index_uid, &self.physical_uid) else { return report };
        let error = report.error.map(|error| physical_uid.renamed_in_error(error, name));
        NodeTaskReport { error, ..report }
    }

    fn record_miss(&mut self, node: NodeId, error: ResponseError) -> Result<(), InvalidTransition> {
        if let Some(known) = self.node_tasks.get(&node) {
            if known.status == NodeTaskState::Pending {
                let shards = known.shards.clone();
                self.node_tasks.remove(&node);
                self.node_errors.insert(node, NodeMiss { error, shards });
            }
            return Ok(());
        }
        if self.node_errors.contains_key(&node) {
            return Ok(());
        }
        Err(InvalidTransition::UnknownNode { task: self.uid, node })
    }

    fn record_loss(&mut self, node: &NodeId, now: Timestamp) -> Result<(), InvalidTransition> {
        let task = self.uid;
        let Some(node_task) = self.node_tasks.get_mut(node) else {
            return Err(InvalidTransition::UnknownNode { task, node: node.clone() });
        };
        if node_task.status.is_finished() {
            return Ok(());
        }
        let known_as = node_task.uid.map_or_else(String::new, |uid| format!(", its task {uid}"));
        node_task.status = NodeTaskState::Failed;
        node_task.finished_at = Some(now);
        node_task.error = Some(ErrorCode::MiroirNodeUnavailable.with_message(format!(
            "node `{node}` no longer has the write it accepted{known_as}: its database was lost or replaced"
        )));
        Ok(())
    }
}

/// Returns the progress of a node task as a number. Only greater numbers are accepted, so reports may arrive
/// late or twice.
fn progress(status: NodeTaskState) -> u8 {
    match status {
        NodeTaskState::Pending => 0,
        NodeTaskState::Enqueued => 1,
        NodeTaskState::Processing => 2,
        NodeTaskState::Succeeded | NodeTaskState::Failed | NodeTaskState::Canceled => 3,
    }
}

fn learn(node_task: &mut NodeTask, report: NodeTaskReport) {
    let reported = NodeTaskState::from(report.status);
    if node_task.status.is_finished() || progress(reported) < progress(node_task.status) {
        return;
    }
    node_task.status = reported;
    node_task.error = report.error;
    node_task.details = report.details.or(node_task.details.take());
    node_task.started_at = report.started_at.or(node_task.started_at);
    node_task.finished_at = report.finished_at.or(node_task.finished_at);
}

#[cfg(test)]
#[path = "transition_tests.rs"]
mod tests;
