//! Compares and accepts topologies.

use std::collections::BTreeMap;

use miroir_domain::identity::{AcceptedTopology, ClusterRow, PlacementChange, TopologyChange};
use miroir_domain::index::IndexEntry;
use miroir_domain::placement::Placement;
use miroir_domain::replica::{Difference, ReplicaMark};
use miroir_domain::topology::{InvalidTopology, Topology};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::outbound::{Clock, Put, StoreError, TaskStore};

use crate::listing;

/// The reason of the marks of new owners.
const REASON: &str = "the node keeps these shards since another topology was accepted";

/// The marks that one call stores.
const BATCH: usize = 500;

/// The outcome of [`accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The changes.
    pub changes: Vec<TopologyChange>,
    /// The number of replicas that lack documents by the change, and are filled by repair.
    pub replicas: usize,
}

/// The reason for which a topology is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptanceError {
    /// The store has no identity yet, so there is nothing to compare with.
    #[error(
        "the store has no accepted topology yet: the first start of Miroir accepts the one of the configuration"
    )]
    NoTopology,
    /// Shards would be left behind on former owners.
    #[error(
        "the change would leave shards {shards} of index `{index}` without any of the nodes that have their documents: \
         raise `cluster.replication_factor` or add a replica group first, and wait for its repair"
    )]
    LeavesBehind {
        /// The index.
        index: IndexUid,
        /// Its shards.
        shards: ShardSet,
    },
    /// Another change was made at the same moment.
    #[error("another topology was accepted at the same moment: run the command again")]
    Conflict,
    /// A topology is invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidTopology),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns the differences of `topology` from the accepted one, or none if none was accepted yet.
pub async fn check_topology(
    store: &dyn TaskStore,
    topology: &AcceptedTopology,
) -> Result<Vec<TopologyChange>, StoreError> {
    let row = store.cluster_get().await?;
    Ok(row.map(|row| row.topology.changes_to(topology)).unwrap_or_default())
}

/// Accepts `topology` in place of the accepted one. The replicas that change hands are marked first, so that
/// reads avoid them until they are repaired.
pub async fn accept(
    store: &dyn TaskStore,
    topology: &AcceptedTopology,
    clock: &dyn Clock,
) -> Result<Acceptance, AcceptanceError> {
    let row = store.cluster_get().await?.ok_or(AcceptanceError::NoTopology)?;
    let changes = row.topology.changes_to(topology);
    if changes.is_empty() {
        return Ok(Acceptance { changes, replicas: 0 });
    }
    let indexes = listing::indexes(store).await?;
    let marks = marks(&row.topology, topology, &indexes, clock)?;
    for some in marks.chunks(BATCH) {
        store.replica_mark(some).await?;
    }
    let removed = changes.iter().filter_map(|change| match change {
        TopologyChange::NodeRemoved(node) => Some(&node.id),
        _ => None,
    });
    for node in removed {
        store.node_delete(node).await?;
    }
    let next = ClusterRow { topology: topology.clone(), ..row };
    match store.cluster_put(&next).await? {
        Put::Stored => Ok(Acceptance { changes, replicas: marks.len() }),
        Put::Conflict => Err(AcceptanceError::Conflict),
    }
}

/// Returns a mark for each replica that gains shards, and for each that loses some: instances that still have
/// the former topology must not read those.
fn marks(
    before: &AcceptedTopology,
    after: &AcceptedTopology,
    indexes: &[IndexEntry],
    clock: &dyn Clock,
) -> Result<Vec<ReplicaMark>, AcceptanceError> {
    let (before, after) = (before.to_topology()?, after.to_topology()?);
    let mut placements = BTreeMap::new();
    let mut marks = Vec::new();
    for entry in indexes {
        let (former, next) = placements.entry(entry.shard_count).or_insert_with(|| {
            (Placement::new(&before, entry.shard_count), Placement::new(&after, entry.shard_count))
        });
        let change = PlacementChange::between(former, next);
        if !change.left_behind.is_empty() {
            let (index, shards) = (entry.uid.clone(), change.left_behind);
            return Err(AcceptanceError::LeavesBehind { index, shards });
        }
        let lost = PlacementChange::between(next, former).gained;
        let mut of_node = change.gained;
        for (node, shards) in lost {
            let all = of_node.entry(node).or_default();
            *all = all.union(&shards);
        }
        for (node, shards) in of_node {
            let is_new = is_new_node(&node, &before, &after);
            marks.push(ReplicaMark {
                index: entry.uid.clone(),
                node,
                difference: Difference { shards, settings: is_new, index: is_new },
                task: None,
                reason: REASON.to_owned(),
                at: clock.now(),
            });
        }
    }
    Ok(marks)
}

fn is_new_node(node: &NodeId, before: &Topology, after: &Topology) -> bool {
    after.group_of(node).is_some() && before.group_of(node).is_none()
}
