//! The counters of one running Miroir.

use std::sync::Arc;

use miroir_domain::{SinkName, Timestamp};
use miroir_ports::outbound::{NodeInspector, Nodes, Observer, Occurrence, TaskStore};
use prometheus::Registry;

use crate::family::Families;
use crate::node::{MeteredInspector, MeteredNodes, NodeMetrics};
use crate::observer::ObservedMetrics;
use crate::store::{MeteredStore, StoreMetrics};

/// The counters of one running Miroir.
pub struct Metrics {
    pub(super) registry: Registry,
    pub(super) started_at: Timestamp,
    observed: ObservedMetrics,
    nodes: Arc<NodeMetrics>,
    store: Arc<StoreMetrics>,
}

impl Metrics {
    /// Creates the counters, all at zero, of a Miroir that started at `started_at`.
    ///
    /// # Errors
    ///
    /// Returns an error if Prometheus refuses a name or a label, which is a defect of this crate.
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

    /// Exports the counters of `sink` from now on, at zero.
    pub fn register_sink(&self, sink: &SinkName) {
        self.observed.register_sink(sink);
    }

    /// Decorates `store` so that its calls are counted under the name of its backend.
    pub fn metered_store(&self, store: Arc<dyn TaskStore>, backend: &'static str) -> Arc<dyn TaskStore> {
        self.store.register(backend);
        Arc::new(MeteredStore::new(store, Arc::clone(&self.store), backend))
    }

    /// Decorates `nodes` so that their calls are counted.
    pub fn metered_nodes(&self, nodes: Arc<dyn Nodes>) -> Arc<dyn Nodes> {
        Arc::new(MeteredNodes::new(nodes, Arc::clone(&self.nodes)))
    }

    /// Decorates `inspector` so that its probes are counted.
    pub fn metered_inspector(&self, inspector: Arc<dyn NodeInspector>) -> Arc<dyn NodeInspector> {
        Arc::new(MeteredInspector::new(inspector, Arc::clone(&self.nodes)))
    }
}

impl Observer for Metrics {
    fn observe(&self, occurrence: Occurrence<'_>) {
        self.observed.count(occurrence);
    }
}
