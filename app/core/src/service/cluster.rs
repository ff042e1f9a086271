//! The state of the cluster, for operators and load balancers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::topology::ReplicaGroup;
use miroir_domain::{IndexUid, NodeId, Shard};
use miroir_ports::error_chain;
use miroir_ports::inbound::{
    ApiError, ClusterApi, GroupView, Readiness, ShardReplicasView, ShardView, ShardsView, TopologyView,
};
use miroir_ports::outbound::{NodeRead, ReplicaReport, StaleReplica};
use serde_json::Value;

use crate::cluster::{ActiveCluster, Cluster};
use crate::read::read_first;

/// The time that readiness waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Implements [`ClusterApi`].
pub struct ClusterService {
    cluster: Arc<ActiveCluster>,
}

impl ClusterService {
    /// Creates a service over the active cluster.
    pub fn new(cluster: Arc<ActiveCluster>) -> Self {
        Self { cluster }
    }
}

#[async_trait]
impl ClusterApi for ClusterService {
    async fn readiness(&self) -> Readiness {
        let cluster = self.cluster.reader();
        let reasons: Vec<String> =
            [store_problem(&cluster).await, coverage_problem(&cluster)].into_iter().flatten().collect();
        Readiness { ready: reasons.is_empty(), reasons }
    }

    async fn topology(&self) -> Result<TopologyView, ApiError> {
        let cluster = self.cluster.reader();
        let view = |group: &ReplicaGroup| GroupView {
            id: group.id,
            nodes: group.nodes.iter().filter_map(|node| cluster.nodes.view(node)).collect(),
        };
        Ok(TopologyView {
            replication_factor: cluster.placements.topology().replication_factor(),
            write_quorum: cluster.placements.topology().write_quorum(),
            shard_count: cluster.placements.default_shard_count(),
            groups: cluster.placements.topology().groups().iter().map(view).collect(),
        })
    }

    async fn shards(&self, index: Option<IndexUid>) -> Result<ShardsView, ApiError> {
        let cluster = self.cluster.reader();
        let shard_count = match &index {
            None => cluster.placements.default_shard_count(),
            Some(uid) => cluster.registry.require(uid).await?.shard_count,
        };
        let placement = cluster.placements.of(shard_count);
        let replicas = |shard| {
            let of = |group| ShardReplicasView { group, nodes: placement.replicas(shard, group).to_vec() };
            cluster.placements.group_ids().into_iter().map(of).collect()
        };
        let view = |shard| ShardView { shard, replicas: replicas(shard) };
        Ok(ShardsView { index, shard_count, results: (0..shard_count).map(Shard).map(view).collect() })
    }

    fn replicas(&self) -> ReplicaReport {
        let cluster = self.cluster.reader();
        // Read before the list: a state that is recovered in between is in the list.
        let complete = cluster.replicas.is_recovered();
        ReplicaReport {
            complete,
            results: cluster.replicas.rows().into_iter().map(StaleReplica::of).collect(),
        }
    }

    async fn version(&self) -> Result<Value, ApiError> {
        let cluster = self.cluster.reader();
        let nodes = cluster.placements.topology().nodes();
        Ok(read_first(&cluster, None, nodes, NodeRead::Version).await?.1)
    }
}

/// Returns the reason for which the store is not ready.
async fn store_problem(cluster: &Cluster) -> Option<String> {
    match tokio::time::timeout(STORE_TIMEOUT, cluster.store.store_ping()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error_chain(&error)),
        Err(_) => Some(format!("the task store did not respond within {} s", STORE_TIMEOUT.as_secs())),
    }
}

/// Returns the shards that no usable node has, as a reason.
fn coverage_problem(cluster: &Cluster) -> Option<String> {
    let placement = cluster.placements.of(cluster.placements.default_shard_count());
    let cost = |node: &NodeId| cluster.nodes.cost(node);
    let uncovered = placement.covering_set(&cluster.placements.group_ids(), &cost).uncovered;
    if uncovered.is_empty() {
        return None;
    }
    let problems: Vec<String> =
        cluster.placements.topology().nodes().filter_map(|node| node_problem(cluster, node)).collect();
    Some(format!("shards {uncovered} are covered by no node: {}", problems.join("; ")))
}

/// Returns the status of a node that is not usable, with the reason.
fn node_problem(cluster: &Cluster, node: &NodeId) -> Option<String> {
    let view = cluster.nodes.view(node).filter(|view| !view.status.is_usable())?;
    let reason = view.last_error.unwrap_or_else(|| "it has not responded yet".to_owned());
    Some(format!("node `{node}` is {} ({reason})", view.status.as_str()))
}
