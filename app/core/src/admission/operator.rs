//! Decisions of operators about nodes.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::identity::{Refusal, Verdict};
use miroir_domain::{NodeId, PhysicalUid};
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{Ids, NodeError, NodeRead};

use super::admit::{Admission, admit_all};
use super::source::sourceless;
use crate::cluster::Cluster;
use crate::identity::NodeChecker;

/// The maximum time in which a node deletes one index.
const DELETION: Duration = Duration::from_mins(1);

/// The reason to refuse a decision before the leader has read or made the identity of the cluster.
const IDENTITY_UNKNOWN: &str = "the identity of the cluster is not known yet";

/// Accepts the data of a node: of one whose data is unknown, or of its replicas that have no other source.
pub async fn adopt(
    cluster: &Arc<Cluster>,
    checker: &NodeChecker,
    ids: &dyn Ids,
    node: &NodeId,
) -> Result<(), ApiError> {
    match verdict(checker, node).await? {
        Verdict::Refused(Refusal::UnknownData(_)) => match Admission::new(cluster, checker, ids) {
            Some(admission) => admission.take_over(node).await.map_err(|error| unavailable(&error)),
            None => Err(conflict(node, IDENTITY_UNKNOWN)),
        },
        Verdict::Refused(refusal) => Err(conflict(node, &refusal.to_string())),
        Verdict::Trusted | Verdict::Unmarked(_) | Verdict::Emptied | Verdict::RolledBack => {
            accept_without_source(cluster, node).await
        }
    }
}

/// Deletes the indexes of a node whose data is unknown, and takes it in.
pub async fn reset(
    cluster: &Arc<Cluster>,
    checker: &NodeChecker,
    ids: &dyn Ids,
    node: &NodeId,
) -> Result<(), ApiError> {
    match verdict(checker, node).await? {
        Verdict::Refused(Refusal::UnknownData(_)) => {}
        Verdict::Refused(refusal) => return Err(conflict(node, &refusal.to_string())),
        _ => return Err(conflict(node, "its data belongs to the cluster, so it is not deleted")),
    }
    let inspector = checker.inspector();
    for index in inspector.node_indexes(node, DELETION).await.map_err(|error| unavailable(&error))? {
        let deleted = inspector.node_delete_index(node, &index, DELETION).await;
        deleted.map_err(|error| unavailable(&error))?;
    }
    // The verdict is `Emptied` now, and the outcome is in the health of the node.
    let _ = checker.check(node).await;
    admit_all(cluster, checker, ids).await;
    Ok(())
}

/// Returns the verdict of a new check.
async fn verdict(checker: &NodeChecker, node: &NodeId) -> Result<Verdict, ApiError> {
    if !checker.nodes().any(|other| other == node) {
        let message = format!("Node `{node}` is not of the cluster.");
        return Err(ApiError::refused(ErrorCode::MiroirNodeNotFound, message));
    }
    let outcome = checker.check(node).await;
    match (checker.finding(node).and_then(|finding| finding.verdict), outcome) {
        (Some(verdict), Ok(()) | Err(NodeError::Unreachable { .. })) => Ok(verdict),
        (_, Err(error)) => Err(unavailable(&error)),
        (None, Ok(())) => Err(conflict(node, IDENTITY_UNKNOWN)),
    }
}

/// Takes the replicas of the node for right where no other node is in sync.
async fn accept_without_source(cluster: &Arc<Cluster>, node: &NodeId) -> Result<(), ApiError> {
    for row in cluster.replicas.rows().into_iter().filter(|row| row.node == *node) {
        let Some(entry) = cluster.registry.at(&row.index).await? else { continue };
        let _guard = cluster.order.lock_write(&entry.uid).await;
        let seen = cluster.replicas.see(&row.index, node).await?;
        let sourceless = sourceless(cluster, &entry, node);
        cluster.replicas.repaired(&seen.of_shards(&sourceless)).await?;
        let topology = cluster.placements.topology();
        let settings_elsewhere = topology.nodes().any(|other| {
            other != node
                && cluster.nodes.is_usable(other)
                && cluster.replicas.state(&row.index, other).has_settings()
        });
        if !settings_elsewhere && has_index(cluster, node, &row.index).await? {
            cluster.replicas.repaired(&seen.of_settings()).await?;
        }
        tracing::warn!(%node, index = %row.index, shards = %sourceless, "an operator accepted the data of a node");
    }
    Ok(())
}

async fn has_index(cluster: &Cluster, node: &NodeId, index: &PhysicalUid) -> Result<bool, ApiError> {
    match cluster.nodes.read(node, NodeRead::Index(index.clone())).await {
        Ok(_) => Ok(true),
        Err(NodeError::Refused { status: 404, .. }) => Ok(false),
        Err(error) => Err(unavailable(&error)),
    }
}

fn conflict(node: &NodeId, reason: &str) -> ApiError {
    ApiError::refused(ErrorCode::MiroirNodeConflict, format!("Node `{node}`: {reason}."))
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    ApiError::refused(ErrorCode::MiroirNodeUnavailable, error_chain(error))
}
