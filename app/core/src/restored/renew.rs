//! The begin of a new epoch.

use miroir_domain::TaskUid;
use miroir_domain::identity::{ClusterRow, suspect_everything};
use miroir_domain::replica::ReplicaMark;
use miroir_ports::outbound::{Put, StoreError};

use super::examine::ExamineError;
use super::index::take_over_indexes;
use crate::cluster::Cluster;
use crate::identity::{NodeChecker, StoreIdentity};

/// The reason of the marks.
const RESTORED: &str = "the task store was restored or rebuilt, and has to be compared with the nodes";

/// The number of task uids that are left out beyond the newest known one: a node that is away may know more.
pub(super) const MARGIN: u32 = 1_000;

/// Begins a new epoch in a store that does not know the task `newest`, though a node has its write.
///
/// The order makes every step repeatable: the store knows fewer tasks than the nodes until the last step.
pub(super) async fn renew(
    cluster: &Cluster,
    checker: &NodeChecker,
    newest: TaskUid,
) -> Result<(), ExamineError> {
    let identity = checker.identity();
    let Some(row) = identity.cluster() else { return Ok(()) };
    tracing::error!(
        cluster = %row.id,
        "the task store does not know task {newest}, which was written to a node: it was restored from a backup, lost \
         changes in a failover, or was rebuilt. Indexes are taken over from the nodes, and all replicas are compared"
    );
    take_over_indexes(cluster, checker).await?;
    suspect_all(cluster).await?;
    let row = row.in_new_epoch(cluster.clock.now());
    if cluster.store.cluster_put(&row).await? == Put::Conflict {
        return Err(ExamineError::Conflict);
    }
    let row = ClusterRow { version: row.version + 1, ..row };
    tracing::warn!(epoch = row.epoch, "a new epoch has begun");
    identity.replace(StoreIdentity::Known(row), identity.nodes());
    cluster.store.task_skip_to(TaskUid(newest.0.saturating_add(MARGIN))).await?;
    Ok(())
}

/// Records that the documents of every replica are suspect.
pub(super) async fn suspect_all(cluster: &Cluster) -> Result<(), StoreError> {
    let entries = cluster.registry.all().await?;
    let placed: Vec<_> =
        entries.into_iter().map(|entry| (cluster.placements.of(entry.shard_count), entry.uid)).collect();
    let now = cluster.clock.now();
    for node in cluster.placements.topology().nodes() {
        let indexes = placed.iter().map(|(placement, index)| (index, placement.as_ref()));
        let marks = suspect_everything(node, indexes, RESTORED, now).into_iter().map(of_documents);
        cluster.replicas.mark(&marks.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Limits a mark to documents. A node without the index is found by its first response to a read.
fn of_documents(mut mark: ReplicaMark) -> ReplicaMark {
    (mark.difference.settings, mark.difference.index) = (false, false);
    mark
}
