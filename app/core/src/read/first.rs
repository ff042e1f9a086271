//! Reads that one node can answer: the best node first, the next one when it cannot.

use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::Value;

use crate::cluster::Cluster;

/// Asks `candidates` in order of cost until one answers. A refusal is an answer. With no node left, 503.
pub async fn read_first<'a>(
    cluster: &Cluster,
    index: Option<&IndexUid>,
    candidates: impl IntoIterator<Item = &'a NodeId>,
    read: NodeRead,
    timeout: Duration,
) -> Result<Value, ApiError> {
    let mut reasons = Vec::new();
    for node in by_cost(cluster, index, candidates) {
        match cluster.nodes.node_read(node, read.clone(), timeout).await {
            Ok(value) => return Ok(value),
            Err(NodeError::Refused { status, error, .. }) => return Err(ApiError::Node { status, error }),
            Err(error) => reasons.push(miroir_ports::error_chain(&error)),
        }
    }
    let reasons = if reasons.is_empty() {
        "every node that could is marked failed".to_owned()
    } else {
        reasons.join("; ")
    };
    Err(ApiError::refused(
        ErrorCode::MiroirShardUnavailable,
        format!("No node can answer this read: {reasons}."),
    ))
}

/// The candidates that serve reads, cheapest first; equal costs keep their order.
fn by_cost<'a>(
    cluster: &Cluster,
    index: Option<&IndexUid>,
    candidates: impl IntoIterator<Item = &'a NodeId>,
) -> Vec<&'a NodeId> {
    let cost = |node: &NodeId| match index {
        Some(index) => cluster.read_cost(index, node),
        None => cluster.health.cost(node),
    };
    let mut usable: Vec<(u64, &NodeId)> =
        candidates.into_iter().filter_map(|node| Some((cost(node)?, node))).collect();
    usable.sort_by_key(|(cost, _)| *cost);
    usable.into_iter().map(|(_, node)| node).collect()
}
