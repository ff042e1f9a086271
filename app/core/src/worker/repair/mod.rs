//! Repair of stale replicas.
//!
//! A node that was away during a write is stale for that index, and reads avoid it. When the node is
//! healthy again, repair gives it first the index with its committed settings, and then, from a replica in
//! sync, the documents of each shard with missed writes. While a part is copied, the index accepts no
//! writes: a document that is copied a moment after it was changed would undo the change.

mod attempt;
mod committed;
mod documents;
mod error;
mod read;
mod settings;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::{IndexUid, NodeId};
use miroir_ports::error_chain;
use miroir_ports::outbound::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::attempt::Attempts;
use self::committed::Unfilled;
use self::error::RepairError;
use super::recovery::{record_progress, recover};
use crate::cluster::Cluster;

/// The pause between two rounds of repair.
const PAUSE: Duration = Duration::from_secs(1);

/// The time for which instances with a former topology may still read from nodes that it names: they must be
/// started again with the accepted one within this time.
const FORMER_TOPOLOGY: Duration = Duration::from_hours(1);

/// The time between two records of the progress of a term.
const PROGRESS: Duration = Duration::from_mins(1);

/// Recovers the replica states in the leader's term of this number, then repairs stale replicas until
/// `shutdown`.
pub async fn repair_loop(cluster: Arc<Cluster>, term: u64, shutdown: CancellationToken) {
    let work = async {
        recover(Arc::clone(&cluster), term).await;
        let mut recorded = Instant::now();
        let mut attempts = Attempts::default();
        let mut unfilled = Unfilled::default();
        loop {
            unfilled.round(&cluster).await;
            let stale = cluster.replicas.stale();
            attempts.retain(&stale);
            for (index, node) in stale {
                repair(&cluster, term, &index, &node, &mut attempts).await;
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

async fn repair(cluster: &Arc<Cluster>, term: u64, index: &IndexUid, node: &NodeId, attempts: &mut Attempts) {
    let is_former_over = is_former_topology_over(cluster, term, index, node);
    if cluster.placements.topology().group_of(node).is_none() {
        if let (true, Err(error)) = (is_former_over, forget(cluster, index, node).await) {
            tracing::debug!(%index, %node, "cannot forget a node that has left: {}", error_chain(&error));
        }
        return;
    }
    // A node that may still fail would only hold up the index's writes.
    if !cluster.nodes.is_healthy(node) || !attempts.is_due(index, node) {
        return;
    }
    match repair_replica(cluster, index, node, is_former_over).await {
        Ok(true) => tracing::info!(%index, %node, "repaired a replica"),
        Ok(false) => {}
        Err(error) => attempts.fail(index, node, error_chain(&error)),
    }
}

/// Returns whether no instance has a topology any more in which the node keeps more shards than now. In
/// term 0 there are no other instances.
fn is_former_topology_over(cluster: &Cluster, term: u64, index: &IndexUid, node: &NodeId) -> bool {
    let age = cluster.replicas.since(index, node).map(|since| cluster.clock.now().since(since));
    term == 0 || age.is_some_and(|age| age >= FORMER_TOPOLOGY)
}

/// Removes the row of a node that has left.
async fn forget(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<(), StoreError> {
    let seen = cluster.replicas.see(index, node).await?;
    cluster.replicas.repaired(&seen).await
}

/// Repairs the replica of `index` on `node`, and returns whether it is in sync now. Documents of shards that
/// the node does not keep any more are removed if `is_former_over`.
async fn repair_replica(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
    node: &NodeId,
    is_former_over: bool,
) -> Result<bool, RepairError> {
    if !cluster.replicas.state(index, node).has_settings() {
        settings::repair(cluster, index, node).await?;
    }
    // Read again: a node that was given the index anew has none of its documents.
    let shards = cluster.replicas.state(index, node).shard_set();
    if !shards.is_empty() {
        documents::repair(cluster, index, node, &shards, is_former_over).await?;
    }
    Ok(!cluster.replicas.is_stale(index, node))
}
