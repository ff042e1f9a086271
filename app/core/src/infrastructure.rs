//! The clients, clock and counters of an instance.

use std::sync::Arc;

use miroir_domain::identity::{AcceptedTopology, OwnTopology};
use miroir_domain::topology::Topology;
use miroir_ports::outbound::{Clock, Ids, Observer, Sealer, TaskStore};

use crate::change::ChangeRecorder;
use crate::cluster::{Cluster, ClusterParts, RepairOptions, SearchPolicy};
use crate::identity::{KnownIdentity, NodeChecker};
use crate::node::NodePool;
use crate::placement::Placements;
use crate::registry::LastKnown;
use crate::replica::ReportedStates;

/// The clients, clock and counters of an instance, which stay the same from term to term.
pub struct Infrastructure {
    /// The nodes of the configuration, and their groups.
    pub topology: Arc<Topology>,
    /// The number of shards of a new index.
    pub shard_count: u32,
    /// The behavior of a read when a shard has no replica that responds.
    pub search_policy: SearchPolicy,
    /// The identity of the cluster, as the store has it.
    pub identity: Arc<KnownIdentity>,
    /// The checker of the nodes' identities.
    pub checker: Arc<NodeChecker>,
    /// The nodes.
    pub nodes: NodePool,
    /// The topology of the configuration, in the form in which the store keeps it.
    pub accepted: AcceptedTopology,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of unique ids.
    pub ids: Arc<dyn Ids>,
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
    /// The registry as last read, for reads while the store is away.
    pub last_known: Arc<LastKnown>,
    /// The stale replicas as last read from the store.
    pub reported: Arc<ReportedStates>,
    /// The observer that counts occurrences.
    pub observer: Arc<dyn Observer>,
    /// The bounds of repair.
    pub repair: RepairOptions,
    /// The sealer of the keys of embedders.
    pub sealer: Arc<dyn Sealer>,
}

impl Infrastructure {
    /// Returns a function that compares the topology of this instance with the accepted one.
    pub fn own_topology(&self) -> Arc<dyn Fn() -> OwnTopology + Send + Sync> {
        let (identity, own) = (Arc::clone(&self.identity), self.accepted.clone());
        Arc::new(move || identity.compare_topology(&own))
    }

    /// Returns a cluster that uses `store` and `nodes`.
    pub fn cluster(&self, store: Arc<dyn TaskStore>, nodes: NodePool) -> Cluster {
        Cluster::new(ClusterParts {
            placements: Placements::new(Arc::clone(&self.topology), self.shard_count),
            nodes,
            store,
            clock: Arc::clone(&self.clock),
            search_policy: self.search_policy,
            changes: Arc::clone(&self.changes),
            reported: Arc::clone(&self.reported),
            last_known: Arc::clone(&self.last_known),
            observer: Arc::clone(&self.observer),
            repair: self.repair,
            sealer: Arc::clone(&self.sealer),
        })
    }
}
