//! Metrics of calls to nodes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::identity::{NodeFacts, NodeMarker};
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{NodeError, NodeInspector, NodeOperation, Nodes};
use prometheus::{HistogramVec, IntCounterVec, Result as MadeResult};
use tokio::time::Instant;

use crate::family::{CALL_SECONDS, Families};

/// Counters of calls to nodes.
pub(super) struct NodeMetrics {
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl NodeMetrics {
    pub(super) fn new(families: &Families<'_>) -> MadeResult<Self> {
        Ok(Self {
            requests: families.counters(
                "miroir_node_requests_total",
                "Finished calls to nodes, by outcome.",
                &["node", "operation", "outcome"],
            )?,
            durations: families.histograms(
                "miroir_node_request_duration_seconds",
                "Duration of calls to nodes, whatever their outcome.",
                &["node", "operation"],
                &CALL_SECONDS,
            )?,
        })
    }
}

impl NodeMetrics {
    /// Counts and times a call.
    async fn count<T>(
        &self,
        node: &NodeId,
        operation: NodeOperation,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        let begun = Instant::now();
        let result = call.await;
        self.requests.with_label_values(&[node.as_str(), operation.as_str(), outcome(&result)]).inc();
        self.durations
            .with_label_values(&[node.as_str(), operation.as_str()])
            .observe(begun.elapsed().as_secs_f64());
        result
    }
}

/// Returns the label of the outcome of a call.
fn outcome<T>(result: &Result<T, NodeError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(NodeError::Refused { .. }) => "refused",
        Err(NodeError::Unreachable { .. }) => "unreachable",
        Err(NodeError::TooLong { .. }) => "too_long",
        Err(_) => "unknown",
    }
}

/// Nodes with counted calls. A call that is dropped before its end is not counted.
pub(super) struct MeteredNodes {
    inner: Arc<dyn Nodes>,
    metrics: Arc<NodeMetrics>,
}

impl MeteredNodes {
    pub(super) fn new(inner: Arc<dyn Nodes>, metrics: Arc<NodeMetrics>) -> Self {
        Self { inner, metrics }
    }

    async fn call<T>(
        &self,
        node: &NodeId,
        operation: NodeOperation,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        self.metrics.count(node, operation, call).await
    }
}

miroir_ports::wrap_nodes!(MeteredNodes);

/// An inspector with counted probes. The rare other calls are not counted.
pub(super) struct MeteredInspector {
    inner: Arc<dyn NodeInspector>,
    metrics: Arc<NodeMetrics>,
}

impl MeteredInspector {
    pub(super) fn new(inner: Arc<dyn NodeInspector>, metrics: Arc<NodeMetrics>) -> Self {
        Self { inner, metrics }
    }
}

#[async_trait]
impl NodeInspector for MeteredInspector {
    async fn node_inspect(
        &self,
        node: &NodeId,
        remembered: Option<u32>,
        timeout: Duration,
    ) -> Result<NodeFacts, NodeError> {
        let call = self.inner.node_inspect(node, remembered, timeout);
        self.metrics.count(node, NodeOperation::Probe, call).await
    }

    async fn node_mark(
        &self,
        node: &NodeId,
        marker: &NodeMarker,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        self.inner.node_mark(node, marker, timeout).await
    }

    async fn node_newest_write(
        &self,
        node: &NodeId,
        timeout: Duration,
    ) -> Result<Option<TaskUid>, NodeError> {
        self.inner.node_newest_write(node, timeout).await
    }

    async fn node_indexes(&self, node: &NodeId, timeout: Duration) -> Result<Vec<PhysicalUid>, NodeError> {
        self.inner.node_indexes(node, timeout).await
    }

    async fn node_delete_index(
        &self,
        node: &NodeId,
        index: &PhysicalUid,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        self.inner.node_delete_index(node, index, timeout).await
    }
}
