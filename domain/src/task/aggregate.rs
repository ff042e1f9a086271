//! The aggregation of node tasks into one status, one error and one pair of times.
//!
//! Clocks of nodes differ from each other and from ours. A node's time is therefore kept between two instants
//! of our own clock: the creation of the task, which came before, and the present, which comes after.

use std::collections::BTreeMap;

use super::{NodeTask, NodeTaskState, Task, TaskKind, TaskStatus};
use crate::error::{ErrorCode, ResponseError};
use crate::quorum::WriteVerdict;
use crate::{NodeId, Timestamp};

/// Updates status, error and times of an unfinished task from its node tasks. It does not end without a
/// verdict, or without node tasks.
pub(super) fn refresh(task: &mut Task, has_verdict: bool, now: Timestamp) {
    if task.status.is_finished() || task.node_tasks.is_empty() {
        return;
    }
    if task.node_tasks.values().any(|node_task| has_begun(node_task.status)) {
        task.status = TaskStatus::Processing;
        let started = earliest_start(task).unwrap_or(task.created_at);
        let started = bounded(task, started, now);
        task.started_at = Some(task.started_at.map_or(started, |known| known.min(started)));
    }
    if has_verdict && task.node_tasks.values().all(|node_task| node_task.status.is_finished()) {
        let outcome = outcome(task);
        let error = (outcome == TaskStatus::Failed).then(|| folded_error(&task.node_tasks));
        let finished = latest_finish(task).unwrap_or(now);
        finish(task, outcome, error, finished, now);
    }
}

/// Returns whether it is unknown of any node whether it accepted the write.
pub(super) fn has_pending(node_tasks: &BTreeMap<NodeId, NodeTask>) -> bool {
    node_tasks.values().any(|node_task| node_task.status == NodeTaskState::Pending)
}

/// Ends the task as failed with `error`, whatever the state of its node tasks.
pub(super) fn fail(task: &mut Task, error: ResponseError, now: Timestamp) {
    if !task.status.is_finished() {
        finish(task, TaskStatus::Failed, Some(error), now, now);
    }
}

/// Applies a verdict: a write without quorum fails, and a write without any node succeeds.
pub(super) fn conclude_dispatch(task: &mut Task, verdict: &WriteVerdict, now: Timestamp) {
    if task.status.is_finished() {
        return;
    }
    let none_accepted = task.node_tasks.is_empty();
    if !verdict.unwritten.is_empty() || (none_accepted && !task.node_errors.is_empty()) {
        let error = no_quorum(task, verdict);
        fail(task, error, now);
    } else if none_accepted {
        finish(task, TaskStatus::Succeeded, None, now, now);
    }
}

fn finish(
    task: &mut Task,
    status: TaskStatus,
    error: Option<ResponseError>,
    finished: Timestamp,
    now: Timestamp,
) {
    let started = task.started_at.unwrap_or_else(|| bounded(task, finished, now));
    task.status = status;
    task.error = error;
    task.finished_at = Some(bounded(task, finished, now).max(started));
    task.started_at = Some(started);
}

/// Returns a node's time, moved between the creation of the task and `now`.
fn bounded(task: &Task, reported: Timestamp, now: Timestamp) -> Timestamp {
    reported.clamp(task.created_at, now.max(task.created_at))
}

fn has_begun(status: NodeTaskState) -> bool {
    !matches!(status, NodeTaskState::Pending | NodeTaskState::Enqueued)
}

fn earliest_start(task: &Task) -> Option<Timestamp> {
    let begun = task.node_tasks.values().filter(|node_task| has_begun(node_task.status));
    begun.filter_map(|node_task| node_task.started_at.or(node_task.finished_at)).min()
}

fn latest_finish(task: &Task) -> Option<Timestamp> {
    task.node_tasks.values().filter_map(|node_task| node_task.finished_at).max()
}

fn outcome(task: &Task) -> TaskStatus {
    let any = |status| task.node_tasks.values().any(|node_task| node_task.status == status);
    let mut failed =
        task.node_tasks.values().filter(|node_task| node_task.status == NodeTaskState::Failed).peekable();
    if failed.peek().is_some() {
        // Nodes are only sent the deletion of an index that the registry had. A node without the index is as
        // it should be; so are all of them if a crash kept the index from every node.
        let had_none = |node_task: &NodeTask| {
            node_task.error.as_ref().is_some_and(|error| error.code == ErrorCode::IndexNotFound.as_str())
        };
        if task.kind == TaskKind::IndexDeletion && failed.all(had_none) {
            TaskStatus::Succeeded
        } else {
            TaskStatus::Failed
        }
    } else if any(NodeTaskState::Canceled) {
        TaskStatus::Canceled
    } else {
        TaskStatus::Succeeded
    }
}

/// Returns the error of a task that failed on some node. If all nodes failed with one code it is the error of
/// the first of them, word for word; otherwise the message describes the outcome on each node.
fn folded_error(node_tasks: &BTreeMap<NodeId, NodeTask>) -> ResponseError {
    let errors: Vec<(&NodeId, ResponseError)> = node_tasks
        .iter()
        .filter(|(_, node_task)| node_task.status == NodeTaskState::Failed)
        .map(|(node, node_task)| (node, failure_of(node_task)))
        .collect();
    let Some((_, first)) = errors.first() else {
        return ErrorCode::Internal.with_message("the task failed, but none of its node tasks did");
    };
    let agree = errors.len() == node_tasks.len() && errors.iter().all(|(_, error)| error.code == first.code);
    if agree {
        return first.clone();
    }
    let mut causes: Vec<(&str, Vec<&NodeId>)> = Vec::new();
    for (node, error) in &errors {
        match causes.iter_mut().find(|(message, _)| *message == error.message) {
            Some((_, nodes)) => nodes.push(node),
            None => causes.push((&error.message, vec![node])),
        }
    }
    let mut parts: Vec<String> =
        causes.iter().map(|(message, nodes)| format!("failed on {}: {message}", named(nodes))).collect();
    for (word, status) in [("succeeded", NodeTaskState::Succeeded), ("was canceled", NodeTaskState::Canceled)]
    {
        let nodes = nodes_in(node_tasks, status);
        if !nodes.is_empty() {
            parts.push(format!("{word} on {}", named(&nodes)));
        }
    }
    ResponseError { message: format!("The nodes disagree: {}.", parts.join("; ")), ..first.clone() }
}

fn failure_of(node_task: &NodeTask) -> ResponseError {
    let without_reason = || ErrorCode::Internal.with_message("the node gave no reason");
    node_task.error.clone().unwrap_or_else(without_reason)
}

fn nodes_in(node_tasks: &BTreeMap<NodeId, NodeTask>, status: NodeTaskState) -> Vec<&NodeId> {
    let in_status = node_tasks.iter().filter(|(_, node_task)| node_task.status == status);
    in_status.map(|(node, _)| node).collect()
}

fn named(nodes: &[&NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
    let noun = if nodes.len() == 1 { "node" } else { "nodes" };
    format!("{noun} {}", names.join(", "))
}

/// Returns the error of a write without quorum. It names the shards, the nodes that have the write all the
/// same, and the nodes that missed it, with the reason.
fn no_quorum(task: &Task, verdict: &WriteVerdict) -> ResponseError {
    let mut sentences = vec![if verdict.unwritten.is_empty() {
        "No node accepted the write.".to_owned()
    } else {
        format!("The write reached no quorum with a replica in sync for shards {}.", verdict.unwritten)
    }];
    let pending = nodes_in(&task.node_tasks, NodeTaskState::Pending);
    let accepted: Vec<&NodeId> = task.node_tasks.keys().filter(|node| !pending.contains(node)).collect();
    if accepted.is_empty() {
        sentences.push("It was accepted by no node.".to_owned());
    } else {
        sentences.push(format!("It was accepted, and may take effect, on {}.", named(&accepted)));
    }
    if !pending.is_empty() {
        sentences.push(format!("The outcome is unknown on {}.", named(&pending)));
    }
    if !task.node_errors.is_empty() {
        let misses: Vec<String> = task
            .node_errors
            .iter()
            .map(|(node, miss)| format!("node `{node}` (shards {}): {}", miss.shards, miss.error.message))
            .collect();
        sentences.push(format!("It was missed by {}", misses.join("; ")));
    }
    ErrorCode::MiroirNoQuorum.with_message(sentences.join(" "))
}
