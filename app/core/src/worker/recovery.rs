//! Recovers the replica states of a new term from the store.
//!
//! They are in the table `replicas`. An older Miroir kept missed writes in its tasks instead, and settings
//! versions in the table of nodes. After a term of such an instance they are carried over, once.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler
//! lists the tasks of nodes for those whose outcome a crash left open.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::index::FIRST_SETTINGS_VERSION;
use miroir_domain::replica::{
    Deletions, Difference, KnownIndex, ReplicaMark, missed_deletion, missed_writes, spare_best,
};
use miroir_domain::task::{NodeTaskState, Task, TaskQuery};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{ReplicaRecovery, StoreError};

use crate::cluster::Cluster;
use crate::listing;
use crate::task::unfinished_of_index;

/// The pause before a recovery that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The marks that one call stores.
const BATCH: usize = 500;

/// The indexes of the registry.
type Indexes = HashMap<PhysicalUid, KnownIndex>;

/// Loads the states that the store has into [`Cluster::replicas`], before the term serves requests.
pub async fn load_states(cluster: &Cluster) -> Result<(), StoreError> {
    cluster.replicas.load().await?;
    // The cost is that of the unfinished tasks, however many have ended.
    let list = |after, limit| cluster.tasks.unfinished(after, limit);
    let unfinished = listing::all(list, |task: &Task| task.uid).await?;
    note_creations(cluster, &unfinished);
    for task in &unfinished {
        cluster.replicas.note_unsure(task);
    }
    Ok(())
}

/// Completes [`Cluster::replicas`] in the leader's term of this number, and tries again until it succeeds.
/// Reads are served meanwhile: after a term of an older Miroir, a stale replica may then serve one.
pub async fn recover(cluster: Arc<Cluster>, term: u64) {
    while let Err(error) = recover_once(&cluster, term).await {
        tracing::warn!("cannot recover the replica states: {}", miroir_ports::error_chain(&error));
        tokio::time::sleep(PAUSE).await;
    }
    cluster.replicas.set_recovered();
}

async fn recover_once(cluster: &Cluster, term: u64) -> Result<(), StoreError> {
    let recorded = cluster.store.replica_recovery_get().await?;
    // The last term was of this Miroir, or of an earlier start in the same term.
    let is_complete =
        recorded.is_some_and(|last| last.term == term || last.term.checked_add(1) == Some(term));
    if !is_complete {
        let since = recorded.map_or(TaskUid(0), |last| last.oldest_open);
        carry_over(cluster, since).await?;
    }
    record_progress(cluster, term).await
}

/// Records that the misses of this and all earlier terms are in the table.
pub async fn record_progress(cluster: &Cluster, term: u64) -> Result<(), StoreError> {
    let open = cluster.tasks.unfinished(None, 1).await?;
    let oldest_open = if let Some(oldest) = open.first() {
        oldest.uid
    } else {
        let newest = cluster.store.task_list(&TaskQuery { limit: 1, ..TaskQuery::default() }).await?;
        newest.tasks.first().map_or(TaskUid(0), |task| TaskUid(task.uid.0.saturating_add(1)))
    };
    cluster.store.replica_recovery_put(ReplicaRecovery { term, oldest_open }).await
}

/// Notes the nodes of which it is not known whether they took the creation of an index: they get no other
/// writes to it before they have been repaired.
fn note_creations(cluster: &Cluster, unfinished: &[Task]) {
    let mut marks = Vec::new();
    for task in unfinished {
        let Some(index) = task.physical_index() else { continue };
        let pending = task.node_tasks.iter().filter(|(_, part)| {
            part.settings_version == Some(FIRST_SETTINGS_VERSION) && part.status == NodeTaskState::Pending
        });
        let reason = "the node is not known to have created the index";
        let mark = |(node, _)| {
            cluster.replicas.new_mark(&index, node, Difference::of_index(), Some(task.uid), reason)
        };
        marks.extend(pending.map(mark));
    }
    cluster.replicas.note(&marks);
}

/// Stores the misses that an older Miroir recorded in tasks from `since` on, and in settings versions.
async fn carry_over(cluster: &Cluster, since: TaskUid) -> Result<(), StoreError> {
    let (indexes, mut marks) = misses_of_settings(cluster).await?;
    let mut deletions = Deletions::default();
    let collect = |task: &Task| {
        if task.uid < since {
            return ControlFlow::Break(());
        }
        marks.extend(misses_of_task(cluster, task, &indexes, &deletions));
        deletions.observe(task);
        ControlFlow::Continue(())
    };
    cluster.tasks.walk(TaskQuery::default(), collect).await?;
    for some in marks.chunks(BATCH) {
        cluster.replicas.mark(some).await?;
    }
    if !marks.is_empty() {
        tracing::info!(misses = marks.len(), "carried the missed writes of an older Miroir over");
    }
    Ok(())
}

/// Returns the indexes, and a mark for each replica whose settings may be missing.
async fn misses_of_settings(cluster: &Cluster) -> Result<(Indexes, Vec<ReplicaMark>), StoreError> {
    let (mut indexes, mut marks) = (Indexes::new(), Vec::new());
    for entry in cluster.registry.all().await? {
        let rows = cluster.store.node_settings_list(&entry.physical_uid).await?;
        let settings = rows.into_iter().map(|row| (row.node_id, row.version)).collect();
        let known = KnownIndex { shard_count: entry.shard_count, settings };
        let pending = nodes_being_set(cluster, &entry.uid).await?;
        for node in cluster.placements.topology().nodes() {
            // A change that is under way leaves no node behind. One that failed may have left the registry
            // ahead.
            if !known.has_settings(node, entry.settings_version) && !pending.contains(node) {
                let difference = Difference { index: true, ..Difference::of_settings() };
                let reason = "the node is not known to have the settings";
                marks.push(cluster.replicas.new_mark(&entry.physical_uid, node, difference, None, reason));
            }
        }
        indexes.insert(entry.physical_uid, known);
    }
    Ok((indexes, marks))
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

/// Returns a mark for each replica that missed `task`. `deletions` are those that came after it.
fn misses_of_task(
    cluster: &Cluster,
    task: &Task,
    indexes: &Indexes,
    deletions: &Deletions,
) -> Vec<ReplicaMark> {
    let Some(index) = &task.physical_index() else { return Vec::new() };
    let known = indexes.get(index);
    let shard_count = known.map_or(cluster.placements.default_shard_count(), |known| known.shard_count);
    let (placement, topology) = (cluster.placements.of(shard_count), cluster.placements.topology());
    let reason = "the node missed a write";
    let remains = missed_deletion(task, known)
        .map(|node| cluster.replicas.new_mark(index, node, Difference::of_index(), Some(task.uid), reason));
    let missed = missed_writes(task, index, shard_count, known).into_iter().filter_map(|(miss, taken_by)| {
        let difference = miss.effect(topology, &placement, &|node| taken_by.contains(node));
        let counts = !difference.is_none() && !deletions.contains(index, miss.node);
        counts.then(|| cluster.replicas.new_mark(index, miss.node, difference, Some(task.uid), reason))
    });
    // A replica that this Miroir has spared when the task was stored is spared again.
    let standing = |node: &NodeId, shard| cluster.replicas.standing(index, node, shard);
    spare_best(remains.chain(missed).collect(), task, &placement, &standing)
}
