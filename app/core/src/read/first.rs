//! Reads that need one node: the one with the lowest cost first, the next one if it fails.

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::Value;

use super::absent::Absent;
use super::refusal::{reason, refused, too_long};
use crate::cluster::Cluster;

/// Reads from `candidates` in order of cost until one responds. Returns that node and its response.
///
/// # Errors
///
/// Returns the refusal of a node as it is, unless it does not have `index` and another one does, 400
/// `bad_request` if a response is too long, and 503 `miroir_shard_unavailable` if no candidate responds.
pub async fn read_first<'a>(
    cluster: &Cluster,
    index: Option<&IndexEntry>,
    candidates: impl IntoIterator<Item = &'a NodeId>,
    read: NodeRead,
) -> Result<(NodeId, Value), ApiError> {
    let mut reasons = Vec::new();
    let mut absent = Absent::default();
    let of = |error: &NodeError| match index {
        Some(index) => reason(index, error),
        None => error_chain(error),
    };
    for node in by_cost(cluster, index, candidates) {
        match cluster.nodes.read(node, read.clone()).await {
            Ok(value) => {
                if let Some(index) = index {
                    absent.mark(cluster, index).await?;
                }
                return Ok((node.clone(), value));
            }
            Err(error) if index.is_some() && absent.observe(&error) => reasons.push(of(&error)),
            Err(NodeError::Refused { status, error, .. }) => {
                return Err(match index {
                    Some(index) => refused(index, status, error),
                    None => ApiError::Node { status, error },
                });
            }
            Err(NodeError::TooLong { max_bytes, .. }) => return Err(too_long(max_bytes)),
            Err(error) => reasons.push(of(&error)),
        }
    }
    if let Some(index) = index {
        absent.mark(cluster, index).await?;
        if let Some(refusal) = absent.refusal(cluster, index).await? {
            return Err(refusal);
        }
    }
    let reasons = if reasons.is_empty() {
        "no usable node has the data in sync".to_owned()
    } else {
        reasons.join("; ")
    };
    Err(ApiError::refused(
        ErrorCode::MiroirShardUnavailable,
        format!("No node can serve this read: {reasons}."),
    ))
}

/// Returns the candidates that serve reads, by cost. Equal costs keep their order.
fn by_cost<'a>(
    cluster: &Cluster,
    index: Option<&IndexEntry>,
    candidates: impl IntoIterator<Item = &'a NodeId>,
) -> Vec<&'a NodeId> {
    let cost = |node: &NodeId| match index {
        Some(index) => cluster.read_cost(&index.physical_uid, node),
        None => cluster.nodes.cost(node),
    };
    let mut usable: Vec<(u64, &NodeId)> =
        candidates.into_iter().filter_map(|node| Some((cost(node)?, node))).collect();
    usable.sort_by_key(|(cost, _)| *cost);
    usable.into_iter().map(|(_, node)| node).collect()
}
