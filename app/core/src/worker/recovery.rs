//! Rebuilds the replica states of a new term from the tasks and the registry.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler
//! lists the tasks of nodes for those whose outcome a crash left open.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::replica::{Deletions, KnownIndex, MissedWrite, missed_deletion, missed_writes};
use miroir_domain::task::{NodeTaskState, Task, TaskKind, TaskQuery};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;
use crate::task::{of_index, unfinished_of_index};

/// The pause before a recovery that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The indexes of the registry.
type Indexes = HashMap<IndexUid, KnownIndex>;

/// Rebuilds [`Cluster::replicas`] from the store, and tries again until it succeeds. Reads are served
/// meanwhile: a stale replica may then serve one, as at the moment at which it misses a write.
pub async fn recover(cluster: Arc<Cluster>) {
    while let Err(error) = recover_once(&cluster).await {
        tracing::warn!("cannot recover the replica states: {}", miroir_ports::error_chain(&error));
        tokio::time::sleep(PAUSE).await;
    }
    cluster.replicas.set_recovered();
}

async fn recover_once(cluster: &Cluster) -> Result<(), StoreError> {
    let indexes = recover_settings(cluster).await?;
    let mut deletions = Deletions::default();
    cluster
        .tasks
        .walk_all(TaskQuery::default(), |task| {
            recover_task(cluster, task, &indexes, &deletions);
            deletions.observe(task);
        })
        .await
}

/// Records the replicas whose settings may be missing, and returns the indexes.
async fn recover_settings(cluster: &Cluster) -> Result<Indexes, StoreError> {
    let mut indexes = Indexes::new();
    for entry in cluster.registry.all().await? {
        let rows = cluster.store.node_settings_list(&entry.uid).await?;
        let settings = rows.into_iter().map(|row| (row.node_id, row.version)).collect();
        let known = KnownIndex { shard_count: entry.shard_count, settings };
        let pending = nodes_being_set(cluster, &entry.uid).await?;
        for node in cluster.placements.topology().nodes() {
            // A change that is under way leaves no node behind. One that failed may have left the registry
            // ahead.
            if !known.has_settings(node, entry.settings_version) && !pending.contains(node) {
                cluster.replicas.missed_settings(&entry.uid, node);
            }
        }
        indexes.insert(entry.uid, known);
    }
    Ok(indexes)
}

/// Returns the nodes with a part in an unfinished change of the settings of `index`.
async fn nodes_being_set(cluster: &Cluster, index: &IndexUid) -> Result<BTreeSet<NodeId>, StoreError> {
    let mut nodes = BTreeSet::new();
    cluster
        .tasks
        .walk_all(unfinished_of_index(index), |task| {
            let setting = task.node_tasks.iter().filter(|(_, part)| part.settings_version.is_some());
            nodes.extend(setting.map(|(node, _)| node.clone()));
        })
        .await?;
    Ok(nodes)
}

/// Records the replicas that missed `task`. `deletions` are those that came after it.
fn recover_task(cluster: &Cluster, task: &Task, indexes: &Indexes, deletions: &Deletions) {
    let Some(index) = &task.index_uid else { return };
    let known = indexes.get(index);
    let default = cluster.placements.default_shard_count();
    let shard_count = known.map_or(default, |known| known.shard_count);
    for node in missed_deletion(task, known) {
        cluster.replicas.missed_settings(index, node);
    }
    for (miss, taken_by) in missed_writes(task, index, shard_count, known) {
        if !deletions.contains(index, miss.node) {
            cluster.replicas.record(&miss, &cluster.placements, &|node| taken_by.contains(node));
        }
    }
}

/// Drops the missed writes that the tasks of `index` do not name any more. Does nothing while it is unknown
/// whether a node accepted a write. The caller holds the write lock of the index.
pub async fn recount(cluster: &Cluster, index: &IndexUid) -> Result<(), StoreError> {
    let Some(entry) = cluster.registry.get(index).await? else { return Ok(()) };
    let placement = cluster.placements.of(entry.shard_count);
    let topology = cluster.placements.topology();
    let mut missed: HashMap<NodeId, ShardSet> = HashMap::new();
    let mut deletions = Deletions::default();
    let open = cluster.tasks.walk(of_index(index), |task| {
        if task.node_tasks.values().any(|part| part.status == NodeTaskState::Pending) {
            return ControlFlow::Break(());
        }
        if matches!(task.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation) {
            return ControlFlow::Continue(());
        }
        for (miss, taken_by) in missed_writes(task, index, entry.shard_count, None) {
            if !deletions.contains(index, miss.node) {
                let effect = miss.effect(topology, &placement, &|node| taken_by.contains(node));
                missed.entry(miss.node.clone()).or_default().extend(effect.missed.iter());
            }
        }
        deletions.observe(task);
        ControlFlow::Continue(())
    });
    if open.await?.is_some() {
        return Ok(());
    }
    let nothing = ShardSet::default();
    for node in topology.nodes() {
        cluster.replicas.missed_at_most(index, node, missed.get(node).unwrap_or(&nothing));
    }
    Ok(())
}

/// Records that `node` missed its part of `task`, which the nodes for which `may_have` returns true have or
/// may have.
pub(super) fn record_missed(
    cluster: &Cluster,
    task: &Task,
    shard_count: u32,
    node: &NodeId,
    shards: &ShardSet,
    may_have: &dyn Fn(&NodeId) -> bool,
) {
    let Some(index) = &task.index_uid else { return };
    let miss = MissedWrite::of_task(task, index, shard_count, node, shards);
    cluster.replicas.record(&miss, &cluster.placements, may_have);
}
