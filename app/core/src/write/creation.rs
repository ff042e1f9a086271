//! Writes that change the registry entry of their index.
//!
//! The task is recorded before the entry changes: a process that dies in between leaves a task that failed,
//! and not an entry of an index that no node has.

use std::collections::BTreeSet;
use std::sync::Arc;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::SettingsChange;
use miroir_domain::task::{Task, TaskKind, TaskQuery};
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, TaskUid};
use miroir_ports::inbound::{Accepted, ApiError};

use super::dispatch::Dispatch;
use super::plan::WritePlan;
use super::run::Completion;
use crate::cluster::Cluster;
use crate::order::IndexGuard;
use crate::task::unfinished_of_index;

/// Begins a write, then changes the registry by `change`, which gets the task of the write. The caller holds
/// the write lock of the index.
pub async fn begin_change<F>(
    cluster: &Arc<Cluster>,
    plan: WritePlan,
    change: impl FnOnce(TaskUid) -> F,
) -> Result<Dispatch, ApiError>
where
    F: Future<Output = Result<(), ApiError>>,
{
    let dispatch = Dispatch::begin(cluster, plan).await?;
    match change(dispatch.task.uid).await {
        Ok(()) => Ok(dispatch),
        Err(error) => {
            dispatch.give_up(&error).await;
            Err(error)
        }
    }
}

/// Begins the write that creates the index of `entry`, with `settings` if the write changes them. The caller
/// holds the write lock of the index.
///
/// A node that may still have an earlier index under the same physical uid gets its deletion first. Otherwise
/// deleted documents would return with the new index.
pub async fn begin_creation(
    cluster: &Arc<Cluster>,
    mut plan: WritePlan,
    entry: &IndexEntry,
    settings: Option<&SettingsChange>,
) -> Result<Dispatch, ApiError> {
    cluster.registry.refuse_shadow(&entry.uid).await?;
    for node in nodes_with_remains(cluster, entry).await? {
        if let Some(target) = plan.targets.get_mut(&node) {
            target.writes.insert(0, WriteOperation::IndexDelete);
        }
    }
    let create = |task| async move {
        cluster.settings.begin(&entry.physical_uid).await?;
        if let Some(change) = settings {
            cluster.settings.propose(entry, task, change).await?;
        }
        cluster.registry.create(entry).await
    };
    begin_change(cluster, plan, create).await
}

/// Runs the write that creates an index. The write lock of the index is held until the result is known: a
/// write in between would rely on an index that the nodes may not have. If certainly no node accepted any
/// of it, the entry is deleted again, as a single server would not have created the index either.
pub async fn finish_creation(
    cluster: &Cluster,
    dispatch: Dispatch,
    entry: &IndexEntry,
    _guard: IndexGuard,
) -> Result<Accepted, ApiError> {
    let Completion { result, untouched } = dispatch.complete().await;
    if untouched {
        delete_entry(cluster, entry).await?;
    }
    result
}

/// Deletes a registry entry and the settings of its index. Its stale replicas stay on record until their
/// nodes have deleted it. The caller holds the write lock of the index.
pub async fn delete_entry(cluster: &Cluster, entry: &IndexEntry) -> Result<(), ApiError> {
    cluster.registry.delete(entry).await?;
    cluster.settings.forget(&entry.physical_uid).await?;
    Ok(cluster.replicas.note_deletion(&entry.physical_uid).await?)
}

/// Returns the nodes that may still have an earlier index under the physical uid of `entry`: those that
/// missed its deletion, and those of which it is not known whether they took it. There are none, unless a
/// physical uid is used again for the sake of an earlier program.
async fn nodes_with_remains(cluster: &Cluster, entry: &IndexEntry) -> Result<BTreeSet<NodeId>, ApiError> {
    let kinds = Some(BTreeSet::from([TaskKind::IndexDeletion]));
    let query = TaskQuery { kinds, ..unfinished_of_index(&entry.uid) };
    let physical_uid = &entry.physical_uid;
    let mut nodes = BTreeSet::new();
    let collect = |task: &Task| {
        if task.physical_index().as_ref() == Some(physical_uid) {
            let unknown = task.node_tasks.iter().filter(|(_, part)| part.uid.is_none());
            nodes.extend(unknown.map(|(node, _)| node.clone()));
        }
    };
    cluster.tasks.walk_all(query, collect).await?;
    let missed = cluster
        .placements
        .topology()
        .nodes()
        .filter(|node| cluster.replicas.may_lack_index(physical_uid, node));
    nodes.extend(missed.cloned());
    Ok(nodes)
}
