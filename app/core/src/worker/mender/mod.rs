//! Gives nodes that return what they missed.
//!
//! A node that was away when a write was taken lacks it, and reads avoid the node for that index. When the node is
//! back, the mender brings it what it lacks from a node that does not: the index and its settings first, then the
//! documents of each shard it missed writes to. While a part is being brought, the index takes no writes: a document
//! copied a moment after it was changed would undo the change.

mod documents;
mod missed;
mod replay;
mod settings;
mod wait;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::health::NodeStatus;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{NodeError, StoreError};
use tokio::time::Instant;

use super::recovery::{recount, recover};
use crate::cluster::Cluster;
use tokio_util::sync::CancellationToken;

/// The pause between two looks for nodes to mend.
const PAUSE: Duration = Duration::from_secs(1);

/// The time between two recounts of what nodes lack, while any lacks something.
const RECOUNT: Duration = Duration::from_secs(10);

/// Why a node could not be mended now. It stays stale and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum MendError {
    /// A node did not do its part.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else is in the way.
    #[error("{0}")]
    NotNow(String),
}

impl From<ApiError> for MendError {
    fn from(error: ApiError) -> Self {
        Self::NotNow(miroir_ports::error_chain(&error))
    }
}

/// Recalls what nodes lack, then mends until `shutdown`.
pub async fn mend_loop(cluster: Arc<Cluster>, shutdown: CancellationToken) {
    let work = async {
        recover(Arc::clone(&cluster)).await;
        let mut counted = Instant::now();
        loop {
            for (index, node) in cluster.stale.all() {
                mend(&cluster, &index, &node).await;
            }
            if counted.elapsed() >= RECOUNT {
                recount_all(&cluster).await;
                counted = Instant::now();
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // Every step of mending can be repeated, so it may be cut off anywhere.
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// A node is noted as soon as another may have what it missed. When it turns out that no other has it, the note keeps
/// the node from mending others for nothing.
async fn recount_all(cluster: &Arc<Cluster>) {
    let indexes: BTreeSet<IndexUid> = cluster.stale.all().into_iter().map(|(index, _)| index).collect();
    for index in indexes {
        let _gate = cluster.locks.write(&index).await;
        if let Err(error) = recount(cluster, &index).await {
            tracing::warn!(%index, "recounting what nodes lack: {}", error_chain(&error));
        }
    }
}

async fn mend(cluster: &Arc<Cluster>, index: &IndexUid, node: &NodeId) {
    // One that may still fail would only hold up the index's writes.
    if cluster.health.status(node) != NodeStatus::Healthy {
        return;
    }
    match mend_index(cluster, index, node).await {
        Ok(true) => tracing::info!(%index, %node, "node has what it missed"),
        Ok(false) => {}
        Err(error) => {
            let reason = error_chain(&error);
            tracing::warn!(%index, %node, "cannot bring what the node missed, trying again: {reason}");
        }
    }
}

/// True when the node lacks nothing of the index any more.
async fn mend_index(cluster: &Arc<Cluster>, index: &IndexUid, node: &NodeId) -> Result<bool, MendError> {
    let lack = cluster.stale.lack(index, node).unwrap_or_default();
    if lack.settings {
        settings::mend(cluster, index, node).await?;
    }
    // A node that had to be given the index anew lacks its documents, too.
    let lack = cluster.stale.lack(index, node).unwrap_or_default();
    if !lack.stale_shards().is_empty() {
        documents::mend(cluster, index, node, &lack.stale_shards()).await?;
    }
    if cluster.stale.is_stale(index, node) {
        return Ok(false);
    }
    // What is read here was noted before it was stored, so if nothing is noted now, all of it has been made up for.
    let missed = missed::tasks(cluster, index, node).await?;
    let is_whole = !cluster.stale.is_stale(index, node);
    if is_whole {
        missed::made_up(cluster, node, missed).await?;
    }
    Ok(is_whole)
}
