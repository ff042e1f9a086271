//! What a process that starts must know of the time before it: which nodes lack what.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler asks the nodes
//! about those that a crash left pending.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use miroir_domain::index::IndexEntry;
use miroir_domain::replica::{Deletions, KnownIndex, MissedWrite, missed_deletion, missed_writes};
use miroir_domain::task::{NodeTaskState, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// The pause before a recollection that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Rebuilds [`Cluster::stale`] from the store, however often it takes. Reads are served meanwhile; a stale node may then answer
/// one, as a node would that missed its write this very moment.
pub async fn recover(cluster: Arc<Cluster>) {
    while let Err(error) = recall(&cluster).await {
        tracing::warn!("recalling which nodes lack something: {}", miroir_ports::error_chain(&error));
        tokio::time::sleep(PAUSE).await;
    }
    cluster.recalled.store(true, Ordering::Release);
}

async fn recall(cluster: &Cluster) -> Result<(), StoreError> {
    let known = recall_settings(cluster).await?;
    recall_misses(cluster, &known).await
}

/// Every index there is.
type Indexes = HashMap<IndexUid, KnownIndex>;

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
    let mut deletions = Deletions::default();
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            recall_task(cluster, task, indexes, &deletions);
            deletions.observe(task);
        }
        if page.next.is_none() {
            return Ok(());
        }
        query.from = page.next;
    }
}

fn recall_task(cluster: &Cluster, task: &Task, indexes: &Indexes, deletions: &Deletions) {
    let Some(index) = &task.index_uid else { return };
    let known = indexes.get(index);
    let shard_count = known.map_or(cluster.shard_count, |known| known.shard_count);
    for node in missed_deletion(task, known) {
        cluster.stale.missed_settings(index, node);
    }
    for (miss, taken_by) in missed_writes(task, index, shard_count, known) {
        if !deletions.contains(index, miss.node) {
            cluster.note_miss(&miss, &|node| taken_by.contains(node));
        }
    }
}

/// Forgets what [`Cluster::stale`] says beyond what the tasks of `index` say. Does nothing while it is open of any
/// node whether it took a write. The caller holds the index's gate alone.
pub async fn recount(cluster: &Cluster, index: &IndexUid) -> Result<(), StoreError> {
    let Some(entry) = cluster.store.index_get(index).await? else { return Ok(()) };
    let mut query =
        TaskQuery { index_uids: Some(BTreeSet::from([index.clone()])), limit: PAGE, ..TaskQuery::default() };
    let mut missed: HashMap<NodeId, ShardSet> = HashMap::new();
    let mut deletions = Deletions::default();
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            if task.node_tasks.values().any(|part| part.status == NodeTaskState::Pending) {
                return Ok(());
            }
            if matches!(task.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation) {
                continue;
            }
            for (miss, taken_by) in missed_writes(task, index, entry.shard_count, None) {
                if !deletions.contains(index, miss.node) {
                    let placement = cluster.placement(entry.shard_count);
                    let effect = miss.effect(&cluster.topology, &placement, &|node| taken_by.contains(node));
                    missed.entry(miss.node.clone()).or_default().extend(effect.missed.iter());
                }
            }
            deletions.observe(task);
        }
        if page.next.is_none() {
            break;
        }
        query.from = page.next;
    }
    let nothing = ShardSet::default();
    for node in cluster.topology.nodes() {
        cluster.stale.missed_no_more_than(index, node, missed.get(node).unwrap_or(&nothing));
    }
    Ok(())
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
    cluster.note_miss(&MissedWrite::of_task(task, index, shard_count, node, shards), may_have);
}
