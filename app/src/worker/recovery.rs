//! What a process that starts must know of the time before it: which nodes lack what.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler asks the nodes
//! about those that a crash left pending.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NodeTaskState, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::StoreError;

use crate::cluster::{Cluster, Miss};

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Rebuilds [`Cluster::stale`] from the store. Reads are served meanwhile; a stale node may then answer one, as a
/// node would that missed its write this very moment.
pub async fn recover(cluster: Arc<Cluster>) {
    match recall_settings(&cluster).await {
        Ok(shard_counts) => {
            if let Err(error) = recall_misses(&cluster, &shard_counts).await {
                tracing::warn!("recalling which nodes missed writes: {error}");
            }
        }
        Err(error) => tracing::warn!("recalling which nodes lack settings: {error}"),
    }
}

/// The shard count of every index there is.
type ShardCounts = HashMap<IndexUid, u32>;

async fn recall_settings(cluster: &Cluster) -> Result<ShardCounts, StoreError> {
    let mut shard_counts = ShardCounts::new();
    let mut after = None;
    loop {
        let entries = cluster.store.index_list(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(shard_counts) };
        after = Some(last.uid.clone());
        for entry in &entries {
            shard_counts.insert(entry.uid.clone(), entry.shard_count);
            let rows = cluster.store.node_settings_list(&entry.uid).await?;
            let known = |node: &NodeId| {
                rows.iter().any(|row| row.node_id == *node && row.version >= entry.settings_version)
            };
            let lacking: Vec<&NodeId> = cluster.topology.nodes().filter(|node| !known(node)).collect();
            // When no node is known to have them, the change is still under way and nobody is behind the others, or
            // it came to nothing and perhaps no node has the index as it must be.
            if lacking.len() < cluster.topology.nodes().count() || !is_busy(cluster, entry).await? {
                for node in lacking {
                    cluster.stale.missed_settings(&entry.uid, node);
                }
            }
        }
    }
}

async fn is_busy(cluster: &Cluster, entry: &IndexEntry) -> Result<bool, StoreError> {
    let query = TaskQuery {
        index_uids: Some(BTreeSet::from([entry.uid.clone()])),
        statuses: Some(BTreeSet::from([TaskStatus::Enqueued, TaskStatus::Processing])),
        limit: 0,
        ..TaskQuery::default()
    };
    Ok(cluster.store.task_list(&query).await?.total > 0)
}

async fn recall_misses(cluster: &Cluster, shard_counts: &ShardCounts) -> Result<(), StoreError> {
    let mut query = TaskQuery { limit: PAGE, ..TaskQuery::default() };
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            recall_task(cluster, task, shard_counts);
        }
        if page.next.is_none() {
            return Ok(());
        }
        query.from = page.next;
    }
}

fn recall_task(cluster: &Cluster, task: &Task, shard_counts: &ShardCounts) {
    let Some(index) = &task.index_uid else { return };
    let known = shard_counts.get(index);
    let shard_count = known.copied().unwrap_or(cluster.shard_count);
    // The entry is gone and no node was told: each may still have the index.
    if task.kind == TaskKind::IndexDeletion && task.node_tasks.is_empty() && known.is_none() {
        for node in task.node_errors.keys() {
            cluster.stale.missed_settings(index, node);
        }
    }
    for (node, miss) in &task.node_errors {
        note(cluster, task, shard_count, node, &miss.shards, &|other| task.node_tasks.contains_key(other));
    }
    // A write that failed on some nodes only has left them behind.
    if task.status == TaskStatus::Failed {
        let succeeded = |node: &NodeId| {
            task.node_tasks.get(node).is_some_and(|node_task| node_task.status == NodeTaskState::Succeeded)
        };
        for (node, node_task) in task.node_tasks.iter().filter(|(node, _)| !succeeded(node)) {
            note(cluster, task, shard_count, node, &node_task.shards, &succeeded);
        }
    }
}

/// Notes that `node` lacks what `task` brought to those of whom `may_have` is true.
pub(super) fn note(
    cluster: &Cluster,
    task: &Task,
    shard_count: u32,
    node: &NodeId,
    shards: &ShardSet,
    may_have: &dyn Fn(&NodeId) -> bool,
) {
    let Some(index) = &task.index_uid else { return };
    let miss = Miss {
        kind: task.kind,
        index,
        shard_count,
        node,
        shards,
        brings_settings: task.node_tasks.values().any(|node_task| node_task.settings_version.is_some()),
    };
    cluster.note_miss(&miss, may_have);
}
