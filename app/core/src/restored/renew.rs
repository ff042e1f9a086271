//! The begin of a new epoch.

use miroir_domain::TaskUid;
use miroir_domain::identity::{ClusterRow, shards_without_source};
use miroir_domain::replica::{Difference, ReplicaMark, UNCOMPARED};
use miroir_ports::outbound::{Put, StoreError};

use super::error::ExamineError;
use super::index::take_over_indexes;
use crate::cluster::Cluster;
use crate::identity::{NodeChecker, StoreIdentity};

/// The marks that one call stores.
const BATCH: usize = 500;

/// The number of task uids that are left out beyond the newest known one: a node that is away may know more.
pub(super) const MARGIN: u32 = 1_000;

/// Begins a new epoch in a store that does not know the task `newest`, though a node has its write.
///
/// The order makes every step repeatable: the store knows fewer tasks than the nodes until the last step.
pub async fn renew(cluster: &Cluster, checker: &NodeChecker, newest: TaskUid) -> Result<(), ExamineError> {
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

/// Records that the documents of every replica are suspect, of which there is another one to compare it with.
pub(super) async fn suspect_all(cluster: &Cluster) -> Result<(), StoreError> {
    let mut marks = Vec::new();
    for entry in cluster.registry.all().await? {
        let placement = cluster.placements.of(entry.shard_count);
        for node in cluster.placements.topology().nodes() {
            let alone = shards_without_source(node, &placement, &|_, _| true);
            let shards = Difference::of_shards(placement.shards_of(node).difference(&alone));
            marks.push(cluster.replicas.new_mark(&entry.physical_uid, node, shards, None, UNCOMPARED));
        }
    }
    marks.retain(|mark: &ReplicaMark| !mark.difference.is_none());
    for some in marks.chunks(BATCH) {
        cluster.replicas.mark(some).await?;
    }
    Ok(())
}
