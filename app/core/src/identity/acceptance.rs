//! Compares and accepts topologies.

use std::collections::BTreeMap;

use miroir_domain::identity::{AcceptedTopology, ClusterRow, PlacementChange, TopologyChange};
use miroir_domain::index::IndexEntry;
use miroir_domain::placement::Placement;
use miroir_domain::replica::{Difference, ReplicaMark, ReplicaRow};
use miroir_domain::standing::Standing;
use miroir_domain::topology::{InvalidTopology, Topology};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::{Clock, Put, StoreError, TaskStore};

use crate::listing;

/// The reason of the marks of new owners.
const REASON: &str = "the node keeps these shards since another topology was accepted";

/// The marks that one call stores.
const BATCH: usize = 500;

/// The outcome of [`accept`], or of [`preview`].
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
    /// Documents would be left behind on former owners.
    #[error(
        "the change would leave shards {shards} of index `{index}` without any of the nodes that have their documents: \
         wait until the replicas of the other nodes are in sync (`miroir topology replicas`), or raise \
         `cluster.replication_factor` or add a replica group first, and wait for its repair. If those nodes are lost, \
         `--allow-loss` accepts the change, and reads are marked until `miroir node adopt` accepts what is left"
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
///
/// # Errors
///
/// Refuses a change that leaves documents behind, unless `allows_loss`.
pub async fn accept(
    store: &dyn TaskStore,
    topology: &AcceptedTopology,
    allows_loss: bool,
    clock: &dyn Clock,
) -> Result<Acceptance, AcceptanceError> {
    let Plan { row, changes, marks } = plan(store, topology, allows_loss, clock).await?;
    if changes.is_empty() {
        return Ok(Acceptance { changes, replicas: 0 });
    }
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

/// Returns what [`accept`] would do, and changes nothing.
///
/// # Errors
///
/// Refuses what `accept` would refuse.
pub async fn preview(
    store: &dyn TaskStore,
    topology: &AcceptedTopology,
    allows_loss: bool,
    clock: &dyn Clock,
) -> Result<Acceptance, AcceptanceError> {
    let Plan { changes, marks, .. } = plan(store, topology, allows_loss, clock).await?;
    Ok(Acceptance { changes, replicas: marks.len() })
}

/// A change of the topology that can be accepted.
struct Plan {
    /// The row of the cluster before it.
    row: ClusterRow,
    changes: Vec<TopologyChange>,
    /// The marks that come first.
    marks: Vec<ReplicaMark>,
}

async fn plan(
    store: &dyn TaskStore,
    topology: &AcceptedTopology,
    allows_loss: bool,
    clock: &dyn Clock,
) -> Result<Plan, AcceptanceError> {
    let row = store.cluster_get().await?.ok_or(AcceptanceError::NoTopology)?;
    let changes = row.topology.changes_to(topology);
    if changes.is_empty() {
        return Ok(Plan { row, changes, marks: Vec::new() });
    }
    let indexes = listing::indexes(store).await?;
    let stale = stale_replicas(store).await?;
    let Handover { marks, left_behind } = hand_over(&row.topology, topology, &indexes, &stale, clock)?;
    match left_behind {
        Some((index, shards)) if !allows_loss => Err(AcceptanceError::LeavesBehind { index, shards }),
        _ => Ok(Plan { row, changes, marks }),
    }
}

/// Returns the replicas that are not in sync.
async fn stale_replicas(
    store: &dyn TaskStore,
) -> Result<BTreeMap<(PhysicalUid, NodeId), ReplicaRow>, StoreError> {
    let rows = listing::replicas(store).await?;
    Ok(rows.into_iter().map(|row| ((row.index.clone(), row.node.clone()), row)).collect())
}

/// The effect of a change on all replicas.
#[derive(Debug, Default)]
struct Handover {
    /// A mark for each replica that gains shards, and for each that loses some: instances that still have the
    /// former topology must not read those.
    marks: Vec<ReplicaMark>,
    /// The first index of which shards are left behind, and these shards.
    left_behind: Option<(IndexUid, ShardSet)>,
}

fn hand_over(
    before: &AcceptedTopology,
    after: &AcceptedTopology,
    indexes: &[IndexEntry],
    stale: &BTreeMap<(PhysicalUid, NodeId), ReplicaRow>,
    clock: &dyn Clock,
) -> Result<Handover, InvalidTopology> {
    let (before, after) = (before.to_topology()?, after.to_topology()?);
    let mut placements = BTreeMap::new();
    let mut handover = Handover::default();
    for entry in indexes {
        let (former, next) = placements.entry(entry.shard_count).or_insert_with(|| {
            (Placement::new(&before, entry.shard_count), Placement::new(&after, entry.shard_count))
        });
        let standing = |node: &NodeId, shard| {
            stale
                .get(&(entry.physical_uid.clone(), node.clone()))
                .map_or(Standing::InSync, |row| row.standing(shard))
        };
        let change = PlacementChange::between(former, next, &standing);
        if !change.left_behind.is_empty() && handover.left_behind.is_none() {
            handover.left_behind = Some((entry.uid.clone(), change.left_behind));
        }
        let lost = PlacementChange::between(next, former, &|_, _| Standing::InSync).gained;
        let mut of_node = change.gained;
        for (node, shards) in lost {
            let all = of_node.entry(node).or_default();
            *all = all.union(&shards);
        }
        for (node, shards) in of_node {
            let is_new = is_new_node(&node, &before, &after);
            handover.marks.push(ReplicaMark {
                index: entry.physical_uid.clone(),
                node,
                difference: Difference { shards, settings: is_new, index: is_new },
                task: None,
                reason: REASON.to_owned(),
                at: clock.now(),
            });
        }
    }
    Ok(handover)
}

fn is_new_node(node: &NodeId, before: &Topology, after: &Topology) -> bool {
    after.group_of(node).is_some() && before.group_of(node).is_none()
}
