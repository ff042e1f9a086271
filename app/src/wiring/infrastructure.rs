//! The clients, clock and counters of an instance.

use std::sync::Arc;

use miroir_core::change::ChangeRecorder;
use miroir_core::cluster::{Cluster, ClusterParts, SearchPolicy};
use miroir_core::identity::{KnownIdentity, NodeChecker};
use miroir_core::node::NodePool;
use miroir_core::placement::Placements;
use miroir_core::registry::LastKnown;
use miroir_core::replica::ReportedStates;
use miroir_domain::identity::AcceptedTopology;
use miroir_domain::topology::Topology;
use miroir_ports::outbound::{Clock, Observer, Sealer, TaskStore};
use miroir_prometheus::Metrics;
use miroir_system::{KeySealer, SystemClock};

use super::{node, sink};
use crate::config::{self, Config};

/// The clients, clock and counters of an instance, which stay the same from term to term.
pub struct Infrastructure {
    topology: Arc<Topology>,
    shard_count: u32,
    search_policy: SearchPolicy,
    sealer: Arc<dyn Sealer>,
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
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
    /// The registry as last read, for reads while the store is away.
    pub last_known: Arc<LastKnown>,
    /// The stale replicas that another instance reported.
    pub reported: Arc<ReportedStates>,
    /// The observer that counts occurrences.
    pub observer: Arc<dyn Observer>,
}

impl Infrastructure {
    /// Makes the clients of nodes and sinks without connecting to them. `metrics` counts their calls.
    pub fn new(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let topology = node::topology(config)?;
        for sink in &config.cdc.sinks {
            metrics.register_sink(&sink.name);
        }
        let search_policy = match config.cluster.search_policy {
            config::SearchPolicy::Partial => SearchPolicy::Partial,
            config::SearchPolicy::Error => SearchPolicy::Error,
        };
        let identity = Arc::default();
        let last_known = LastKnown::new(config.store.max_staleness(), Arc::clone(&identity));
        let checker = Arc::new(node::checker(config, &topology, &clock, metrics, &identity)?);
        Ok(Self {
            nodes: node::pool(config, &checker, metrics)?,
            accepted: node::accepted_topology(config),
            checker,
            identity,
            topology: Arc::new(topology),
            shard_count: config.cluster.shard_count,
            search_policy,
            sealer: Arc::new(KeySealer::new(config.store.sealing_keys.iter().map(config::Secret::expose))),
            changes: Arc::new(sink::recorder(&config.cdc, &clock, &(Arc::clone(metrics) as _))?),
            clock,
            last_known: Arc::new(last_known),
            reported: Arc::default(),
            observer: Arc::clone(metrics) as _,
        })
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
            sealer: Arc::clone(&self.sealer),
        })
    }
}
