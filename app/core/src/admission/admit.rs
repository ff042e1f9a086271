//! Takes in nodes that are new, empty or rolled back.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::identity::{
    ClusterId, Incarnation, NodeMarker, NodeRow, Verdict, shards_without_source, suspect_everything,
};
use miroir_domain::placement::Placement;
use miroir_domain::replica::{Difference, ReplicaMark};
use miroir_domain::{IndexUid, NodeId, Shard};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Ids, NodeError, StoreError};
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::identity::NodeChecker;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(250);

/// The maximum time of one call that marks a node or reads its indexes. A marker without a master key waits
/// in the node's queue of tasks.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The reason for which a node was not taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdmissionError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in nodes in the leader's term until `shutdown`.
pub async fn admission_loop(
    cluster: Arc<Cluster>,
    checker: Arc<NodeChecker>,
    ids: Arc<dyn Ids>,
    shutdown: CancellationToken,
) {
    let work = async {
        loop {
            admit_all(&cluster, &checker, ids.as_ref()).await;
            tokio::time::sleep(PAUSE).await;
        }
    };
    // Every step can be repeated, so it may be cut off anywhere.
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// Takes in every node that responded to its last check and waits for it.
pub async fn admit_all(cluster: &Arc<Cluster>, checker: &NodeChecker, ids: &dyn Ids) {
    let Some(row) = checker.identity().cluster() else { return };
    let nodes: Vec<NodeId> = checker.nodes().cloned().collect();
    let admissions = nodes.iter().map(|node| admit(cluster, checker, ids, &row.id, node));
    for (node, outcome) in nodes.iter().zip(futures_util::future::join_all(admissions).await) {
        if let Err(error) = outcome {
            let reason = error_chain(&error);
            tracing::warn!(%node, "cannot take in a node, trying again: {reason}");
        }
    }
}

async fn admit(
    cluster: &Cluster,
    checker: &NodeChecker,
    ids: &dyn Ids,
    id: &ClusterId,
    node: &NodeId,
) -> Result<(), AdmissionError> {
    let Some(mut finding) = checker.finding(node) else { return Ok(()) };
    if finding.verdict.is_none() {
        // The identity was not known when the node was checked.
        let _ = checker.check(node).await;
        finding = checker.finding(node).unwrap_or(finding);
    }
    match finding.verdict {
        None | Some(Verdict::Refused(_)) => Ok(()),
        Some(Verdict::Trusted) => remember(cluster, checker, node).await,
        Some(Verdict::Unmarked(incarnation)) => {
            mark_known(cluster, checker, ids, id, node, incarnation).await
        }
        Some(verdict @ (Verdict::Emptied | Verdict::RolledBack)) => {
            let marks = marks(cluster, checker, node, &verdict).await?;
            mark_suspect(cluster, checker, ids, id, node, &marks).await
        }
    }
}

/// Takes over a node whose data is unknown. `is_in_sync` returns whether another node has a shard of an
/// index: the data of the node is suspect there, and right elsewhere.
pub(super) async fn take_over(
    cluster: &Cluster,
    checker: &NodeChecker,
    ids: &dyn Ids,
    node: &NodeId,
    is_in_sync: &(dyn Fn(&NodeId, &IndexUid, Shard) -> bool + Sync),
) -> Result<(), AdmissionError> {
    let Some(row) = checker.identity().cluster() else { return Ok(()) };
    let mut marks = marks(cluster, checker, node, &Verdict::RolledBack).await?;
    let topology = cluster.placements.topology();
    for mark in &mut marks {
        let Some(entry) = cluster.registry.get(&mark.index).await? else { continue };
        let placement = cluster.placements.of(entry.shard_count);
        let in_sync = |other: &NodeId, shard| is_in_sync(other, &mark.index, shard);
        let sourceless = shards_without_source(node, topology, &placement, &in_sync);
        mark.difference.shards = mark.difference.shards.difference(&sourceless);
    }
    mark_suspect(cluster, checker, ids, &row.id, node, &marks).await
}

/// Writes the marker of a node of an older Miroir, or stores the incarnation that it has already.
async fn mark_known(
    cluster: &Cluster,
    checker: &NodeChecker,
    ids: &dyn Ids,
    id: &ClusterId,
    node: &NodeId,
    found: Option<Incarnation>,
) -> Result<(), AdmissionError> {
    let is_marked = found.is_some();
    let incarnation = found.unwrap_or_else(|| new_incarnation(ids));
    if !is_marked {
        // Before the row: with a row and without a marker it would be refused.
        let marker = NodeMarker { cluster: id.clone(), node: node.clone(), incarnation: incarnation.clone() };
        checker.inspector().node_mark(node, &marker, TIMEOUT).await?;
    }
    let row = new_row(cluster, node, incarnation);
    cluster.store.node_put(&row).await?;
    checker.identity().note_node(row);
    let _ = checker.check(node).await;
    Ok(())
}

/// Takes in a node whose data differs by `marks`, with a new incarnation.
async fn mark_suspect(
    cluster: &Cluster,
    checker: &NodeChecker,
    ids: &dyn Ids,
    id: &ClusterId,
    node: &NodeId,
    marks: &[ReplicaMark],
) -> Result<(), AdmissionError> {
    if let Some(first) = marks.first() {
        tracing::warn!(%node, indexes = marks.len(), "{}: repairing it", first.reason);
    }
    // The marks are stored first and the marker is written last. So the node is not trusted, by any instance,
    // before everything that differs on it is on record.
    cluster.replicas.mark(marks).await?;
    let row = new_row(cluster, node, new_incarnation(ids));
    cluster.store.node_put(&row).await?;
    if let Some(incarnation) = row.incarnation.clone() {
        let marker = NodeMarker { cluster: id.clone(), node: node.clone(), incarnation };
        checker.inspector().node_mark(node, &marker, TIMEOUT).await?;
    }
    checker.health().forget_acknowledged(node);
    checker.identity().note_node(row);
    // The outcome is in the health of the node.
    let _ = checker.check(node).await;
    tracing::info!(%node, "took in a node");
    Ok(())
}

fn new_row(cluster: &Cluster, node: &NodeId, incarnation: Incarnation) -> NodeRow {
    NodeRow {
        node: node.clone(),
        incarnation: Some(incarnation),
        newest_task: None,
        updated_at: cluster.clock.now(),
    }
}

#[expect(clippy::expect_used, reason = "unique ids have the alphabet and the length of names")]
fn new_incarnation(ids: &dyn Ids) -> Incarnation {
    ids.unique_id().parse().expect("a unique id is a valid incarnation")
}

/// Returns the marks by which everything on the node is suspect.
async fn marks(
    cluster: &Cluster,
    checker: &NodeChecker,
    node: &NodeId,
    verdict: &Verdict,
) -> Result<Vec<ReplicaMark>, AdmissionError> {
    let entries = cluster.registry.all().await?;
    let placements: Vec<(IndexUid, Arc<Placement>)> =
        entries.iter().map(|entry| (entry.uid.clone(), cluster.placements.of(entry.shard_count))).collect();
    let reason = match verdict {
        Verdict::Emptied => "the node was emptied",
        _ => "the data of the node is of an earlier time",
    };
    let indexes = placements.iter().map(|(uid, placement)| (uid, placement.as_ref()));
    let mut marks = suspect_everything(node, indexes, reason, cluster.clock.now());
    if *verdict == Verdict::RolledBack {
        // It may have indexes again that were deleted.
        for index in checker.inspector().node_indexes(node, TIMEOUT).await? {
            if entries.iter().all(|entry| entry.uid != index) {
                marks.push(cluster.replicas.new_mark(&index, node, Difference::of_index(), None, reason));
            }
        }
    }
    Ok(marks)
}

/// Stores the newest task of a node, by which a later check knows that the node was not rolled back.
async fn remember(cluster: &Cluster, checker: &NodeChecker, node: &NodeId) -> Result<(), AdmissionError> {
    let (Some(finding), Some(row)) = (checker.finding(node), checker.identity().node(node)) else {
        return Ok(());
    };
    let newest = finding.facts.newest_task;
    let is_newer = match (&newest, &row.newest_task) {
        (Some(newest), Some(known)) => newest.uid > known.uid,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if !is_newer {
        return Ok(());
    }
    let row = NodeRow { newest_task: newest, updated_at: cluster.clock.now(), ..row };
    cluster.store.node_put(&row).await?;
    checker.identity().note_node(row);
    Ok(())
}
