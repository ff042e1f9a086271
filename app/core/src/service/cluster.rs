//! The state of the cluster, for operators and load balancers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::coverage::Coverage;
use miroir_domain::error::ErrorCode;
use miroir_domain::replica::ReplicaRow;
use miroir_domain::topology::ReplicaGroup;
use miroir_domain::{IndexUid, NodeId, Shard};
use miroir_ports::error_chain;
use miroir_ports::inbound::{
    ApiError, ClusterApi, GroupView, NodeView, Purpose, Readiness, ShardReplicasView, ShardView, ShardsView,
    StalenessApi, TopologyView,
};
use miroir_ports::outbound::{Ids, NodeRead, ReplicaReport, StaleReplica};
use serde_json::Value;

use crate::admission::{adopt, reset};
use crate::cluster::{ActiveCluster, Cluster};
use crate::identity::NodeChecker;
use crate::read::read_first;

/// The time that readiness waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Implements [`ClusterApi`].
pub struct ClusterService {
    cluster: Arc<ActiveCluster>,
    checker: Arc<NodeChecker>,
    staleness: Arc<dyn StalenessApi>,
    ids: Arc<dyn Ids>,
}

impl ClusterService {
    /// Creates a service over the active cluster, whose nodes `checker` checks. `staleness` is that of reads.
    pub fn new(
        cluster: Arc<ActiveCluster>,
        checker: Arc<NodeChecker>,
        staleness: Arc<dyn StalenessApi>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { cluster, checker, staleness, ids }
    }

    fn view(&self, cluster: &Cluster, node: &NodeId) -> Option<NodeView> {
        Some(NodeView {
            version: self.checker.finding(node).map(|finding| finding.facts.version),
            incarnation: self.checker.identity().node(node).and_then(|row| row.incarnation),
            ..cluster.nodes.view(node)?
        })
    }

    fn required_view(&self, cluster: &Cluster, node: &NodeId) -> Result<NodeView, ApiError> {
        self.view(cluster, node).ok_or_else(|| {
            ApiError::refused(ErrorCode::MiroirNodeNotFound, format!("Node `{node}` is not of the cluster."))
        })
    }
}

#[async_trait]
impl ClusterApi for ClusterService {
    async fn readiness(&self, purpose: Purpose) -> Readiness {
        let cluster = self.cluster.reader();
        let (store, nodes) = match purpose {
            Purpose::Reads if self.staleness.registry_age(u64::MAX).is_some() => {
                (None, coverage_problem(&cluster))
            }
            Purpose::Reads => (store_problem(&cluster).await, coverage_problem(&cluster)),
            Purpose::Writes => (store_problem(&cluster).await, quorum_problem(&cluster)),
        };
        let reasons: Vec<String> = [store, nodes].into_iter().flatten().collect();
        Readiness { ready: reasons.is_empty(), reasons }
    }

    async fn topology(&self) -> Result<TopologyView, ApiError> {
        let cluster = self.cluster.reader();
        let view = |group: &ReplicaGroup| GroupView {
            id: group.id,
            nodes: group.nodes.iter().filter_map(|node| self.view(&cluster, node)).collect(),
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
        let entry = match &index {
            Some(name) => Some(cluster.registry.require(name).await?),
            None => None,
        };
        let shard_count =
            entry.as_ref().map_or(cluster.placements.default_shard_count(), |entry| entry.shard_count);
        let placement = cluster.placements.of(shard_count);
        let replicas = |shard| {
            let of = |group| ShardReplicasView { group, nodes: placement.replicas(shard, group).to_vec() };
            cluster.placements.group_ids().into_iter().map(of).collect()
        };
        let view = |shard| ShardView { shard, replicas: replicas(shard) };
        let results = (0..shard_count).map(Shard).map(view).collect();
        Ok(ShardsView { index, physical_uid: entry.map(|entry| entry.physical_uid), shard_count, results })
    }

    async fn node_adopt(&self, node: &NodeId) -> Result<NodeView, ApiError> {
        let cluster = self.cluster.writer()?;
        adopt(&cluster, &self.checker, self.ids.as_ref(), node).await?;
        self.required_view(&cluster, node)
    }

    async fn node_reset(&self, node: &NodeId) -> Result<NodeView, ApiError> {
        let cluster = self.cluster.writer()?;
        reset(&cluster, &self.checker, self.ids.as_ref(), node).await?;
        self.required_view(&cluster, node)
    }

    fn replicas(&self) -> ReplicaReport {
        let cluster = self.cluster.reader();
        // Read before the list: a state that is recovered in between is in the list.
        let complete = cluster.replicas.is_recovered();
        let report = |row: ReplicaRow| {
            let repair = cluster.repairs.progress(&row.index, &row.node, row.state.shards.len());
            StaleReplica { repair, ..StaleReplica::of(row) }
        };
        ReplicaReport { complete, results: cluster.replicas.rows().into_iter().map(report).collect() }
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

/// Returns the shards to which no write can succeed, as a reason.
fn quorum_problem(cluster: &Cluster) -> Option<String> {
    let placement = cluster.placements.of(cluster.placements.default_shard_count());
    let topology = cluster.placements.topology();
    let coverage = Coverage::of(topology, &placement, |node| cluster.nodes.is_usable(node));
    if topology.nodes().next().is_some() && coverage.unwritable == 0 {
        return None;
    }
    let problems: Vec<String> = topology.nodes().filter_map(|node| node_problem(cluster, node)).collect();
    Some(format!("{} shards have no write quorum: {}", coverage.unwritable, problems.join("; ")))
}

/// Returns the status of a node that is not usable, with the reason.
fn node_problem(cluster: &Cluster, node: &NodeId) -> Option<String> {
    let view = cluster.nodes.view(node).filter(|view| !view.status.is_usable())?;
    let reason = view.last_error.unwrap_or_else(|| "it has not responded yet".to_owned());
    Some(format!("node `{node}` is {} ({reason})", view.status.as_str()))
}
