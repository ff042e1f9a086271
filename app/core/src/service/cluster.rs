//! The cluster itself, for operators and load balancers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::health::NodeStatus;
use miroir_domain::topology::ReplicaGroup;
use miroir_domain::{IndexUid, NodeId, Shard};
use miroir_ports::inbound::{
    ApiError, ClusterApi, GroupView, Readiness, ShardReplicasView, ShardView, ShardsView, TopologyView,
};
use miroir_ports::outbound::{NodeRead, ReplicaReport, StaleReplica};
use serde_json::Value;

use crate::cluster::{ActiveCluster, Cluster};
use crate::read::read_first;

/// How long readiness waits for the store.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Implements [`ClusterApi`].
pub struct ClusterService {
    cluster: Arc<ActiveCluster>,
}

impl ClusterService {
    /// Makes a service over the cluster in use.
    pub fn new(cluster: Arc<ActiveCluster>) -> Self {
        Self { cluster }
    }
}

#[async_trait]
impl ClusterApi for ClusterService {
    async fn readiness(&self) -> Readiness {
        let cluster = self.cluster.current();
        let reasons: Vec<String> =
            [store_problem(&cluster).await, coverage_problem(&cluster)].into_iter().flatten().collect();
        Readiness { ready: reasons.is_empty(), reasons }
    }

    async fn topology(&self) -> Result<TopologyView, ApiError> {
        let cluster = self.cluster.current();
        let view = |group: &ReplicaGroup| GroupView {
            id: group.id,
            nodes: group.nodes.iter().filter_map(|node| cluster.node_view(node)).collect(),
        };
        Ok(TopologyView {
            replication_factor: cluster.topology.replication_factor(),
            write_quorum: cluster.topology.write_quorum(),
            shard_count: cluster.shard_count,
            groups: cluster.topology.groups().iter().map(view).collect(),
        })
    }

    async fn shards(&self, index: Option<IndexUid>) -> Result<ShardsView, ApiError> {
        let cluster = self.cluster.current();
        let shard_count = match &index {
            None => cluster.shard_count,
            Some(uid) => cluster.known_index(uid).await?.shard_count,
        };
        let placement = cluster.placement(shard_count);
        let replicas = |shard| {
            let of = |group| ShardReplicasView { group, nodes: placement.replicas(shard, group).to_vec() };
            cluster.group_ids().into_iter().map(of).collect()
        };
        let view = |shard| ShardView { shard, replicas: replicas(shard) };
        Ok(ShardsView { index, shard_count, results: (0..shard_count).map(Shard).map(view).collect() })
    }

    fn replicas(&self) -> ReplicaReport {
        let cluster = self.cluster.current();
        // Read before the list: a state that is recovered in between is in the list.
        let complete = cluster.recalled.load(Ordering::Acquire);
        let stale = |(index, node)| StaleReplica { index, node };
        ReplicaReport { complete, results: cluster.stale.all().into_iter().map(stale).collect() }
    }

    async fn version(&self) -> Result<Value, ApiError> {
        let cluster = self.cluster.current();
        let nodes = cluster.topology.nodes();
        read_first(&cluster, None, nodes, NodeRead::Version, cluster.timeouts.read).await
    }
}

async fn store_problem(cluster: &Cluster) -> Option<String> {
    match tokio::time::timeout(STORE_PATIENCE, cluster.store.store_ping()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the task store did not answer within {} s", STORE_PATIENCE.as_secs())),
    }
}

fn coverage_problem(cluster: &Cluster) -> Option<String> {
    let placement = cluster.placement(cluster.shard_count);
    let cost = |node: &NodeId| cluster.health.cost(node);
    let uncovered = placement.covering_set(&cluster.group_ids(), &cost).uncovered;
    if uncovered.is_empty() {
        return None;
    }
    let is_failed = |node: &&NodeId| cluster.health.status(node) == NodeStatus::Failed;
    let failed: Vec<&str> = cluster.topology.nodes().filter(is_failed).map(NodeId::as_str).collect();
    Some(format!("shards {uncovered} are covered by no node; failed nodes: {}", failed.join(", ")))
}
