//! What every service and worker shares: the nodes, their placement and health, the store, the time.

mod active;
mod alias_use;
mod amend;
mod dispatch;
mod index_lock;
mod open_tasks;
mod plan;
mod registry;
mod send;
mod stale;
mod write_queue;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use miroir_domain::health::NodeStatus;
use miroir_domain::placement::Placement;
use miroir_domain::topology::Topology;
use miroir_domain::{GroupId, IndexUid, NodeId};
use miroir_ports::inbound::NodeView;
use miroir_ports::outbound::{Clock, Nodes, Observer, TaskStore};
use parking_lot::Mutex;

use crate::change::ChangeRecorder;
use crate::node::HealthTracker;
use crate::replica::ReportedStates;

pub use active::{Activation, ActiveCluster};
pub use dispatch::{Answered, Dispatch};
pub use index_lock::{IndexGuard, IndexLocks};
pub use open_tasks::{OpenTasks, Sending};
pub use plan::{Target, WritePlan};
pub use stale::StaleNodes;
pub use write_queue::{Ticket, WriteQueues};

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
    /// The counter of what happens.
    pub observer: Arc<dyn Observer>,
    /// Who may change an index's registry entry.
    pub locks: IndexLocks,
    /// The order of writes to each node.
    pub queues: WriteQueues,
    /// Tasks someone is still sending, and the bell that wakes the poller.
    pub open_tasks: Arc<OpenTasks>,
    /// Nodes that lack writes or settings of an index.
    pub stale: StaleNodes,
    /// Whether `stale` has been rebuilt from the store.
    pub recalled: AtomicBool,
    /// The stale replicas that another instance reported.
    pub reported: Arc<ReportedStates>,
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
    /// The stale replicas that another instance reported.
    pub reported: Arc<ReportedStates>,
    /// The counter of what happens.
    pub observer: Arc<dyn Observer>,
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
            observer: parts.observer,
            locks: IndexLocks::default(),
            queues: WriteQueues::default(),
            open_tasks: Arc::default(),
            stale: StaleNodes::default(),
            recalled: AtomicBool::new(false),
            reported: parts.reported,
            placements: Mutex::default(),
        }
    }

    /// The placement of an index with `shard_count` shards; computed once per count.
    pub fn placement(&self, shard_count: u32) -> Arc<Placement> {
        let mut placements = self.placements.lock();
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
        if self.stale.is_stale(index, node) || self.reported.is_stale(index, node) { STALE } else { 0 }
    }

    /// Returns `node` with its health, or `None` if it is not one of the cluster's.
    pub fn node_view(&self, node: &NodeId) -> Option<NodeView> {
        let seen = self.health.snapshot(node)?;
        Some(NodeView {
            id: node.clone(),
            url: self.urls.get(node).cloned().unwrap_or_default(),
            status: seen.status,
            in_flight: seen.in_flight,
            latency_us: seen.latency_us,
            last_error: seen.last_error,
            changed_at: seen.changed_at,
        })
    }

    /// Every group, by number.
    pub fn group_ids(&self) -> Vec<GroupId> {
        self.topology.groups().iter().map(|group| group.id).collect()
    }
}
