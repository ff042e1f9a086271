//! The parts of a cluster.

use std::sync::Arc;

use miroir_domain::health::NodeStatus;
use miroir_domain::quorum::Degraded;
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::{Clock, Observer, Sealer, TaskStore};

use crate::change::ChangeRecorder;
use crate::node::NodePool;
use crate::order::WriteOrder;
use crate::placement::Placements;
use crate::registry::{IndexRegistry, LastKnown};
use crate::replica::{RepairLog, ReplicaStates, ReportedStates};
use crate::settings::SettingsLog;
use crate::task::{GivenUids, TaskLog};

/// The behavior of a read when a shard has no replica in sync that responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchPolicy {
    /// Returns the results of the other shards and of stale replicas, with `X-Miroir-Degraded`.
    Partial,
    /// Refuses with 503 `miroir_shard_unavailable`.
    Error,
}

/// The bounds of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairOptions {
    /// The number of replicas that are repaired at the same time (2).
    pub concurrency: usize,
    /// The number of documents that all repairs together read in a second; 0 is without a bound (10,000).
    pub max_documents_per_second: u64,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self { concurrency: 2, max_documents_per_second: 10_000 }
    }
}

/// The parts of a cluster. The leader makes a new one for each term, so that no part keeps state of an
/// earlier term.
pub struct Cluster {
    /// The topology and the placement of shards.
    pub placements: Arc<Placements>,
    /// The nodes, with their health.
    pub nodes: NodePool,
    /// The replicas that are stale.
    pub replicas: Arc<ReplicaStates>,
    /// The progress of repairs.
    pub repairs: RepairLog,
    /// The bounds of repair.
    pub repair: RepairOptions,
    /// The order of writes: index locks, write queues, tasks being sent.
    pub order: WriteOrder,
    /// The registry of indexes.
    pub registry: Arc<IndexRegistry>,
    /// The committed settings.
    pub settings: Arc<SettingsLog>,
    /// The tasks.
    pub tasks: TaskLog,
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
    /// The task store. The leader's is fenced by its lease.
    pub store: Arc<dyn TaskStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The observer of what happens.
    pub observer: Arc<dyn Observer>,
    /// The behavior of a read when a shard has no replica that responds.
    pub search_policy: SearchPolicy,
}

/// The parts of a [`Cluster`] that configuration and adapters choose.
pub struct ClusterParts {
    /// The topology, with the number of shards of new indexes.
    pub placements: Placements,
    /// The nodes.
    pub nodes: NodePool,
    /// The task store.
    pub store: Arc<dyn TaskStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The behavior of a read when a shard has no replica that responds.
    pub search_policy: SearchPolicy,
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
    /// The stale replicas as last read from the store.
    pub reported: Arc<ReportedStates>,
    /// The registry as last read, for reads while the store is away.
    pub last_known: Arc<LastKnown>,
    /// The observer of what happens.
    pub observer: Arc<dyn Observer>,
    /// The bounds of repair.
    pub repair: RepairOptions,
    /// The sealer of the keys of embedders.
    pub sealer: Arc<dyn Sealer>,
}

impl Cluster {
    /// Creates a cluster in which no write is under way.
    pub fn new(parts: ClusterParts) -> Self {
        let ClusterParts {
            placements,
            nodes,
            store,
            clock,
            search_policy,
            changes,
            reported,
            last_known,
            observer,
            repair,
            sealer,
        } = parts;
        let placements = Arc::new(placements);
        let replicas = Arc::new(ReplicaStates::new(Arc::clone(&store), Arc::clone(&clock), reported));
        let shard_count = placements.default_shard_count();
        let registry = IndexRegistry::new(Arc::clone(&store), Arc::clone(&clock), last_known, shard_count);
        let registry = Arc::new(registry);
        let settings = Arc::new(SettingsLog::new(Arc::clone(&store), Arc::clone(&clock), sealer));
        let tasks = TaskLog {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            changes: Arc::clone(&changes),
            placements: Arc::clone(&placements),
            registry: Arc::clone(&registry),
            replicas: Arc::clone(&replicas),
            uids: GivenUids::default(),
            settings: Arc::clone(&settings),
        };
        Self {
            replicas,
            repairs: RepairLog::default(),
            repair,
            settings,
            order: WriteOrder::default(),
            registry,
            tasks,
            placements,
            nodes,
            changes,
            store,
            clock,
            observer,
            search_policy,
        }
    }

    /// Returns the cost of reading `index` from `node`, or `None` if the node serves no reads. A stale
    /// replica costs more than any replica in sync.
    pub fn read_cost(&self, index: &PhysicalUid, node: &NodeId) -> Option<u64> {
        Some(self.nodes.cost(node)?.saturating_add(self.replicas.cost(index, node)))
    }

    /// Returns the part of a response of `node` for `shards` of `index` that may be without some writes, or
    /// `None` if the replica is in sync.
    pub fn doubt(&self, index: &PhysicalUid, node: &NodeId, shards: &ShardSet) -> Option<Degraded> {
        let doubtful = self.replicas.doubtful(index, node, shards);
        if doubtful.is_empty() {
            return None;
        }
        let group = self.placements.topology().group_of(node)?;
        Some(Degraded { groups: [(group, doubtful)].into(), nodes: [node.clone()].into() })
    }

    /// Returns the cost of reading from `node` for reads that must choose the same nodes each time. It
    /// changes only when the status of the node does, not with each response time.
    pub fn steady_cost(&self, node: &NodeId) -> Option<u64> {
        match self.nodes.status(node) {
            NodeStatus::Healthy => Some(0),
            NodeStatus::Degraded => Some(1),
            NodeStatus::Unknown | NodeStatus::Failed => None,
        }
    }
}
