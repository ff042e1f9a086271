//! The counters of one running Miroir.

use std::sync::Arc;

use miroir_domain::canary::CanaryStatus;
use miroir_domain::{SinkName, Timestamp};
use miroir_ports::outbound::{Nodes, TaskStore};
use prometheus::Registry;

use crate::family::Families;
use crate::node::{MeteredNodes, NodeMetrics};
use crate::observer::ObservedMetrics;
use crate::store::{MeteredStore, StoreMetrics};

/// Every status of a run of a canary.
pub(super) const CANARY_STATUSES: [CanaryStatus; 3] =
    [CanaryStatus::Pass, CanaryStatus::Fail, CanaryStatus::Error];

/// The counters of one running Miroir.
pub struct Metrics {
    pub(super) registry: Registry,
    pub(super) started_at: Timestamp,
    pub(super) observed: ObservedMetrics,
    nodes: Arc<NodeMetrics>,
    store: Arc<StoreMetrics>,
}

impl Metrics {
    /// Makes the counters of a Miroir that started at `started_at`, all of them zero. An error is a mistake in this code:
    /// a name or a label that Prometheus does not take.
    pub fn new(started_at: Timestamp) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let families = Families(&registry);
        Ok(Self {
            started_at,
            observed: ObservedMetrics::new(&families)?,
            nodes: Arc::new(NodeMetrics::new(&families)?),
            store: Arc::new(StoreMetrics::new(&families)?),
            registry,
        })
    }

    /// Shows the counters of a sink from now on, at zero.
    pub fn register_sink(&self, sink: &SinkName) {
        self.observed.register_sink(sink);
    }

    /// Decorates `store`, so that its calls are counted under the name of its backend.
    pub fn metered_store(&self, store: Arc<dyn TaskStore>, backend: &'static str) -> Arc<dyn TaskStore> {
        self.store.register(backend);
        Arc::new(MeteredStore::new(store, Arc::clone(&self.store), backend))
    }

    /// Decorates `nodes`, so that their calls are counted.
    pub fn metered_nodes(&self, nodes: Arc<dyn Nodes>) -> Arc<dyn Nodes> {
        Arc::new(MeteredNodes::new(nodes, Arc::clone(&self.nodes)))
    }
}
