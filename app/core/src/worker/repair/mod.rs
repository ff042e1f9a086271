//! Repair of stale replicas.
//!
//! A node that was away during a write is stale for that index, and reads avoid it. When the node is healthy again,
//! repair copies from a replica in sync: first the index and its settings, then the documents of each shard with missed
//! writes. While a part is copied, the index accepts no writes: a document that is copied a moment after it was changed
//! would undo the change.

mod documents;
mod error;
mod missed;
mod read;
mod replay;
mod settings;
mod wait;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::{IndexUid, NodeId};
use miroir_ports::error_chain;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::error::RepairError;
use super::recovery::{recount, recover};
use crate::cluster::Cluster;

/// The pause between two rounds of repair.
const PAUSE: Duration = Duration::from_secs(1);

/// The time between two recounts of missed writes, while there are stale replicas.
const RECOUNT: Duration = Duration::from_secs(10);

/// Recovers the replica states, then repairs stale replicas until `shutdown`.
pub async fn repair_loop(cluster: Arc<Cluster>, shutdown: CancellationToken) {
    let work = async {
        recover(Arc::clone(&cluster)).await;
        let mut counted = Instant::now();
        loop {
            for (index, node) in cluster.replicas.stale() {
                repair(&cluster, &index, &node).await;
            }
            if counted.elapsed() >= RECOUNT {
                recount_all(&cluster).await;
                counted = Instant::now();
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // Every step of a repair can be repeated, so it may be cut off anywhere.
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// Recounts the missed writes of every index with a stale replica. A miss is recorded as soon as another node may have
/// the write. If it turns out that no other node has it, the record would keep the node from being a source of repair.
async fn recount_all(cluster: &Arc<Cluster>) {
    let indexes: BTreeSet<IndexUid> = cluster.replicas.stale().into_iter().map(|(index, _)| index).collect();
    for index in indexes {
        let _guard = cluster.order.lock_write(&index).await;
        if let Err(error) = recount(cluster, &index).await {
            tracing::warn!(%index, "cannot recount missed writes: {}", error_chain(&error));
        }
    }
}

async fn repair(cluster: &Arc<Cluster>, index: &IndexUid, node: &NodeId) {
    // A node that may still fail would only hold up the index's writes.
    if !cluster.nodes.is_healthy(node) {
        return;
    }
    match repair_replica(cluster, index, node).await {
        Ok(true) => tracing::info!(%index, %node, "repaired a replica"),
        Ok(false) => {}
        Err(error) => {
            let reason = error_chain(&error);
            tracing::warn!(%index, %node, "cannot repair a replica, trying again: {reason}");
        }
    }
}

/// Repairs the replica of `index` on `node`, and returns whether it is in sync now.
async fn repair_replica(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
    node: &NodeId,
) -> Result<bool, RepairError> {
    if cluster.replicas.state(index, node).settings {
        settings::repair(cluster, index, node).await?;
    }
    // Read again: a node that was given the index anew has none of its documents.
    let shards = cluster.replicas.state(index, node).stale_shards();
    if !shards.is_empty() {
        documents::repair(cluster, index, node, &shards).await?;
    }
    if cluster.replicas.is_stale(index, node) {
        return Ok(false);
    }
    // A miss is recorded in the replica states before it is stored. So if the replica is in sync after the tasks have
    // been read, all misses that were read have been repaired.
    let missed = missed::tasks(cluster, index, node).await?;
    let is_in_sync = !cluster.replicas.is_stale(index, node);
    if is_in_sync {
        missed::record_repaired(cluster, node, missed).await?;
    }
    Ok(is_in_sync)
}
