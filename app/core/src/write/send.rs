//! The part of one node in a write: sent in its turn, with the outcome.

use miroir_domain::error::ErrorCode;
use miroir_domain::health::NodeStatus;
use miroir_domain::replica::Difference;
use miroir_domain::task::NodeOutcome;
use miroir_domain::task::marker::{marker_of, marker_task};
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, TaskUid};
use miroir_ports::error_chain;
use miroir_ports::outbound::{NodeError, NodeWrite};
use tokio::time::timeout;

use super::{Target, WritePlan};
use crate::cluster::Cluster;
use crate::order::Ticket;

/// Waits for the turn of `ticket` and sends `node` its part. A node that is not usable gets nothing, nor does
/// a node that may not have the index.
pub(super) async fn send_in_turn(
    cluster: &Cluster,
    plan: &WritePlan,
    node: &NodeId,
    target: &Target,
    mut ticket: Ticket,
    uid: TaskUid,
) -> NodeOutcome {
    if let Some(failed) = refuse_unusable(cluster, node) {
        return failed;
    }
    if timeout(cluster.nodes.write_timeout(), ticket.turn()).await.is_err() {
        return missed(format!("node `{node}` has not responded to earlier writes yet"));
    }
    let outcome = match refuse_unusable(cluster, node).or_else(|| refuse_without_index(cluster, plan, node)) {
        Some(refused) => refused,
        None => send_all(cluster, plan, node, target, uid).await,
    };
    if plan.creates_index() && !matches!(outcome, NodeOutcome::Accepted(_)) {
        // Known before the ticket is dropped, and the next write in the queue goes.
        let reason = format!("node `{node}` is not known to have created the index");
        let difference = Difference::of_index();
        cluster.replicas.note(&[cluster.replicas.new_mark(
            &plan.physical_uid,
            node,
            difference,
            Some(uid),
            &reason,
        )]);
    }
    outcome
}

/// Sends the requests of `target`, one after the other.
async fn send_all(
    cluster: &Cluster,
    plan: &WritePlan,
    node: &NodeId,
    target: &Target,
    uid: TaskUid,
) -> NodeOutcome {
    let mut untouched = true;
    let Some((last, first)) = target.writes.split_last() else { return NodeOutcome::Unknown };
    for operation in first {
        match send(cluster, plan, node, operation, uid).await {
            Ok(_) => untouched = false,
            Err(error) => return outcome_of(error, plan, uid, untouched),
        }
    }
    // A node works in order, so the last write stands for all, and it alone must be found again. A write
    // that cannot carry the marker follows a marker task, which changes nothing on the node.
    if let Some(marker) = marker_task(last)
        && let Err(error) = send(cluster, plan, node, &marker, uid).await
    {
        return outcome_of(error, plan, uid, untouched);
    }
    match send(cluster, plan, node, last, uid).await {
        Ok(node_uid) => NodeOutcome::Accepted(node_uid),
        Err(error) => outcome_of(error, plan, uid, untouched),
    }
}

async fn send(
    cluster: &Cluster,
    plan: &WritePlan,
    node: &NodeId,
    operation: &WriteOperation,
    uid: TaskUid,
) -> Result<u32, NodeError> {
    let write = NodeWrite {
        index: plan.physical_uid.clone(),
        operation: operation.clone(),
        custom_metadata: Some(marker_of(uid)),
    };
    cluster.nodes.write(node, write).await
}

/// Returns the outcome of a node that is not usable, which misses the write without a call.
fn refuse_unusable(cluster: &Cluster, node: &NodeId) -> Option<NodeOutcome> {
    match cluster.nodes.status(node) {
        NodeStatus::Healthy | NodeStatus::Degraded => None,
        NodeStatus::Failed => Some(missed(format!("node `{node}` is marked failed and was not called"))),
        NodeStatus::Unknown => {
            Some(missed(format!("node `{node}` has not responded yet and was not called")))
        }
    }
}

/// Returns the outcome of a node that may not have the index, which misses the write until it is repaired.
fn refuse_without_index(cluster: &Cluster, plan: &WritePlan, node: &NodeId) -> Option<NodeOutcome> {
    (plan.needs_index() && cluster.replicas.may_lack_index(&plan.physical_uid, node))
        .then(|| missed(format!("node `{node}` does not have index `{}` until it is repaired", plan.index)))
}

fn missed(reason: String) -> NodeOutcome {
    let error = ErrorCode::MiroirNodeUnavailable.with_message(reason);
    NodeOutcome::Missed { error, refusal: None, untouched: true }
}

fn outcome_of(error: NodeError, plan: &WritePlan, uid: TaskUid, untouched: bool) -> NodeOutcome {
    match error {
        NodeError::Refused { status, error, .. } => {
            let error = plan.physical_uid.renamed_in_error(error, &plan.index);
            NodeOutcome::Missed { error, refusal: Some(status), untouched }
        }
        NodeError::Unreachable { .. } => {
            let error = ErrorCode::MiroirNodeUnavailable.with_message(error_chain(&error));
            NodeOutcome::Missed { error, refusal: None, untouched }
        }
        _ => {
            let reason = error_chain(&error);
            tracing::warn!(task = %format_args!("mtask-{uid}"), "{reason}: the reconciler finds out whether the node accepted the write");
            NodeOutcome::Unknown
        }
    }
}
