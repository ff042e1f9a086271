//! Metrics of calls to nodes.

use std::future::Future;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_ports::outbound::{NodeError, NodeOperation, Nodes};
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

/// Returns the label of the outcome of a call.
fn outcome<T>(result: &Result<T, NodeError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(NodeError::Refused { .. }) => "refused",
        Err(NodeError::Unreachable { .. }) => "unreachable",
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
        let begun = Instant::now();
        let result = call.await;
        let NodeMetrics { requests, durations } = self.metrics.as_ref();
        requests.with_label_values(&[node.as_str(), operation.as_str(), outcome(&result)]).inc();
        durations
            .with_label_values(&[node.as_str(), operation.as_str()])
            .observe(begun.elapsed().as_secs_f64());
        result
    }
}

miroir_ports::wrap_nodes!(MeteredNodes);
