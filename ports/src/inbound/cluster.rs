//! Use cases of the cluster itself: its readiness, its nodes and its replicas.

use async_trait::async_trait;
use miroir_domain::health::NodeStatus;
use miroir_domain::identity::Incarnation;
use miroir_domain::{GroupId, IndexUid, NodeId, PhysicalUid, Shard, Timestamp};
use serde::Serialize;

use super::ApiError;
use crate::outbound::ReplicaReport;

/// The kind of requests for which an instance is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reads. They continue for some time while the task store is away.
    Reads,
    /// Writes.
    Writes,
}

/// The readiness for requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// True if every shard is covered, and the store responds or reads can do without it.
    pub ready: bool,
    /// One sentence for each reason against it.
    pub reasons: Vec<String>,
}

/// The nodes and groups of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologyView {
    /// The number of copies of a shard inside one group.
    pub replication_factor: u32,
    /// The number of acknowledgements inside one group that make a shard written.
    pub write_quorum: u32,
    /// The number of shards of a new index.
    pub shard_count: u32,
    /// The replica groups.
    pub groups: Vec<GroupView>,
}

/// One replica group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// Its number.
    pub id: GroupId,
    /// Its nodes.
    pub nodes: Vec<NodeView>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// Its name.
    pub id: NodeId,
    /// The URL at which it listens.
    pub url: String,
    /// Its health.
    pub status: NodeStatus,
    /// The number of requests in progress.
    pub in_flight: u64,
    /// A moving average of its response time, in microseconds. `None` before its first response.
    pub latency_us: Option<u64>,
    /// The error of the last failure.
    pub last_error: Option<String>,
    /// The instant of the last change of status, if there was one.
    pub changed_at: Option<Timestamp>,
    /// The version of the server, as of the last check to which it responded.
    pub version: Option<String>,
    /// The incarnation of the data that the node is known to have.
    pub incarnation: Option<Incarnation>,
}

/// The nodes of each shard of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardsView {
    /// The index. `None` for a new one.
    pub index: Option<IndexUid>,
    /// The uid under which the nodes keep the index. It is the name for the first index of most names.
    pub physical_uid: Option<PhysicalUid>,
    /// The number of its shards.
    pub shard_count: u32,
    /// Every shard, by number.
    pub results: Vec<ShardView>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardView {
    /// Its number.
    pub shard: Shard,
    /// Its copies, group by group.
    pub replicas: Vec<ShardReplicasView>,
}

/// The copies of a shard in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardReplicasView {
    /// The group.
    pub group: GroupId,
    /// The nodes that keep it, best score first.
    pub nodes: Vec<NodeId>,
}

/// The cluster.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ClusterApi: Send + Sync + 'static {
    /// Returns whether requests of this kind can be served.
    async fn readiness(&self, purpose: Purpose) -> Readiness;

    /// Returns the nodes, the groups and their health.
    async fn topology(&self) -> Result<TopologyView, ApiError>;

    /// Returns the nodes of each shard of `index`, or of a new index if it is `None`.
    async fn shards(&self, index: Option<IndexUid>) -> Result<ShardsView, ApiError>;

    /// Accepts the data of a node: of one that was refused because its data is unknown, or of the replicas
    /// for which there is no other source. Everything that another node has is repaired from there. Returns
    /// the node.
    ///
    /// # Errors
    ///
    /// Refuses a node that is not of the cluster with 404 `miroir_node_not_found`, one whose data belongs to
    /// another node or cluster with 409 `miroir_node_conflict`, and one that does not respond with 503
    /// `miroir_node_unavailable`.
    async fn node_adopt(&self, node: &NodeId) -> Result<NodeView, ApiError>;

    /// Deletes all indexes of a node whose data is unknown, and takes the node in. Returns the node.
    ///
    /// # Errors
    ///
    /// As [`ClusterApi::node_adopt`]. A node whose data is known is refused with 409 `miroir_node_conflict`.
    async fn node_reset(&self, node: &NodeId) -> Result<NodeView, ApiError>;

    /// Returns the stale replicas that this instance knows of by itself.
    fn replicas(&self) -> ReplicaReport;

    /// Returns Meilisearch's `GET /version`, from a node: `{commitSha, commitDate, pkgVersion}`.
    async fn version(&self) -> Result<serde_json::Value, ApiError>;
}
