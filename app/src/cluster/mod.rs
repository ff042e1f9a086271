//! What every service and worker shares: the nodes, their placement and health, the store, the time.

mod alias_use;
mod amend;
mod dispatch;
mod gate;
mod lane;
mod open_tasks;
mod plan;
mod registry;
mod send;
mod stale;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use miroir_domain::health::NodeStatus;
use miroir_domain::placement::Placement;
use miroir_domain::topology::Topology;
use miroir_domain::{GroupId, IndexUid, NodeId};
use miroir_ports::outbound::{Clock, Nodes, TaskStore};

use crate::change::ChangeRecorder;
use crate::instance::Hearsay;
use crate::metrics::Metrics;
use crate::node::HealthTracker;

pub use dispatch::{Answered, Dispatch};
pub use gate::Gates;
pub use lane::{Lanes, Ticket};
pub use open_tasks::{OpenTasks, Sending};
pub use plan::{Target, WritePlan};
pub use stale::StaleNodes;

/// How long a node may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To acknowledge a write, from the first byte sent.
    pub write: Duration,
    /// To answer a read.
    pub read: Duration,
    /// To answer a search.
    pub search: Duration,
}

/// What to answer when a shard cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchPolicy {
    /// What there is, with `X-Miroir-Degraded`.
    Partial,
    /// 503 `miroir_shard_unavailable`.
    Error,
}

/// The cluster as services see it.
pub struct Cluster {
    /// Its nodes and groups.
    pub topology: Topology,
    /// Where each node listens, for people.
    pub urls: HashMap<NodeId, String>,
    /// Shards of an index created now.
    pub shard_count: u32,
    /// The nodes, observed by `health`.
    pub nodes: Arc<dyn Nodes>,
    /// How far each node is trusted.
    pub health: Arc<HealthTracker>,
    /// The task store.
    pub store: Arc<dyn TaskStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long nodes may take.
    pub timeouts: Timeouts,
    /// What to answer when a shard cannot be read.
    pub search_policy: SearchPolicy,
    /// What writes changed, for others.
    pub changes: Arc<ChangeRecorder>,
    /// Where it is counted what happens.
    pub metrics: Arc<Metrics>,
    /// Who may change an index's registry entry.
    pub gates: Gates,
    /// The order of writes to each node.
    pub lanes: Lanes,
    /// Tasks someone is still sending, and the bell that wakes the poller.
    pub open_tasks: Arc<OpenTasks>,
    /// Nodes that lack writes or settings of an index.
    pub stale: StaleNodes,
    /// Whether `stale` has been rebuilt from the store.
    pub recalled: AtomicBool,
    /// What nodes lack by what another instance said.
    pub hearsay: Arc<Hearsay>,
    placements: Mutex<HashMap<u32, Arc<Placement>>>,
}

/// The parts of a [`Cluster`] that configuration chooses.
pub struct ClusterParts {
    /// Its nodes and groups.
    pub topology: Topology,
    /// Where each node listens, for people.
    pub urls: HashMap<NodeId, String>,
    /// Shards of an index created now.
    pub shard_count: u32,
    /// The nodes, observed by `health`.
    pub nodes: Arc<dyn Nodes>,
    /// How far each node is trusted.
    pub health: Arc<HealthTracker>,
    /// The task store.
    pub store: Arc<dyn TaskStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long nodes may take.
    pub timeouts: Timeouts,
    /// What to answer when a shard cannot be read.
    pub search_policy: SearchPolicy,
    /// What writes changed, for others.
    pub changes: Arc<ChangeRecorder>,
    /// What nodes lack by what another instance said.
    pub hearsay: Arc<Hearsay>,
    /// Where it is counted what happens.
    pub metrics: Arc<Metrics>,
}

impl Cluster {
    /// Puts the parts together.
    pub fn new(parts: ClusterParts) -> Self {
        Self {
            topology: parts.topology,
            urls: parts.urls,
            shard_count: parts.shard_count,
            nodes: parts.nodes,
            health: parts.health,
            store: parts.store,
            clock: parts.clock,
            timeouts: parts.timeouts,
            search_policy: parts.search_policy,
            changes: parts.changes,
            metrics: parts.metrics,
            gates: Gates::default(),
            lanes: Lanes::default(),
            open_tasks: Arc::default(),
            stale: StaleNodes::default(),
            recalled: AtomicBool::new(false),
            hearsay: parts.hearsay,
            placements: Mutex::default(),
        }
    }

    /// The placement of an index with `shard_count` shards; computed once per count.
    pub fn placement(&self, shard_count: u32) -> Arc<Placement> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        let mut placements = self.placements.lock().unwrap_or_else(PoisonError::into_inner);
        placements
            .entry(shard_count)
            .or_insert_with(|| Arc::new(Placement::new(&self.topology, shard_count)))
            .clone()
    }

    /// The cost of reading `index` from `node`: lower is better, none when it serves no reads. A node that lacks
    /// writes or settings of the index is asked only when no complete one can be.
    pub fn read_cost(&self, index: &IndexUid, node: &NodeId) -> Option<u64> {
        Some(self.health.cost(node)?.saturating_add(self.stale_cost(index, node)))
    }

    /// The cost of reading `index` from `node` for those who must see the same nodes again and again: it changes
    /// only when a node's health does, not with every answer.
    pub fn steady_cost(&self, index: &IndexUid, node: &NodeId) -> Option<u64> {
        let cost = match self.health.status(node) {
            NodeStatus::Healthy => 0,
            NodeStatus::Degraded => 1,
            NodeStatus::Failed => return None,
        };
        Some(self.stale_cost(index, node) + cost)
    }

    fn stale_cost(&self, index: &IndexUid, node: &NodeId) -> u64 {
        // More than any healthy or degraded node costs: a slow answer is better than an incomplete one.
        const STALE: u64 = 1 << 50;
        if self.stale.is_stale(index, node) || self.hearsay.says(index, node) { STALE } else { 0 }
    }

    /// Every group, by number.
    pub fn group_ids(&self) -> Vec<GroupId> {
        self.topology.groups().iter().map(|group| group.id).collect()
    }
}
