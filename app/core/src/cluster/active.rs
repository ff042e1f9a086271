//! The active cluster.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;

use super::parts::Cluster;

/// The cluster that serves requests: that of the leader's term, or one for reads alone. A term has a
/// cluster of its own, so that no state of an earlier term is left in it.
pub struct ActiveCluster {
    reader: Arc<Cluster>,
    term: ArcSwapOption<Cluster>,
}

impl ActiveCluster {
    /// Creates an active cluster that serves reads with `reader` until a term begins.
    pub fn new(reader: Arc<Cluster>) -> Self {
        Self { reader, term: ArcSwapOption::empty() }
    }

    /// Returns the cluster for reads. A request takes it once and keeps it to its end.
    pub fn reader(&self) -> Arc<Cluster> {
        self.term.load_full().unwrap_or_else(|| Arc::clone(&self.reader))
    }

    /// Returns the cluster for reads of documents, with replica states that are not older than reads may rely
    /// on. While the store is away, they are those that were read last.
    ///
    /// # Errors
    ///
    /// Refuses with 503 `miroir_store_unavailable` if another topology was accepted, and reads may not rely
    /// on that of this instance any more.
    pub async fn current_reader(&self) -> Result<Arc<Cluster>, ApiError> {
        let cluster = self.reader();
        if !cluster.registry.is_store_away() {
            cluster.replicas.refresh().await;
        }
        cluster.replicas.require_topology()?;
        Ok(cluster)
    }

    /// Returns the cluster of the leader's term, for a request that changes something. The request takes it
    /// once and keeps it to its end, so the store and the nodes refuse its writes once the term is over.
    ///
    /// # Errors
    ///
    /// Refuses with 503 `miroir_store_unavailable` if this instance is not the leader. That happens to a
    /// request that arrived in the term, and whose body was complete only after it.
    pub fn writer(&self) -> Result<Arc<Cluster>, ApiError> {
        self.term.load_full().ok_or_else(|| {
            ApiError::refused(
                ErrorCode::MiroirStoreUnavailable,
                "This instance is not the leader any more, and nothing was changed: send the request again.",
            )
        })
    }

    /// Makes `cluster` the active one until the guard is dropped.
    pub fn activate(self: &Arc<Self>, cluster: Arc<Cluster>) -> Activation {
        self.term.store(Some(cluster));
        Activation(Arc::clone(self))
    }
}

/// The guard that keeps the cluster of a term active.
pub struct Activation(Arc<ActiveCluster>);

impl Drop for Activation {
    fn drop(&mut self) {
        self.0.term.store(None);
    }
}
