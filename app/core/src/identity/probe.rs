//! Probes every node at intervals, so that the health of an idle node is known as well.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use miroir_domain::NodeId;
use miroir_domain::health::NodeStatus;
use tokio::time::{Instant, sleep_until};

use super::checker::NodeChecker;

/// Probes all nodes until `shutdown` is done, for the first time at once, and then after `interval`, which
/// must not be zero. Each node has its own times, so that one that does not respond does not delay the
/// others. A probe is a check of the node's identity, whose outcome is recorded in the health of the node.
pub async fn probe_loop(
    checker: Arc<NodeChecker>,
    interval: Duration,
    shutdown: impl Future<Output = ()> + Send,
) {
    let probing = std::pin::pin!(join_all(checker.nodes().map(|id| probe_node(&checker, id, interval))));
    match select(probing, std::pin::pin!(shutdown)).await {
        Either::Right(((), _)) => {}
        // Without a node there is nothing to probe and only the end to wait for.
        Either::Left((_, shutdown)) => shutdown.await,
    }
}

/// The longest time from one probe of an unknown node to the next. Nodes often start together with Miroir.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(1);

async fn probe_node(checker: &NodeChecker, id: &NodeId, interval: Duration) {
    loop {
        let begun = Instant::now();
        // The checker records the outcome. A bad one is no reason to stop probing.
        let _ = checker.check(id).await;
        let pause = match checker.health().status(id) {
            NodeStatus::Unknown => interval.min(UNKNOWN_INTERVAL),
            NodeStatus::Healthy | NodeStatus::Degraded | NodeStatus::Failed => interval,
        };
        sleep_until(begun + pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use miroir_domain::health::{HealthThresholds, NodeStatus};
    use miroir_domain::identity::{AcceptedTopology, ClusterRow, NodeFacts, NodeMarker, NodeRow};
    use miroir_domain::{PhysicalUid, TaskUid, Timestamp};
    use miroir_ports::outbound::{NodeError, NodeInspector};
    use miroir_system::ManualClock;
    use tokio::sync::oneshot;

    use super::*;
    use crate::identity::{KnownIdentity, StoreIdentity};
    use crate::node::HealthTracker;

    const INTERVAL: Duration = Duration::from_secs(5);

    /// Nodes that record their probes: `good` responds at once, `mute` never does.
    #[derive(Default)]
    struct Probed(Mutex<Vec<(String, Instant)>>);

    #[async_trait]
    impl NodeInspector for Probed {
        async fn node_inspect(
            &self,
            node: &NodeId,
            _: Option<u32>,
            timeout: Duration,
        ) -> Result<NodeFacts, NodeError> {
            self.0.lock().unwrap().push((node.to_string(), Instant::now()));
            if node.as_str() == "good" {
                return Ok(NodeFacts {
                    version: "1.50.0".to_owned(),
                    marker: Some(format!("miroir:1 cluster=c node={node} incarnation=i")),
                    has_documents: false,
                    newest_task: None,
                    remembered_task: None,
                });
            }
            tokio::time::sleep(timeout).await;
            Err(NodeError::unknown(node, "silence"))
        }
        async fn node_mark(&self, _: &NodeId, _: &NodeMarker, _: Duration) -> Result<(), NodeError> {
            panic!("a probe does not mark")
        }
        async fn node_newest_write(&self, _: &NodeId, _: Duration) -> Result<Option<TaskUid>, NodeError> {
            panic!("a check does not search for writes")
        }
        async fn node_indexes(&self, _: &NodeId, _: Duration) -> Result<Vec<PhysicalUid>, NodeError> {
            panic!("a probe does not list indexes")
        }
        async fn node_delete_index(&self, _: &NodeId, _: &PhysicalUid, _: Duration) -> Result<(), NodeError> {
            panic!("a probe does not delete")
        }
    }

    fn nodes(ids: &[&str]) -> (Arc<Probed>, Arc<NodeChecker>) {
        nodes_with(ids, Duration::from_secs(2))
    }

    fn nodes_with(ids: &[&str], timeout: Duration) -> (Arc<Probed>, Arc<NodeChecker>) {
        let now = Timestamp::from_millis(0);
        let ids: Vec<NodeId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let incarnation = Some("i".parse().unwrap());
        let row = |node: &NodeId| NodeRow {
            node: node.clone(),
            incarnation: incarnation.clone(),
            newest_task: None,
            updated_at: now,
        };
        let rows = ids.iter().map(row).collect();
        let identity = Arc::new(KnownIdentity::default());
        let (id, topology) = ("c".parse().unwrap(), AcceptedTopology::default());
        identity.replace(StoreIdentity::Known(ClusterRow { id, epoch: 1, topology, version: 1 }), rows);
        let clock = Arc::new(ManualClock::new(now));
        let health = Arc::new(HealthTracker::new(ids, HealthThresholds::default(), clock));
        let probed = Arc::new(Probed::default());
        (probed.clone(), Arc::new(NodeChecker::new(probed, identity, health, timeout)))
    }

    impl Probed {
        fn seconds_of(&self, node: &str, start: Instant) -> Vec<u64> {
            let probes = self.0.lock().unwrap();
            let of_node = probes.iter().filter(|(probed, _)| probed == node);
            of_node.map(|(_, at)| at.duration_since(start).as_secs()).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_are_probed_at_once_and_then_at_the_interval() {
        let (probed, nodes) = nodes(&["good", "mute"]);
        let start = Instant::now();
        let end = tokio::time::sleep(Duration::from_millis(12_500));
        probe_loop(Arc::clone(&nodes), INTERVAL, end).await;
        assert_eq!(probed.seconds_of("good", start), [0, 5, 10]);
        // While it is unknown, the next probe follows its timeout at once.
        assert_eq!(probed.seconds_of("mute", start), [0, 2, 4, 9]);
        assert_eq!(nodes.health().status(&"good".parse().unwrap()), NodeStatus::Healthy);
        assert_eq!(nodes.health().status(&"mute".parse().unwrap()), NodeStatus::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_node_does_not_delay_the_others() {
        let (probed, nodes) = nodes_with(&["good", "mute"], Duration::from_secs(4));
        let start = Instant::now();
        probe_loop(nodes, Duration::from_secs(1), tokio::time::sleep(Duration::from_millis(4_500))).await;
        assert_eq!(probed.seconds_of("good", start), [0, 1, 2, 3, 4]);
        assert_eq!(probed.seconds_of("mute", start), [0, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn loop_ends_at_shutdown_also_without_nodes() {
        for ids in [&["mute"][..], &[]] {
            let (_, nodes) = nodes(ids);
            let (end, ended) = oneshot::channel::<()>();
            let shutdown = async { ended.await.unwrap() };
            let probing = tokio::spawn(probe_loop(nodes, INTERVAL, shutdown));
            tokio::time::sleep(Duration::from_mins(1)).await;
            assert!(!probing.is_finished());
            end.send(()).unwrap();
            tokio::time::timeout(Duration::from_secs(1), probing).await.unwrap().unwrap();
        }
    }
}
