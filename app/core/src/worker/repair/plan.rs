//! The order of repairs: the shards with the fewest copies first.

use std::collections::BTreeMap;

use miroir_domain::index::IndexEntry;
use miroir_domain::{NodeId, PhysicalUid, Shard, ShardSet};
use miroir_ports::outbound::StoreError;

use super::attempt::Attempts;
use crate::cluster::Cluster;

/// The work of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// The index and its settings, or the deletion of an index that is gone.
    Index,
    /// The documents of shards, from another node.
    Documents { source: NodeId, shards: ShardSet },
    /// The comparison of shards of which no replica is in sync, on all nodes that keep them.
    Compare { nodes: Vec<NodeId>, shards: ShardSet },
    /// The documents of shards that the node does not keep any more.
    Foreign(ShardSet),
}

/// A job of repair.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub index: PhysicalUid,
    pub node: NodeId,
    pub work: Work,
    /// The number of copies in sync that are left.
    pub copies: usize,
}

impl Job {
    /// Returns the shards of the job, or `None` if it is about the index itself.
    pub(super) fn shards(&self) -> Option<&ShardSet> {
        match &self.work {
            Work::Index => None,
            Work::Documents { shards, .. } | Work::Compare { shards, .. } | Work::Foreign(shards) => {
                Some(shards)
            }
        }
    }
}

/// Returns whether the documents of a replica can be compared with those of others, and equality would prove
/// that it is in sync.
fn can_be_compared(cluster: &Cluster, index: &PhysicalUid, node: &NodeId) -> bool {
    cluster.nodes.is_healthy(node)
        && cluster.replicas.is_uncompared(index, node)
        && cluster.replicas.state(index, node).has_settings()
}

/// Returns whether the healthy `node` has all documents of `shard`.
pub(super) fn has_all(cluster: &Cluster, index: &PhysicalUid, node: &NodeId, shard: Shard) -> bool {
    let state = cluster.replicas.state(index, node);
    cluster.nodes.is_healthy(node) && state.has_settings() && !state.shards.contains_key(&shard)
}

/// Returns the jobs that can be done now, the most urgent first. Notes the replicas for which there is none.
/// Documents of shards that a node does not keep any more are removed if `is_former_over`, and every node
/// that keeps them now has them all.
pub(super) async fn jobs(
    cluster: &Cluster,
    attempts: &mut Attempts,
    is_former_over: bool,
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    let mut entry: Option<(PhysicalUid, Option<IndexEntry>)> = None;
    for (index, node) in cluster.replicas.stale() {
        let is_known = cluster.placements.topology().group_of(&node).is_some();
        // A node that may still fail would only hold up the index's writes.
        if !is_known || !cluster.nodes.is_healthy(&node) {
            continue;
        }
        if entry.as_ref().is_none_or(|(known, _)| *known != index) {
            entry = Some((index.clone(), cluster.registry.at(&index).await?));
        }
        let known = entry.as_ref().and_then(|(_, entry)| entry.as_ref());
        let found = of_replica(cluster, attempts, &index, &node, known, is_former_over);
        jobs.extend(found);
    }
    jobs.sort_by_key(|job| (job.copies, job.shards().is_some()));
    Ok(jobs)
}

fn of_replica(
    cluster: &Cluster,
    attempts: &mut Attempts,
    index: &PhysicalUid,
    node: &NodeId,
    entry: Option<&IndexEntry>,
    is_former_over: bool,
) -> Vec<Job> {
    let job = |work, copies| Job { index: index.clone(), node: node.clone(), work, copies };
    let state = cluster.replicas.state(index, node);
    let Some(entry) = entry.filter(|_| state.has_settings()) else {
        let copies = entry.map_or(usize::MAX, |entry| fewest_copies(cluster, entry, node));
        return attempts.is_due(index, node, None).then(|| job(Work::Index, copies)).into_iter().collect();
    };
    let sources = Sources::of(cluster, entry, node, &state.shard_set());
    if attempts.is_due(index, node, None)
        && let Some(reason) = sources.missing(node)
    {
        cluster.repairs.wait(index, node, &reason);
        attempts.wait(index, node, &reason);
    }
    let mut jobs = Vec::new();
    for (nodes, shards) in sources.comparable {
        let due: ShardSet =
            shards.iter().filter(|shard| attempts.is_due(index, node, Some(*shard))).collect();
        if !due.is_empty() {
            jobs.push(job(Work::Compare { nodes, shards: due }, 0));
        }
    }
    for ((copies, source), shards) in sources.of_node {
        let due: ShardSet =
            shards.iter().filter(|shard| attempts.is_due(index, node, Some(*shard))).collect();
        if !due.is_empty() {
            jobs.push(job(Work::Documents { source, shards: due }, copies));
        }
    }
    let is_due = |shard: &Shard| attempts.is_due(index, node, Some(*shard));
    let placement = cluster.placements.of(entry.shard_count);
    let is_elsewhere =
        |shard: &Shard| placement.all_replicas(*shard).all(|owner| has_all(cluster, index, owner, *shard));
    let foreign: ShardSet = sources.foreign.iter().filter(is_due).filter(is_elsewhere).collect();
    if is_former_over && !foreign.is_empty() {
        jobs.push(job(Work::Foreign(foreign), usize::MAX));
    }
    jobs
}

/// Returns the number of copies in sync of the shard of `node` that has the fewest.
fn fewest_copies(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> usize {
    let placement = cluster.placements.of(entry.shard_count);
    let copies = |shard| {
        placement
            .all_replicas(shard)
            .filter(|replica| has_all(cluster, &entry.physical_uid, replica, shard))
            .count()
    };
    placement.shards_of(node).iter().map(copies).min().unwrap_or(usize::MAX)
}

/// The shards of a repair, by the number of copies in sync and the node to copy them from.
#[derive(Debug, Default)]
struct Sources {
    of_node: BTreeMap<(usize, NodeId), ShardSet>,
    /// The shards of which no replica is in sync and all can be compared, by the nodes that keep them. They
    /// are those of the first of these nodes.
    comparable: BTreeMap<Vec<NodeId>, ShardSet>,
    /// The shards that the node does not keep any more.
    foreign: ShardSet,
    /// The shards of which all other replicas are away or stale themselves.
    waiting: ShardSet,
    /// The shards of which there is no other replica.
    lost: ShardSet,
}

impl Sources {
    fn of(cluster: &Cluster, entry: &IndexEntry, node: &NodeId, shards: &ShardSet) -> Self {
        let placement = cluster.placements.of(entry.shard_count);
        let mut sources = Self::default();
        for shard in shards.iter() {
            if !placement.shards_of(node).contains(shard) {
                sources.foreign.insert(shard);
                continue;
            }
            let others: Vec<&NodeId> =
                placement.all_replicas(shard).filter(|replica| *replica != node).collect();
            let complete: Vec<&&NodeId> = others
                .iter()
                .filter(|replica| has_all(cluster, &entry.physical_uid, replica, shard))
                .collect();
            match complete.first() {
                Some(source) => {
                    let key = (complete.len(), (**source).clone());
                    sources.of_node.entry(key).or_default().insert(shard);
                }
                None if others.is_empty() => {
                    sources.lost.insert(shard);
                }
                None => {
                    let all: Vec<&NodeId> = placement.all_replicas(shard).collect();
                    if !all.iter().all(|replica| can_be_compared(cluster, &entry.physical_uid, replica)) {
                        sources.waiting.insert(shard);
                    } else if all.first() == Some(&node) {
                        let nodes = all.into_iter().cloned().collect();
                        sources.comparable.entry(nodes).or_default().insert(shard);
                    }
                }
            }
        }
        sources
    }

    /// Returns the reason for which shards are left.
    fn missing(&self, node: &NodeId) -> Option<String> {
        let Self { waiting, lost, .. } = self;
        if !lost.is_empty() {
            return Some(format!(
                "no other node has shards {lost}: restore the data of node `{node}`, or accept what it has with `miroir node \
                 adopt {node}`"
            ));
        }
        if !waiting.is_empty() {
            return Some(format!(
                "every other replica of shards {waiting} is away or stale itself: bring back a node that has them, or accept \
                 what node `{node}` has with `miroir node adopt {node}`"
            ));
        }
        None
    }
}
