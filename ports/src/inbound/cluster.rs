//! The cluster itself: is it ready, what is it made of.

use async_trait::async_trait;
use miroir_domain::health::NodeStatus;
use miroir_domain::{GroupId, IndexUid, NodeId, Shard, Timestamp};
use serde::Serialize;

use super::ApiError;
use crate::outbound::ReplicaReport;

/// Whether requests can be served, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// True when the store answers and every shard is covered.
    pub ready: bool,
    /// One sentence per reason that it is not.
    pub reasons: Vec<String>,
}

/// What the cluster is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologyView {
    /// Copies of a shard inside one group.
    pub replication_factor: u32,
    /// Acknowledgements inside one group that make a shard written.
    pub write_quorum: u32,
    /// Shards of an index created now.
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
    /// Where it listens.
    pub url: String,
    /// How far it is trusted.
    pub status: NodeStatus,
    /// Requests on their way to it now.
    pub in_flight: u64,
    /// A moving average of its answer time, in microseconds; none before its first answer.
    pub latency_us: Option<u64>,
    /// Why the last bad outcome was bad.
    pub last_error: Option<String>,
    /// When the status last changed; none when it never did.
    pub changed_at: Option<Timestamp>,
}

/// Where the shards of an index live, or would live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardsView {
    /// The index; none for one that is created now.
    pub index: Option<IndexUid>,
    /// How many shards it has.
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
    /// The nodes that keep it, the one that ranks highest for it first.
    pub nodes: Vec<NodeId>,
}

/// The cluster.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ClusterApi: Send + Sync + 'static {
    /// Whether requests can be served.
    async fn readiness(&self) -> Readiness;

    /// Nodes, groups and their health.
    async fn topology(&self) -> Result<TopologyView, ApiError>;

    /// Where the shards of `index` live; without one, of an index that is created now.
    async fn shards(&self, index: Option<IndexUid>) -> Result<ShardsView, ApiError>;

    /// Returns the stale replicas that this instance knows of by itself.
    fn replicas(&self) -> ReplicaReport;

    /// Meilisearch's `GET /version`, from a node: `{commitSha, commitDate, pkgVersion}`.
    async fn version(&self) -> Result<serde_json::Value, ApiError>;
}
