//! The clients, clock and counters of an instance.

use std::collections::HashMap;
use std::sync::Arc;

use miroir_core::change::ChangeRecorder;
use miroir_core::cluster::{Cluster, ClusterParts, SearchPolicy, Timeouts};
use miroir_core::node::{HealthTracker, TrackedNodes};
use miroir_core::replica::ReportedStates;
use miroir_domain::NodeId;
use miroir_domain::topology::Topology;
use miroir_ports::outbound::{Clock, Nodes, Observer, TaskStore};
use miroir_prometheus::Metrics;
use miroir_system::SystemClock;

use super::{node, sink};
use crate::config::{self, Config};

/// The clients, clock and counters of an instance, which stay the same from term to term.
pub struct Infrastructure {
    topology: Topology,
    urls: HashMap<NodeId, String>,
    shard_count: u32,
    timeouts: Timeouts,
    search_policy: SearchPolicy,
    /// The nodes, with their health tracked.
    pub nodes: Arc<TrackedNodes>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
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
        let health = Arc::new(HealthTracker::new(
            topology.nodes().cloned().collect::<Vec<_>>(),
            config.health.thresholds(),
            Arc::clone(&clock),
        ));
        let search_policy = match config.cluster.search_policy {
            config::SearchPolicy::Partial => SearchPolicy::Partial,
            config::SearchPolicy::Error => SearchPolicy::Error,
        };
        Ok(Self {
            topology,
            urls: config.nodes.iter().map(|node| (node.id.clone(), node.url.as_str().to_owned())).collect(),
            shard_count: config.cluster.shard_count,
            timeouts: Timeouts {
                write: config.timeouts.write(),
                read: config.timeouts.read(),
                search: config.timeouts.search(),
            },
            search_policy,
            nodes: Arc::new(TrackedNodes::new(metrics.metered_nodes(Arc::new(node::nodes(config)?)), health)),
            changes: Arc::new(sink::recorder(&config.cdc, &clock, &(Arc::clone(metrics) as _))?),
            clock,
            reported: Arc::default(),
            observer: Arc::clone(metrics) as _,
        })
    }

    /// Returns a cluster that uses `store` and `nodes`.
    pub fn cluster(&self, store: Arc<dyn TaskStore>, nodes: Arc<dyn Nodes>) -> Cluster {
        Cluster::new(ClusterParts {
            topology: self.topology.clone(),
            urls: self.urls.clone(),
            shard_count: self.shard_count,
            nodes,
            health: Arc::clone(self.nodes.tracker()),
            store,
            clock: Arc::clone(&self.clock),
            timeouts: self.timeouts,
            search_policy: self.search_policy,
            changes: Arc::clone(&self.changes),
            reported: Arc::clone(&self.reported),
            observer: Arc::clone(&self.observer),
        })
    }
}
