//! Nodes that do not have an index of the registry.
//!
//! The registry decides whether an index exists. A node that says otherwise was emptied, or has not carried
//! out the creation of the index yet. Its 404 is not the response to a client while another node has the
//! index.

use miroir_domain::NodeId;
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_domain::index::IndexEntry;
use miroir_domain::replica::Difference;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{NodeError, NodeRead, StoreError};

use super::refusal::refused;
use crate::cluster::Cluster;
use crate::task::unfinished_of_index;

const NOT_FOUND: u16 = 404;

/// Nodes that said that they do not have the index.
#[derive(Debug, Default)]
pub struct Absent {
    nodes: Vec<NodeId>,
    refusal: Option<ResponseError>,
}

impl Absent {
    /// Takes `error` over if the node says that it does not have the index. Returns whether it did.
    pub fn observe(&mut self, error: &NodeError) -> bool {
        let NodeError::Refused { node, status: NOT_FOUND, error } = error else { return false };
        if error.code != ErrorCode::IndexNotFound.as_str() {
            return false;
        }
        self.nodes.push(node.clone());
        self.refusal = Some(error.clone());
        true
    }

    /// Marks the nodes, whose replicas are missing if the index exists and no write to it is on its way.
    /// Only the leader does that.
    pub async fn mark(&self, cluster: &Cluster, read: &IndexEntry) -> Result<(), StoreError> {
        if self.nodes.is_empty() || !cluster.replicas.is_recovered() {
            return Ok(());
        }
        let Some(entry) = current(cluster, read).await? else { return Ok(()) };
        if has_unfinished(cluster, &entry).await? {
            return Ok(());
        }
        let index = &entry.physical_uid;
        let placement = cluster.placements.of(entry.shard_count);
        for node in &self.nodes {
            if cluster.replicas.is_stale(index, node) || !is_still_absent(cluster, &entry, node).await? {
                continue;
            }
            let shards = placement.shards_of(node).clone();
            let difference = Difference { shards, settings: true, index: true };
            cluster.replicas.differs(index, node, difference, "the node does not have the index").await?;
            tracing::warn!(%index, %node, "a node does not have an index that it should have: repairing it");
        }
        Ok(())
    }

    /// Returns the response to a client if no other node responded: the node's refusal if the index is gone
    /// or its creation is on its way, as on one server, or else `None`.
    pub async fn refusal(
        &self,
        cluster: &Cluster,
        read: &IndexEntry,
    ) -> Result<Option<ApiError>, StoreError> {
        let Some(refusal) = &self.refusal else { return Ok(None) };
        let is_gone = current(cluster, read).await?.is_none();
        if is_gone || has_unfinished(cluster, read).await? {
            return Ok(Some(refused(read, NOT_FOUND, refusal.clone())));
        }
        Ok(None)
    }
}

/// Returns whether the node still does not have the index, and no write to the index began meanwhile. The
/// response that said so may be older than the end of the creation: a node that has the index by now must not
/// be taken for one that lacks it, or its replica would be no source for others. The creation may be on the
/// node although its task has ended: without a quorum, a task does not wait for its nodes.
async fn is_still_absent(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<bool, StoreError> {
    let Ok(tasks) = cluster.nodes.tasks_since(node, &entry.physical_uid, entry.created_at).await else {
        return Ok(false);
    };
    if tasks.iter().any(|task| !task.status.is_finished()) {
        return Ok(false);
    }
    let read = NodeRead::Index(entry.physical_uid.clone());
    let Err(error) = cluster.nodes.read(node, read).await else { return Ok(false) };
    if !Absent::default().observe(&error) {
        return Ok(false);
    }
    let is_same = current(cluster, entry).await?.is_some_and(|found| found.created_at == entry.created_at);
    Ok(is_same && !has_unfinished(cluster, entry).await?)
}

/// Returns the entry of an index as it is now, or `None` if the index is gone, also if another one has its
/// name.
async fn current(cluster: &Cluster, read: &IndexEntry) -> Result<Option<IndexEntry>, StoreError> {
    let entry = cluster.registry.find(&read.uid).await?;
    Ok(entry.filter(|entry| entry.physical_uid == read.physical_uid))
}

async fn has_unfinished(cluster: &Cluster, entry: &IndexEntry) -> Result<bool, StoreError> {
    Ok(cluster.store.task_list(&unfinished_of_index(&entry.uid)).await?.total > 0)
}
