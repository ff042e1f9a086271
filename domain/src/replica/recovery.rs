//! The writes that replicas missed, read from the records of tasks. An instance that becomes the leader
//! learns from them which replicas are stale.

use std::collections::{BTreeSet, HashMap};

use super::MissedWrite;
use crate::task::{NodeMiss, NodeTaskState, Task, TaskKind, TaskStatus};
use crate::{NodeId, PhysicalUid};

/// The facts about an index that decide which misses are still open.
#[derive(Debug, Clone)]
pub struct KnownIndex {
    /// The number of its shards.
    pub shard_count: u32,
    /// The settings version that each node is known to have.
    pub settings: HashMap<NodeId, u64>,
}

impl KnownIndex {
    /// Returns whether `node` is known to have settings of `version` or later.
    pub fn has_settings(&self, node: &NodeId, version: u64) -> bool {
        self.settings.get(node).is_some_and(|known| *known >= version)
    }
}

/// The nodes that have, or may have, a write that another node missed.
#[derive(Debug, Clone, Copy)]
pub enum TakenBy<'a> {
    /// Those that accepted the task, or may have.
    Accepted(&'a Task),
    /// Those on which the task succeeded.
    Succeeded(&'a Task),
}

impl TakenBy<'_> {
    /// Returns whether `node` is one of them.
    pub fn contains(&self, node: &NodeId) -> bool {
        match self {
            Self::Accepted(task) => task.node_tasks.contains_key(node),
            Self::Succeeded(task) => has_succeeded(task, node),
        }
    }
}

/// Returns the writes that nodes missed by the record of `task`, a write to `index`. `known` is `None` if the
/// index has no entry any more.
pub fn missed_writes<'a>(
    task: &'a Task,
    index: &'a PhysicalUid,
    shard_count: u32,
    known: Option<&KnownIndex>,
) -> Vec<(MissedWrite<'a>, TakenBy<'a>)> {
    let write = |node, shards| MissedWrite::of_task(task, index, shard_count, node, shards);
    let mut all: Vec<_> = still_missing(task, known)
        .map(|(node, miss)| (write(node, &miss.shards), TakenBy::Accepted(task)))
        .collect();
    // A write that failed on some nodes only has left their replicas stale.
    if task.status == TaskStatus::Failed {
        let failed = task.node_tasks.iter().filter(|(node, _)| !has_succeeded(task, node));
        all.extend(failed.map(|(node, part)| (write(node, &part.shards), TakenBy::Succeeded(task))));
    }
    all
}

/// Returns the nodes that may still have the index whose deletion `task` is: its entry is gone, and no node
/// took the deletion.
pub fn missed_deletion<'a>(
    task: &'a Task,
    known: Option<&'a KnownIndex>,
) -> impl Iterator<Item = &'a NodeId> {
    let reached_no_node =
        task.kind == TaskKind::IndexDeletion && task.node_tasks.is_empty() && known.is_none();
    still_missing(task, known).map(|(node, _)| node).filter(move |_| reached_no_node)
}

/// Returns the node errors of `task` that no repair has settled yet. An error without shards is about
/// settings; the settings versions of the index decide whether it is settled.
fn still_missing<'a>(
    task: &'a Task,
    known: Option<&KnownIndex>,
) -> impl Iterator<Item = (&'a NodeId, &'a NodeMiss)> {
    let version = task.settings_version();
    task.node_errors.iter().filter(move |(node, miss)| {
        let misses_settings = || {
            task.kind == TaskKind::DocumentAdditionOrUpdate
                && version
                    .is_some_and(|version| known.is_some_and(|known| !known.has_settings(node, version)))
        };
        !miss.shards.is_empty() || misses_settings()
    })
}

fn has_succeeded(task: &Task, node: &NodeId) -> bool {
    task.node_tasks.get(node).is_some_and(|part| part.status == NodeTaskState::Succeeded)
}

/// The nodes that have deleted an index, collected from tasks that are read from the newest on. Earlier
/// writes to the index that such a node missed do not matter any more.
#[derive(Debug, Clone, Default)]
pub struct Deletions(HashMap<PhysicalUid, BTreeSet<NodeId>>);

impl Deletions {
    /// Adds the nodes on which `task` deleted its index.
    pub fn observe(&mut self, task: &Task) {
        let (TaskKind::IndexDeletion, Some(index)) = (task.kind, task.physical_index()) else { return };
        let done = task.node_tasks.keys().filter(|node| has_succeeded(task, node));
        self.0.entry(index).or_default().extend(done.cloned());
    }

    /// Returns whether `node` has deleted `index` in a task that was observed.
    pub fn contains(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.0.get(index).is_some_and(|nodes| nodes.contains(node))
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
