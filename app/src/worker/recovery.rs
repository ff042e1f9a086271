//! What a process that starts must know of the time before it: which nodes lack what.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler asks the nodes
//! about those that a crash left pending.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NodeMiss, NodeTaskState, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::StoreError;

use crate::cluster::{Cluster, Miss};

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Rebuilds [`Cluster::stale`] from the store. Reads are served meanwhile; a stale node may then answer one, as a
/// node would that missed its write this very moment.
pub async fn recover(cluster: Arc<Cluster>) {
    match recall_settings(&cluster).await {
        Ok(known) => {
            if let Err(error) = recall_misses(&cluster, &known).await {
                tracing::warn!("recalling which nodes missed writes: {error}");
            }
        }
        Err(error) => tracing::warn!("recalling which nodes lack settings: {error}"),
    }
}

/// Every index there is.
type Indexes = HashMap<IndexUid, KnownIndex>;

struct KnownIndex {
    shard_count: u32,
    /// The settings version that nodes are known to have.
    settings: HashMap<NodeId, u64>,
}

impl KnownIndex {
    fn has_settings(&self, node: &NodeId, version: u64) -> bool {
        self.settings.get(node).is_some_and(|known| *known >= version)
    }
}

async fn recall_settings(cluster: &Cluster) -> Result<Indexes, StoreError> {
    let mut indexes = Indexes::new();
    let mut after = None;
    loop {
        let entries = cluster.store.index_list(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(indexes) };
        after = Some(last.uid.clone());
        for entry in &entries {
            let rows = cluster.store.node_settings_list(&entry.uid).await?;
            let settings = rows.into_iter().map(|row| (row.node_id, row.version)).collect();
            let known = KnownIndex { shard_count: entry.shard_count, settings };
            let open = nodes_being_set(cluster, entry).await?;
            for node in cluster.topology.nodes() {
                // A change under way leaves nobody behind; one that came to nothing may have left the registry ahead.
                if !known.has_settings(node, entry.settings_version) && !open.contains(node) {
                    cluster.stale.missed_settings(&entry.uid, node);
                }
            }
            indexes.insert(entry.uid.clone(), known);
        }
    }
}

/// The nodes that have, or may have, a part in an unfinished change of the index's settings.
async fn nodes_being_set(cluster: &Cluster, entry: &IndexEntry) -> Result<BTreeSet<NodeId>, StoreError> {
    let mut query = TaskQuery {
        index_uids: Some(BTreeSet::from([entry.uid.clone()])),
        statuses: Some(BTreeSet::from([TaskStatus::Enqueued, TaskStatus::Processing])),
        limit: PAGE,
        ..TaskQuery::default()
    };
    let mut nodes = BTreeSet::new();
    loop {
        let page = cluster.store.task_list(&query).await?;
        let parts = page.tasks.iter().flat_map(|task| &task.node_tasks);
        nodes.extend(parts.filter(|(_, part)| part.settings_version.is_some()).map(|(node, _)| node.clone()));
        if page.next.is_none() {
            return Ok(nodes);
        }
        query.from = page.next;
    }
}

async fn recall_misses(cluster: &Cluster, indexes: &Indexes) -> Result<(), StoreError> {
    let mut query = TaskQuery { limit: PAGE, ..TaskQuery::default() };
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            recall_task(cluster, task, indexes);
        }
        if page.next.is_none() {
            return Ok(());
        }
        query.from = page.next;
    }
}

fn recall_task(cluster: &Cluster, task: &Task, indexes: &Indexes) {
    let Some(index) = &task.index_uid else { return };
    let known = indexes.get(index);
    let shard_count = known.map_or(cluster.shard_count, |known| known.shard_count);
    let lacking = || task.node_errors.iter().filter(|(node, miss)| still_lacks(task, known, node, miss));
    // The entry is gone and no node was told: each may still have the index.
    if task.kind == TaskKind::IndexDeletion && task.node_tasks.is_empty() && known.is_none() {
        for (node, _) in lacking() {
            cluster.stale.missed_settings(index, node);
        }
    }
    for (node, miss) in lacking() {
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

/// Whether the node has not been given what it missed. A miss that touches no shards is one of settings, which the
/// rows of the index tell.
fn still_lacks(task: &Task, known: Option<&KnownIndex>, node: &NodeId, miss: &NodeMiss) -> bool {
    if !miss.shards.is_empty() {
        return true;
    }
    let version = task.node_tasks.values().filter_map(|part| part.settings_version).max();
    task.kind == TaskKind::DocumentAdditionOrUpdate
        && version.is_some_and(|version| known.is_some_and(|known| !known.has_settings(node, version)))
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
