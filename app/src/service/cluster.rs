//! The cluster itself, for operators and load balancers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::error::ErrorCode;
use miroir_domain::health::NodeStatus;
use miroir_domain::{IndexUid, NodeId, Shard};
use miroir_ports::inbound::{
    ApiError, ClusterApi, GroupView, NodeView, Readiness, ShardReplicasView, ShardView, ShardsView,
    TopologyView,
};
use miroir_ports::outbound::{NodeRead, ReplicaReport, StaleReplica};
use serde_json::Value;

use super::read::read_first;
use crate::cluster::Cluster;

/// How long readiness waits for the store.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Implements [`ClusterApi`].
pub struct ClusterService {
    cluster: Arc<Cluster>,
}

impl ClusterService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    async fn store_problem(&self) -> Option<String> {
        match tokio::time::timeout(STORE_PATIENCE, self.cluster.store.store_ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(miroir_ports::error_chain(&error).to_string()),
            Err(_) => Some(format!("the task store did not answer within {} s", STORE_PATIENCE.as_secs())),
        }
    }

    fn coverage_problem(&self) -> Option<String> {
        let placement = self.cluster.placement(self.cluster.shard_count);
        let cost = |node: &NodeId| self.cluster.health.cost(node);
        let uncovered = placement.covering_set(&self.cluster.group_ids(), &cost).uncovered;
        if uncovered.is_empty() {
            return None;
        }
        let failed: Vec<&str> = self
            .cluster
            .topology
            .nodes()
            .filter(|node| self.cluster.health.status(node) == NodeStatus::Failed)
            .map(NodeId::as_str)
            .collect();
        Some(format!("shards {uncovered} are covered by no node; failed nodes: {}", failed.join(", ")))
    }
}

impl ClusterService {
    fn node_view(&self, node: &NodeId) -> Option<NodeView> {
        let seen = self.cluster.health.snapshot(node)?;
        Some(NodeView {
            id: node.clone(),
            url: self.cluster.urls.get(node).cloned().unwrap_or_default(),
            status: seen.status,
            in_flight: seen.in_flight,
            latency_us: seen.latency_us,
            last_error: seen.last_error,
            changed_at: seen.changed_at,
        })
    }
}

fn not_found(index: &IndexUid) -> ApiError {
    ApiError::refused(ErrorCode::IndexNotFound, format!("Index `{index}` not found."))
}

#[async_trait]
impl ClusterApi for ClusterService {
    async fn readiness(&self) -> Readiness {
        let reasons: Vec<String> =
            [self.store_problem().await, self.coverage_problem()].into_iter().flatten().collect();
        Readiness { ready: reasons.is_empty(), reasons }
    }

    async fn topology(&self) -> Result<TopologyView, ApiError> {
        let groups = self
            .cluster
            .topology
            .groups()
            .iter()
            .map(|group| GroupView {
                id: group.id,
                nodes: group.nodes.iter().filter_map(|node| self.node_view(node)).collect(),
            })
            .collect();
        Ok(TopologyView {
            replication_factor: self.cluster.topology.replication_factor(),
            write_quorum: self.cluster.topology.write_quorum(),
            shard_count: self.cluster.shard_count,
            groups,
        })
    }

    async fn shards(&self, index: Option<IndexUid>) -> Result<ShardsView, ApiError> {
        let shard_count = match &index {
            None => self.cluster.shard_count,
            Some(uid) => self.cluster.store.index_get(uid).await?.ok_or_else(|| not_found(uid))?.shard_count,
        };
        let placement = self.cluster.placement(shard_count);
        let replicas = |shard| {
            let of = |group| ShardReplicasView { group, nodes: placement.replicas(shard, group).to_vec() };
            self.cluster.group_ids().into_iter().map(of).collect()
        };
        let view = |shard| ShardView { shard, replicas: replicas(shard) };
        Ok(ShardsView { index, shard_count, results: (0..shard_count).map(Shard).map(view).collect() })
    }

    fn replicas(&self) -> ReplicaReport {
        let lacking = |(index, node)| StaleReplica { index, node };
        // Before the list: what is recalled in between is in it.
        let complete = self.cluster.recalled.load(Ordering::Acquire);
        ReplicaReport { complete, results: self.cluster.stale.all().into_iter().map(lacking).collect() }
    }

    async fn version(&self) -> Result<Value, ApiError> {
        let nodes = self.cluster.topology.nodes();
        read_first(&self.cluster, None, nodes, NodeRead::Version, self.cluster.timeouts.read).await
    }
}
