//! The marks that follow from a change of a task: the replicas that turn out not to have its write.

use super::{Difference, MissedWrite, ReplicaMark};
use crate::index::FIRST_SETTINGS_VERSION;
use crate::placement::Placement;
use crate::task::{NodeTask, NodeTaskState, Task, TaskKind, TaskStatus};
use crate::topology::Topology;
use crate::{NodeId, ShardSet, Timestamp};

/// Returns whether the change of a task can mark a replica: [`marks_of`] returns nothing otherwise.
pub fn may_mark(before: &Task, after: &Task) -> bool {
    let is_unsuccessful = matches!(after.status, TaskStatus::Failed | TaskStatus::Canceled);
    after.node_errors.len() > before.node_errors.len() || is_unsuccessful
}

/// Returns the marks that must be stored together with `after`, the task that replaces `before`.
///
/// A replica is marked when its node turns out to have missed the write, and other nodes have it or may have
/// it; and when its node failed to carry the write out, and other nodes succeeded. A change of settings that
/// does not succeed is not committed, so it is the other way round: the nodes that took it are marked.
/// `placement` is that of the index of the task.
pub fn marks_of(
    before: &Task,
    after: &Task,
    topology: &Topology,
    placement: &Placement,
    now: Timestamp,
) -> Vec<ReplicaMark> {
    let (Some(index), true) = (&after.physical_index(), may_mark(before, after)) else { return Vec::new() };
    let mark = |node: &NodeId, shards: &ShardSet, reason: &str, may_have: &dyn Fn(&NodeId) -> bool| {
        let miss = MissedWrite::of_task(after, index, placement.shard_count(), node, shards);
        let difference = miss.effect(topology, placement, may_have);
        let mark = |difference: Difference| ReplicaMark {
            index: index.clone(),
            node: node.clone(),
            difference,
            task: Some(after.uid),
            reason: reason.to_owned(),
            at: now,
        };
        Some(difference).filter(|difference| !difference.is_none()).map(mark)
    };
    let missed = after.node_errors.iter().filter(|(node, _)| !before.node_errors.contains_key(*node));
    let missed = missed.filter_map(|(node, miss)| {
        mark(node, &miss.shards, &miss.error.message, &|other| after.node_tasks.contains_key(other))
    });
    let is_of_new_index = after.settings_version() == Some(FIRST_SETTINGS_VERSION);
    let keeps_former = after.kind == TaskKind::SettingsUpdate && !is_of_new_index;
    let failed = after.node_tasks.iter().filter(|(node, _)| !keeps_former && fails_now(before, after, node));
    let failed = failed.filter_map(|(node, part)| {
        let reason = part.error.as_ref().map_or("the node canceled its task", |error| &error.message);
        mark(node, &part.shards, reason, &|other| state_of(after, other) == Some(NodeTaskState::Succeeded))
    });
    let took = nodes_to_revert(before, after).into_iter().map(|node| ReplicaMark {
        index: index.clone(),
        node: node.clone(),
        difference: Difference::of_settings(),
        task: Some(after.uid),
        reason: "the node may have taken a change of settings that failed".to_owned(),
        at: now,
    });
    missed.chain(failed).chain(took).collect()
}

/// Returns the nodes that have, or will have, a change of settings that does not succeed: those that accepted
/// it and did not fail, and those that a repair may have given it since another node has succeeded.
fn nodes_to_revert<'a>(before: &Task, after: &'a Task) -> Vec<&'a NodeId> {
    let ends_now =
        !before.status.is_finished() && matches!(after.status, TaskStatus::Failed | TaskStatus::Canceled);
    if after.kind != TaskKind::SettingsUpdate || !ends_now {
        return Vec::new();
    }
    let took = |part: &NodeTask| !matches!(part.status, NodeTaskState::Failed | NodeTaskState::Canceled);
    let was_repaired = before.node_tasks.values().any(|part| part.status == NodeTaskState::Succeeded);
    let takers = after.node_tasks.iter().filter(|(_, part)| took(part)).map(|(node, _)| node);
    takers.chain(after.node_errors.keys().filter(|_| was_repaired)).collect()
}

/// Returns whether the part of `node` counts as failed in `after`, and did not in `before`. It counts once
/// the task has failed: until then, another node may fail as well.
fn fails_now(before: &Task, after: &Task, node: &NodeId) -> bool {
    let counts = |task: &Task| {
        let is_failed = state_of(task, node)
            .is_some_and(|state| state.is_finished() && state != NodeTaskState::Succeeded);
        task.status == TaskStatus::Failed && is_failed
    };
    counts(after) && !counts(before)
}

fn state_of(task: &Task, node: &NodeId) -> Option<NodeTaskState> {
    task.node_tasks.get(node).map(|part| part.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::task::fixture::{accepted, after, dispatched, later, missed, node, reported, shards, task_of};
    use crate::task::{Event, TaskKind};
    use crate::topology::fixture::grouped;
    use serde_json::Map;

    /// A write to all four shards, each on all of three nodes.
    fn write() -> Task {
        let all: &[u32] = &[0, 1, 2, 3];
        task_of(TaskKind::DocumentDeletion, Map::new(), &[("a", all), ("b", all), ("c", all)])
    }

    /// The nodes that `events` mark, with their shards, and the task after them.
    fn marked(before: &Task, events: impl IntoIterator<Item = Event>) -> (Vec<(String, ShardSet)>, Task) {
        let topology = grouped(&[&["a", "b", "c"]], 3);
        let next = after(before.clone(), events);
        let marks = marks_of(before, &next, &topology, &Placement::new(&topology, 4), later());
        assert!(marks.iter().all(|mark| mark.task == Some(next.uid) && mark.at == later()));
        let marked = marks.into_iter().map(|mark| (mark.node.to_string(), mark.difference.shards));
        (marked.collect(), next)
    }

    fn all_of(names: &[&str]) -> Vec<(String, ShardSet)> {
        names.iter().map(|name| ((*name).to_owned(), shards(&[0, 1, 2, 3]))).collect()
    }

    #[test]
    fn node_that_missed_the_write_is_marked_once() {
        let (marks, next) = marked(&write(), [accepted("a"), missed("b")]);
        assert_eq!(marks, all_of(&["b"]), "`c` may have the write");
        let (marks, next) = marked(&next, [missed("b"), accepted("c"), dispatched(&[])]);
        assert_eq!(marks, []);
        let ended = [reported("a", TaskStatus::Succeeded), reported("c", TaskStatus::Succeeded)];
        assert_eq!(marked(&next, ended).0, []);
    }

    #[test]
    fn mark_has_the_reason_of_the_miss() {
        let topology = grouped(&[&["a", "b", "c"]], 3);
        let next = after(write(), [accepted("a"), missed("b")]);
        let marks = marks_of(&write(), &next, &topology, &Placement::new(&topology, 4), later());
        assert_eq!(marks[0].reason, "connection refused");
    }

    #[test]
    fn nothing_is_marked_where_no_other_node_has_the_write() {
        assert_eq!(marked(&write(), ["a", "b", "c"].map(missed)).0, []);
        let refusal = Event::Refused { error: ErrorCode::InvalidDocumentId.with_message("bad id") };
        assert_eq!(marked(&write(), ["a", "b", "c"].map(missed).into_iter().chain([refusal])).0, []);
    }

    #[test]
    fn node_that_failed_alone_is_marked_when_the_task_fails() {
        let sent = after(write(), [accepted("a"), accepted("b"), accepted("c"), dispatched(&[])]);
        let (marks, next) = marked(&sent, [reported("a", TaskStatus::Failed)]);
        assert_eq!(marks, [], "the others may fail as well");
        let (marks, next) = marked(&next, [reported("b", TaskStatus::Succeeded)]);
        assert_eq!(marks, []);
        assert_eq!(marked(&next, [reported("c", TaskStatus::Succeeded)]).0, all_of(&["a"]));
    }

    #[test]
    fn nodes_that_failed_alike_are_not_marked() {
        let sent = after(write(), [accepted("a"), accepted("b"), accepted("c"), dispatched(&[])]);
        let failed = ["a", "b", "c"].map(|name| reported(name, TaskStatus::Failed));
        assert_eq!(marked(&sent, failed).0, []);
    }

    #[test]
    fn node_that_forgot_the_write_is_marked() {
        let sent = after(write(), [accepted("a"), accepted("b"), missed("c"), dispatched(&[])]);
        let events = [Event::NodeForgot { node: node("a") }, reported("b", TaskStatus::Succeeded)];
        assert_eq!(marked(&sent, events).0, all_of(&["a"]));
    }

    /// A change of the settings of an index, on all of three nodes.
    fn change() -> Task {
        let mut task = Task { kind: TaskKind::SettingsUpdate, ..write() };
        task.node_tasks.values_mut().for_each(|part| part.settings_version = Some(4));
        task
    }

    fn nodes_to_revert_of(before: &Task, events: impl IntoIterator<Item = Event>) -> Vec<String> {
        let topology = grouped(&[&["a", "b", "c"]], 3);
        let next = after(before.clone(), events);
        let marks = marks_of(before, &next, &topology, &Placement::new(&topology, 4), later());
        assert!(marks.iter().all(|mark| mark.difference == Difference::of_settings()), "{marks:?}");
        marks.into_iter().map(|mark| mark.node.to_string()).collect()
    }

    #[test]
    fn nodes_that_took_a_change_of_settings_that_failed_are_marked() {
        let sent = after(change(), [accepted("a"), accepted("b"), missed("c"), dispatched(&[])]);
        let sent = after(sent, [reported("a", TaskStatus::Succeeded)]);
        assert_eq!(nodes_to_revert_of(&sent, [reported("b", TaskStatus::Failed)]), ["a", "c"]);
        assert_eq!(nodes_to_revert_of(&sent, [reported("b", TaskStatus::Canceled)]), ["a", "c"]);
        assert!(nodes_to_revert_of(&sent, [reported("b", TaskStatus::Succeeded)]).is_empty());
        let failed = after(sent, [reported("b", TaskStatus::Failed)]);
        assert!(nodes_to_revert_of(&failed, [reported("a", TaskStatus::Succeeded)]).is_empty(), "once");
    }

    #[test]
    fn change_of_settings_without_quorum_marks_the_nodes_that_accepted_it() {
        let sent = after(change(), [accepted("a"), missed("b")]);
        let end = [missed("c"), dispatched(&[0, 1, 2, 3])];
        assert_eq!(nodes_to_revert_of(&sent, end), ["c", "a"]);
        let none = after(change(), [missed("a"), missed("b")]);
        assert!(nodes_to_revert_of(&none, [missed("c"), dispatched(&[0])]).is_empty(), "no node has it");
    }

    #[test]
    fn change_of_settings_that_all_nodes_fail_marks_nothing() {
        let sent = after(change(), [accepted("a"), accepted("b"), accepted("c"), dispatched(&[])]);
        let failed = ["a", "b", "c"].map(|name| reported(name, TaskStatus::Failed));
        assert!(nodes_to_revert_of(&sent, failed).is_empty());
    }

    #[test]
    fn task_without_an_index_marks_nothing() {
        let global = Task { index_uid: None, ..write() };
        assert_eq!(marked(&global, [accepted("a"), missed("b")]).0, []);
    }
}
