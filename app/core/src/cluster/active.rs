//! The active cluster.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::parts::Cluster;

/// The cluster that serves requests. While this instance holds no term of the writes, that is a cluster for
/// reading. A term has a cluster of its own, so that nothing of an earlier term is left in it.
pub struct ActiveCluster {
    reader: Arc<Cluster>,
    current: ArcSwap<Cluster>,
}

impl ActiveCluster {
    /// Makes `reader` the cluster in use.
    pub fn new(reader: Arc<Cluster>) -> Self {
        Self { current: ArcSwap::new(Arc::clone(&reader)), reader }
    }

    /// Returns the cluster in use. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<Cluster> {
        self.current.load_full()
    }

    /// Makes `cluster` the one in use until the guard is dropped.
    pub fn activate(self: &Arc<Self>, cluster: Arc<Cluster>) -> Activation {
        self.current.store(cluster);
        Activation(Arc::clone(self))
    }
}

/// Keeps the cluster of a term in use.
pub struct Activation(Arc<ActiveCluster>);

impl Drop for Activation {
    fn drop(&mut self) {
        self.0.current.store(Arc::clone(&self.0.reader));
    }
}
