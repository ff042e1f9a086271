//! The identity of the cluster and of its nodes, `cluster` and `nodes`.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::GroupId;
use miroir_domain::identity::{AcceptedNode, AcceptedTopology, ClusterRow, NodeRow, SeenTask};
use miroir_ports::outbound::{Create, Put, StoreError};
use tokio::task::JoinSet;

use super::lease::assert_fenced;
use crate::harness::Harness;
use crate::sample::{at, node};

/// Returns a row of the cluster `id`.
pub(super) fn cluster(id: &str) -> ClusterRow {
    let of_node = |name: &str, group| AcceptedNode {
        id: node(name),
        url: format!("http://{name}/a \"path\"?🎬"),
        group: GroupId(group),
    };
    ClusterRow {
        id: id.parse().unwrap(),
        epoch: 1,
        topology: AcceptedTopology::new(2, [of_node("b", 0), of_node("_a", u32::MAX)]),
        version: 1,
    }
}

/// Returns a row of a node with this incarnation.
pub(super) fn row(name: &str, incarnation: &str) -> NodeRow {
    NodeRow {
        node: node(name),
        incarnation: Some(incarnation.parse().unwrap()),
        newest_task: Some(SeenTask {
            uid: u32::MAX,
            enqueued_at: "2030-01-02T03:04:05.678901234Z".to_owned(),
        }),
        updated_at: at(i64::MIN),
    }
}

/// IDENTITY-1, STORE-4, STORE-8.
pub(crate) async fn cluster_is_created_once_and_reads_back<H: Harness>() {
    let mut harness = H::start().await;
    assert_eq!(harness.store().cluster_get().await.unwrap(), None);
    let first = ClusterRow { epoch: u64::MAX, ..cluster("c-1") };
    assert_eq!(harness.store().cluster_create(&first).await.unwrap(), Create::Created);
    assert_eq!(harness.store().cluster_create(&cluster("c-2")).await.unwrap(), Create::Exists);
    harness.reopen().await;
    assert_eq!(harness.store().cluster_create(&cluster("c-2")).await.unwrap(), Create::Exists);
    assert_eq!(harness.store().cluster_get().await.unwrap(), Some(first));
}

/// IDENTITY-1.
pub(crate) async fn one_of_many_clusters_is_created<H: Harness>() {
    let harness = H::start().await;
    let mut callers = JoinSet::new();
    for number in 0..32 {
        let store = harness.store();
        let row = cluster(&format!("c-{number}"));
        callers.spawn(async move { (store.cluster_create(&row).await.unwrap(), row) });
    }
    let mut created: Vec<ClusterRow> = callers
        .join_all()
        .await
        .into_iter()
        .filter_map(|(outcome, row)| (outcome == Create::Created).then_some(row))
        .collect();
    let stored = harness.store().cluster_get().await.unwrap();
    assert_eq!(created.pop(), stored);
    assert!(created.is_empty() && stored.is_some());
}

/// IDENTITY-2, STORE-7.
pub(crate) async fn cluster_changes_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert_eq!(store.cluster_put(&cluster("c")).await.unwrap(), Put::Conflict, "there is no row");
    assert_eq!(store.cluster_get().await.unwrap(), None);
    store.cluster_create(&cluster("c")).await.unwrap();
    let next = ClusterRow { epoch: 2, topology: AcceptedTopology::default(), ..cluster("c") };
    assert_eq!(store.cluster_put(&next).await.unwrap(), Put::Stored);
    assert_eq!(store.cluster_put(&next).await.unwrap(), Put::Conflict);
    let stored = ClusterRow { version: 2, ..next };
    assert_eq!(store.cluster_get().await.unwrap(), Some(stored.clone()));
    let mut callers = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        let row = ClusterRow { epoch: number, ..stored.clone() };
        callers.spawn(async move { store.cluster_put(&row).await.unwrap() });
    }
    let won = callers.join_all().await.into_iter().filter(|put| *put == Put::Stored).count();
    assert_eq!(won, 1);
    assert_eq!(store.cluster_get().await.unwrap().unwrap().version, 3);
}

/// STORE-7.
pub(crate) async fn version_of_the_cluster_cannot_wrap<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let last = ClusterRow { version: u64::MAX, ..cluster("c") };
    store.cluster_create(&last).await.unwrap();
    assert!(matches!(store.cluster_put(&last).await, Err(StoreError::InvalidInput(_))));
    assert_eq!(store.cluster_get().await.unwrap(), Some(last));
}

/// IDENTITY-3, IDENTITY-4, STORE-8.
pub(crate) async fn nodes_read_back_in_byte_order<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    assert!(store.node_list().await.unwrap().is_empty());
    let mut expected: Vec<NodeRow> = ["n", "n-1", "n0", "N", "_n", "__n", "_index", "0", "-"]
        .into_iter()
        .map(|name| row(name, "i-1"))
        .collect();
    expected.push(NodeRow::without_marker(node("plain"), at(3)));
    for row in &expected {
        store.node_put(row).await.unwrap();
    }
    expected.sort_by(|left, right| left.node.cmp(&right.node));
    assert_eq!(store.node_list().await.unwrap(), expected);
    // A row is replaced as a whole.
    let bare = NodeRow::without_marker(node("n0"), at(9));
    store.node_put(&bare).await.unwrap();
    let place = expected.iter().position(|row| row.node == bare.node).unwrap();
    expected[place] = bare;
    assert!(store.node_delete(&node("_index")).await.unwrap());
    assert!(!store.node_delete(&node("_index")).await.unwrap());
    expected.retain(|row| row.node != node("_index"));
    harness.reopen().await;
    assert_eq!(harness.store().node_list().await.unwrap(), expected);
}

/// LEASE-8.
pub(crate) async fn handle_of_a_term_that_is_over_changes_no_identity<H: Harness>() {
    let harness = H::start().await;
    let (old, new) = (harness.store(), harness.second().await);
    let ttl = Duration::from_millis(100);
    old.lease_acquire("role", "one", ttl, at(0)).await.unwrap();
    old.lease_fence("role", 1).await.unwrap();
    old.cluster_create(&cluster("c")).await.unwrap();
    old.node_put(&row("a", "i-1")).await.unwrap();
    new.lease_acquire("role", "two", ttl, at(100)).await.unwrap();
    new.lease_fence("role", 2).await.unwrap();
    assert_fenced(old.cluster_create(&cluster("d")).await);
    assert_fenced(old.cluster_put(&ClusterRow { epoch: 7, ..cluster("c") }).await);
    assert_fenced(old.node_put(&row("a", "i-2")).await);
    assert_fenced(old.node_delete(&node("a")).await);
    assert_eq!(new.cluster_get().await.unwrap(), Some(cluster("c")));
    assert_eq!(new.node_list().await.unwrap(), [row("a", "i-1")]);
    new.node_put(&row("a", "i-2")).await.unwrap();
    assert_eq!(new.node_list().await.unwrap(), [row("a", "i-2")]);
}
