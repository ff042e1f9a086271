//! What a process that starts must know of the time before it: which nodes lack what.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler asks the nodes
//! about those that a crash left pending.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NodeMiss, NodeTaskState, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::StoreError;

use crate::cluster::{Cluster, Miss};

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
    let mut emptied = Emptied::default();
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            recall_task(cluster, task, indexes, &emptied);
            emptied.see(task);
        }
        if page.next.is_none() {
            return Ok(());
        }
        query.from = page.next;
    }
}

/// Which nodes have deleted which index, as seen by one who reads tasks from the newest on: what such a node missed of
/// the index before is of no importance any more.
#[derive(Default)]
struct Emptied(HashMap<IndexUid, BTreeSet<NodeId>>);

impl Emptied {
    fn see(&mut self, task: &Task) {
        let (TaskKind::IndexDeletion, Some(index)) = (task.kind, &task.index_uid) else { return };
        let done = task.node_tasks.iter().filter(|(_, part)| part.status == NodeTaskState::Succeeded);
        self.0.entry(index.clone()).or_default().extend(done.map(|(node, _)| node.clone()));
    }

    fn has(&self, index: &IndexUid, node: &NodeId) -> bool {
        self.0.get(index).is_some_and(|nodes| nodes.contains(node))
    }
}

fn recall_task(cluster: &Cluster, task: &Task, indexes: &Indexes, emptied: &Emptied) {
    let Some(index) = &task.index_uid else { return };
    let known = indexes.get(index);
    let shard_count = known.map_or(cluster.shard_count, |known| known.shard_count);
    // The entry is gone and no node was told: each may still have the index.
    if task.kind == TaskKind::IndexDeletion && task.node_tasks.is_empty() && known.is_none() {
        for (node, _) in task.node_errors.iter().filter(|(node, miss)| still_lacks(task, known, node, miss)) {
            cluster.stale.missed_settings(index, node);
        }
    }
    for (miss, may_have) in misses(task, index, shard_count, known) {
        if !emptied.has(index, miss.node) {
            cluster.note_miss(&miss, &*may_have);
        }
    }
}

/// Whether a node has, or may have, what another missed.
type MayHave<'a> = Box<dyn Fn(&NodeId) -> bool + 'a>;

/// What nodes lack of a task by its own words.
fn misses<'a>(
    task: &'a Task,
    index: &'a IndexUid,
    shard_count: u32,
    known: Option<&KnownIndex>,
) -> Vec<(Miss<'a>, MayHave<'a>)> {
    let miss = |node, shards| miss_of(task, index, shard_count, node, shards);
    let mut all: Vec<(Miss<'a>, MayHave<'a>)> = Vec::new();
    for (node, lacked) in task.node_errors.iter().filter(|(node, miss)| still_lacks(task, known, node, miss))
    {
        all.push((miss(node, &lacked.shards), Box::new(|other| task.node_tasks.contains_key(other))));
    }
    // A write that failed on some nodes only has left them behind.
    if task.status == TaskStatus::Failed {
        let succeeded = |node: &NodeId| {
            task.node_tasks.get(node).is_some_and(|part| part.status == NodeTaskState::Succeeded)
        };
        for (node, part) in task.node_tasks.iter().filter(|(node, _)| !succeeded(node)) {
            all.push((miss(node, &part.shards), Box::new(succeeded)));
        }
    }
    all
}

/// Forgets what [`Cluster::stale`] says beyond what the tasks of `index` say. Does nothing while it is open of any
/// node whether it took a write. The caller holds the index's gate alone.
pub async fn recount(cluster: &Cluster, index: &IndexUid) -> Result<(), StoreError> {
    let Some(entry) = cluster.store.index_get(index).await? else { return Ok(()) };
    let mut query =
        TaskQuery { index_uids: Some(BTreeSet::from([index.clone()])), limit: PAGE, ..TaskQuery::default() };
    let mut missed: HashMap<NodeId, ShardSet> = HashMap::new();
    let mut emptied = Emptied::default();
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            if task.node_tasks.values().any(|part| part.status == NodeTaskState::Pending) {
                return Ok(());
            }
            if matches!(task.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation) {
                continue;
            }
            for (miss, may_have) in misses(task, index, entry.shard_count, None) {
                if !emptied.has(index, miss.node) {
                    let shards = cluster.shards_others_have(&miss, &*may_have);
                    missed.entry(miss.node.clone()).or_default().extend(shards.iter());
                }
            }
            emptied.see(task);
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
    cluster.note_miss(&miss_of(task, index, shard_count, node, shards), may_have);
}

fn miss_of<'a>(
    task: &Task,
    index: &'a IndexUid,
    shard_count: u32,
    node: &'a NodeId,
    shards: &'a ShardSet,
) -> Miss<'a> {
    let brings_settings = task.node_tasks.values().any(|part| part.settings_version.is_some());
    Miss { kind: task.kind, index, shard_count, node, shards, brings_settings }
}
