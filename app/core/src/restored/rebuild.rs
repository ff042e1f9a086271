//! Makes a lost task store anew from the nodes.

use futures_util::future::join_all;
use miroir_domain::document::foreign_filter;
use miroir_domain::identity::{
    AcceptedTopology, ClusterId, ClusterRow, NodeMarker, NodeRow, Refusal, SupportedVersions,
};
use miroir_domain::index::IndexEntry;
use miroir_domain::row::FIRST_EPOCH;
use miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{Create, NodeError, NodeRead, StoreError};
use serde_json::{Map, Value, json};

use super::error::ExamineError;
use super::examine::TIMEOUT;
use super::index::{entry_from, indexes_on, made_by_miroir, newest_of_each_name, note_deleted};
use super::renew::{MARGIN, suspect_all};
use crate::cluster::Cluster;
use crate::identity::{NodeChecker, StoreIdentity};

/// The outcome of [`rebuild`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The cluster to which the data on the nodes belongs.
    pub cluster: ClusterId,
    /// The epoch that has begun.
    pub epoch: u64,
    /// The indexes that were found on the nodes, by name.
    pub indexes: Vec<IndexUid>,
}

/// The reason for which a store is not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The store was not lost.
    #[error("the store has the identity of cluster {0}, so it was not lost: there is nothing to rebuild")]
    NotLost(ClusterId),
    /// A node does not respond.
    #[error("every node must respond, because the store is made from what they have: {0}")]
    NodeAway(#[source] NodeError),
    /// No node has a marker.
    #[error(
        "no node has the marker of a cluster, so there is nothing to rebuild: start Miroir, which makes a new store"
    )]
    NoMarker,
    /// The nodes belong to several clusters, or were exchanged.
    #[error("node `{node}` has the data of node `{}` of cluster {}: correct `nodes` in the configuration", .marker.node, .marker.cluster)]
    OtherData {
        /// The node of the configuration.
        node: NodeId,
        /// The marker that it has.
        marker: NodeMarker,
    },
    /// A node must not be used.
    #[error("node `{0}` cannot be used: {1}")]
    Unusable(NodeId, Refusal),
    /// The documents are not where the configured topology has them.
    #[error(
        "node `{node}` has documents of index `{index}` which the configured topology keeps elsewhere: restore the nodes, \
         groups and replication factor with which Miroir ran last"
    )]
    OtherTopology {
        /// The index.
        index: IndexUid,
        /// The node.
        node: NodeId,
    },
    /// A node or the store failed.
    #[error(transparent)]
    Failed(#[from] ExamineError),
}

impl From<StoreError> for RebuildError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NodeError> for RebuildError {
    fn from(error: NodeError) -> Self {
        Self::Failed(error.into())
    }
}

/// Makes the registry and the identity of a lost store from what the nodes have, or only looks at them if
/// `is_dry`. The store of `cluster` is not guarded, and `topology` is that of the configuration.
///
/// The identity is stored last. Until then the store is refused as lost, and a call that was interrupted can
/// be repeated.
pub async fn rebuild(
    cluster: &Cluster,
    checker: &NodeChecker,
    topology: &AcceptedTopology,
    is_dry: bool,
) -> Result<Rebuilt, RebuildError> {
    if let Some(row) = cluster.store.cluster_get().await? {
        return Err(RebuildError::NotLost(row.id));
    }
    let rows = known_nodes(cluster, checker).await?;
    let Some((id, _)) = rows.first() else { return Err(RebuildError::NoMarker) };
    let now = cluster.clock.now();
    let row = ClusterRow { id: id.clone(), epoch: FIRST_EPOCH, topology: topology.clone(), version: 1 };
    let row = row.in_new_epoch(now);
    let rows: Vec<NodeRow> = rows.into_iter().map(|(_, row)| row).collect();
    // From here on the checker admits connections to the nodes.
    checker.identity().replace(StoreIdentity::Known(row.clone()), rows.clone());
    for outcome in join_all(checker.nodes().map(|node| checker.check(node))).await {
        outcome.map_err(RebuildError::NodeAway)?;
    }
    let Found { entries, deleted } = find_indexes(cluster, checker).await?;
    let newest = newest_write(checker).await?;
    let rebuilt = Rebuilt {
        cluster: row.id.clone(),
        epoch: row.epoch,
        indexes: entries.iter().map(|entry| entry.uid.clone()).collect(),
    };
    if is_dry {
        return Ok(rebuilt);
    }
    for entry in &entries {
        // One is there already if an earlier call was interrupted.
        cluster.store.index_create(entry).await?;
    }
    for (index, nodes) in &deleted {
        note_deleted(cluster, index, nodes).await?;
    }
    suspect_all(cluster).await?;
    let next = newest.map_or(0, |uid| uid.0.saturating_add(MARGIN));
    cluster.store.task_skip_to(TaskUid(next)).await?;
    for node in &rows {
        cluster.store.node_put(node).await?;
    }
    match cluster.store.cluster_create(&row).await? {
        Create::Created => Ok(rebuilt),
        Create::Exists => Err(ExamineError::Conflict.into()),
    }
}

/// Returns the row of each node that has a marker, with the cluster that the marker names: the same for all.
async fn known_nodes(
    cluster: &Cluster,
    checker: &NodeChecker,
) -> Result<Vec<(ClusterId, NodeRow)>, RebuildError> {
    let mut rows: Vec<(ClusterId, NodeRow)> = Vec::new();
    for node in checker.nodes() {
        let inspected = checker.inspector().node_inspect(node, None, TIMEOUT).await;
        let facts = inspected.map_err(RebuildError::NodeAway)?;
        if !SupportedVersions::THIS.contain(&facts.version) {
            return Err(RebuildError::Unusable(node.clone(), Refusal::Version(facts.version)));
        }
        let Some(text) = facts.marker else { continue };
        let marker: NodeMarker = text
            .parse()
            .map_err(|_| RebuildError::Unusable(node.clone(), Refusal::InvalidMarker(text.clone())))?;
        let is_other = rows.first().is_some_and(|(id, _)| *id != marker.cluster);
        if is_other || marker.node != *node {
            return Err(RebuildError::OtherData { node: node.clone(), marker });
        }
        let row = NodeRow {
            node: node.clone(),
            incarnation: Some(marker.incarnation),
            newest_task: facts.newest_task,
            updated_at: cluster.clock.now(),
        };
        rows.push((marker.cluster, row));
    }
    Ok(rows)
}

/// The indexes on the nodes.
struct Found {
    /// The entries of those that exist.
    entries: Vec<IndexEntry>,
    /// Those that were deleted and made anew, with the nodes that missed it.
    deleted: Vec<(PhysicalUid, Vec<NodeId>)>,
}

/// Returns the indexes on the nodes. Refuses a topology with which documents would not be found.
async fn find_indexes(cluster: &Cluster, checker: &NodeChecker) -> Result<Found, RebuildError> {
    let nodes: Vec<NodeId> = checker.nodes().cloned().collect();
    let (mut entries, mut deleted) = (Vec::new(), Vec::new());
    let found = made_by_miroir(cluster, indexes_on(checker, &nodes).await?).await?;
    let newest = newest_of_each_name(found.keys());
    for (index, nodes) in &found {
        if newest.get(&index.name()) != Some(&index) {
            deleted.push((index.clone(), nodes.clone()));
            continue;
        }
        let Some(entry) = entry_from(cluster, index, nodes).await? else { continue };
        for node in nodes {
            if has_foreign(cluster, &entry, node).await? {
                return Err(RebuildError::OtherTopology { index: entry.uid, node: node.clone() });
            }
        }
        entries.push(entry);
    }
    Ok(Found { entries, deleted })
}

/// Returns whether a node has documents of shards that it does not keep.
async fn has_foreign(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<bool, NodeError> {
    let placement = cluster.placements.of(entry.shard_count);
    let body = json!({ "limit": 0, "filter": foreign_filter(placement.shards_of(node)) });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let page = cluster.nodes.read(node, NodeRead::Documents(entry.physical_uid.clone(), body)).await?;
    Ok(page.get("total").and_then(Value::as_u64).unwrap_or(0) > 0)
}

async fn newest_write(checker: &NodeChecker) -> Result<Option<TaskUid>, NodeError> {
    let mut newest = None;
    for node in checker.nodes() {
        newest = newest.max(checker.inspector().node_newest_write(node, TIMEOUT).await?);
    }
    Ok(newest)
}
