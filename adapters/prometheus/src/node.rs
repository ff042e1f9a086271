//! Calls to nodes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use prometheus::{HistogramVec, IntCounterVec, Result as MadeResult};
use serde_json::Value;
use tokio::time::Instant;

use crate::family::{CALL_SECONDS, Families};

/// What is counted of calls to nodes.
pub(super) struct NodeMetrics {
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl NodeMetrics {
    pub(super) fn new(families: &Families<'_>) -> MadeResult<Self> {
        Ok(Self {
            requests: families.counters(
                "miroir_node_requests_total",
                "Calls to nodes that are over, by how they ended.",
                &["node", "operation", "outcome"],
            )?,
            durations: families.histograms(
                "miroir_node_request_duration_seconds",
                "How long calls to nodes took, however they ended.",
                &["node", "operation"],
                &CALL_SECONDS,
            )?,
        })
    }
}

/// The word for how a call ended.
fn outcome<T>(result: &Result<T, NodeError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(NodeError::Refused { .. }) => "refused",
        Err(NodeError::Unreachable { .. }) => "unreachable",
        Err(_) => "unknown",
    }
}

/// Nodes whose calls are counted. One that is dropped before its end is not.
pub(super) struct MeteredNodes {
    inner: Arc<dyn Nodes>,
    metrics: Arc<NodeMetrics>,
}

impl MeteredNodes {
    pub(super) fn new(inner: Arc<dyn Nodes>, metrics: Arc<NodeMetrics>) -> Self {
        Self { inner, metrics }
    }

    async fn metered<T>(
        &self,
        node: &NodeId,
        operation: &str,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        let begun = Instant::now();
        let result = call.await;
        let NodeMetrics { requests, durations } = self.metrics.as_ref();
        requests.with_label_values(&[node.as_str(), operation, outcome(&result)]).inc();
        durations.with_label_values(&[node.as_str(), operation]).observe(begun.elapsed().as_secs_f64());
        result
    }
}

#[async_trait]
impl Nodes for MeteredNodes {
    async fn node_probe(&self, node: &NodeId, timeout: Duration) -> Result<(), NodeError> {
        self.metered(node, "probe", self.inner.node_probe(node, timeout)).await
    }

    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError> {
        self.metered(node, "write", self.inner.node_write(node, write, timeout)).await
    }

    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError> {
        self.metered(node, "read", self.inner.node_read(node, read, timeout)).await
    }

    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError> {
        self.metered(node, "search", self.inner.node_search(node, search, timeout)).await
    }

    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        self.metered(node, "tasks", self.inner.node_tasks(node, selection, timeout)).await
    }
}
