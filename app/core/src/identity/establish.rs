//! Makes the identity of a new store, and finds that a store was lost.

use miroir_domain::identity::{AcceptedTopology, ClusterId, ClusterRow, NodeMarker, NodeRow};
use miroir_domain::task::TaskQuery;
use miroir_ports::outbound::{Clock, Ids, StoreError, TaskStore};

use super::checker::NodeChecker;
use super::known::StoreIdentity;

/// The outcome of [`establish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Established {
    /// The store has the identity of the cluster.
    Known,
    /// The store is not that of the cluster.
    Lost,
    /// Another topology was accepted than that of this instance.
    Superseded,
}

/// Reads the identity of the cluster, and makes it if the store is new and no node has data of a cluster. The
/// nodes were checked once, so their findings are known. `topology` is that of the configuration.
///
/// The caller is the leader, and `store` its fenced and unguarded handle.
pub async fn establish(
    store: &dyn TaskStore,
    checker: &NodeChecker,
    topology: &AcceptedTopology,
    ids: &dyn Ids,
    clock: &dyn Clock,
) -> Result<Established, StoreError> {
    let identity = checker.identity();
    if let StoreIdentity::Lost { .. } = identity.store() {
        return Ok(Established::Lost);
    }
    if let Some(row) = store.cluster_get().await? {
        if row.topology != *topology {
            return Ok(Established::Superseded);
        }
        identity.replace(StoreIdentity::Known(row), store.node_list().await?);
        return Ok(Established::Known);
    }
    if let Some(cluster) = cluster_of_the_nodes(checker) {
        tracing::error!(%cluster, "the task store is empty, and the nodes have the data of a cluster");
        identity.replace(StoreIdentity::Lost { cluster }, Vec::new());
        return Ok(Established::Lost);
    }
    let row = new_row(topology, ids);
    // Nodes first: if the row of the cluster is stored, they are as well.
    if has_data(store).await? {
        for node in checker.nodes() {
            store.node_put(&NodeRow::without_marker(node.clone(), clock.now())).await?;
        }
    }
    store.cluster_create(&row).await?;
    tracing::info!(cluster = %row.id, "made the identity of the cluster");
    identity.replace(StoreIdentity::Known(row), store.node_list().await?);
    Ok(Established::Known)
}

fn new_row(topology: &AcceptedTopology, ids: &dyn Ids) -> ClusterRow {
    #[expect(clippy::expect_used, reason = "unique ids have the alphabet and the length of names")]
    let id = ids.unique_id().parse().expect("a unique id is a valid cluster id");
    ClusterRow { id, epoch: 1, topology: topology.clone(), version: 1 }
}

/// Returns whether the store was used by a Miroir before this one, which made no identity.
pub(super) async fn has_data(store: &dyn TaskStore) -> Result<bool, StoreError> {
    let newest = TaskQuery { limit: 1, ..TaskQuery::default() };
    Ok(!store.index_list(None, 1).await?.is_empty() || !store.task_list(&newest).await?.tasks.is_empty())
}

/// Returns the cluster to which the data of some node belongs.
fn cluster_of_the_nodes(checker: &NodeChecker) -> Option<ClusterId> {
    let marker = |node| checker.finding(node)?.facts.marker?.parse::<NodeMarker>().ok();
    checker.nodes().find_map(marker).map(|marker| marker.cluster)
}
