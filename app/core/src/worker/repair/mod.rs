//! Repair of stale replicas.
//!
//! A node that was away during a write is stale for that index, and reads avoid it. When the node is
//! healthy again, repair copies from a replica in sync: first the index and its settings, then the
//! documents of each shard with missed writes. While a part is copied, the index accepts no writes: a
//! document that is copied a moment after it was changed would undo the change.

mod documents;
mod error;
mod read;
mod replay;
mod settings;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::{IndexUid, NodeId};
use miroir_ports::error_chain;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::error::RepairError;
use super::recovery::{record_progress, recover};
use crate::cluster::Cluster;

/// The pause between two rounds of repair.
const PAUSE: Duration = Duration::from_secs(1);

/// The time between two records of the progress of a term.
const PROGRESS: Duration = Duration::from_mins(1);

/// Recovers the replica states in the leader's term of this number, then repairs stale replicas until
/// `shutdown`.
pub async fn repair_loop(cluster: Arc<Cluster>, term: u64, shutdown: CancellationToken) {
    let work = async {
        recover(Arc::clone(&cluster), term).await;
        let mut recorded = Instant::now();
        loop {
            for (index, node) in cluster.replicas.stale() {
                repair(&cluster, &index, &node).await;
            }
            if recorded.elapsed() >= PROGRESS {
                recorded = Instant::now();
                if let Err(error) = record_progress(&cluster, term).await {
                    tracing::debug!("cannot record the progress of the term: {}", error_chain(&error));
                }
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
    if !cluster.replicas.state(index, node).has_settings() {
        settings::repair(cluster, index, node).await?;
    }
    // Read again: a node that was given the index anew has none of its documents.
    let shards = cluster.replicas.state(index, node).shard_set();
    if !shards.is_empty() {
        documents::repair(cluster, index, node, &shards).await?;
    }
    Ok(!cluster.replicas.is_stale(index, node))
}
