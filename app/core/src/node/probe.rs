//! Probes every node at intervals, so that the health of an idle node is known as well.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use miroir_domain::NodeId;
use miroir_domain::health::NodeStatus;
use tokio::time::{Instant, sleep_until};

use super::NodePool;

/// The times of probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSchedule {
    /// The time from one probe of a node to the next (5 s). Must not be zero.
    pub interval: Duration,
    /// The timeout of a probe (2 s).
    pub timeout: Duration,
}

impl Default for ProbeSchedule {
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), timeout: Duration::from_secs(2) }
    }
}

/// Probes all nodes until `shutdown` is done, for the first time at once. Each node has its own interval,
/// so that one that does not respond does not delay the others. The outcomes are recorded in the health of
/// `nodes`.
pub async fn probe_loop(nodes: NodePool, schedule: ProbeSchedule, shutdown: impl Future<Output = ()> + Send) {
    let ids: Vec<NodeId> = nodes.health().nodes().cloned().collect();
    let probing = std::pin::pin!(join_all(ids.iter().map(|id| probe_node(&nodes, id, schedule))));
    match select(probing, std::pin::pin!(shutdown)).await {
        Either::Right(((), _)) => {}
        // Without a node there is nothing to probe and only the end to wait for.
        Either::Left((_, shutdown)) => shutdown.await,
    }
}

/// The longest time from one probe of an unknown node to the next. Nodes often start together with Miroir.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(1);

async fn probe_node(nodes: &NodePool, id: &NodeId, schedule: ProbeSchedule) {
    loop {
        let begun = Instant::now();
        // The pool records the outcome. A bad one is no reason to stop probing.
        let _ = nodes.probe(id, schedule.timeout).await;
        let interval = match nodes.status(id) {
            NodeStatus::Unknown => schedule.interval.min(UNKNOWN_INTERVAL),
            NodeStatus::Healthy | NodeStatus::Degraded | NodeStatus::Failed => schedule.interval,
        };
        sleep_until(begun + interval).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use miroir_domain::Timestamp;
    use miroir_domain::health::{HealthThresholds, NodeStatus};
    use miroir_domain::search::SearchResponse;
    use miroir_domain::task::NodeTaskReport;
    use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
    use miroir_system::ManualClock;
    use serde_json::Value;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::super::{HealthTracker, Timeouts};
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);
    const TIMEOUTS: Timeouts = Timeouts { write: TIMEOUT, read: TIMEOUT, search: TIMEOUT };

    /// Nodes that record their probes: `good` responds at once, `mute` never does.
    #[derive(Default)]
    struct Probed(Mutex<Vec<(String, Instant)>>);

    #[async_trait]
    impl Nodes for Probed {
        async fn node_probe(&self, node: &NodeId, timeout: Duration) -> Result<(), NodeError> {
            self.0.lock().unwrap().push((node.to_string(), Instant::now()));
            if node.as_str() == "good" {
                return Ok(());
            }
            tokio::time::sleep(timeout).await;
            Err(NodeError::unknown(node, "silence"))
        }
        async fn node_write(&self, _: &NodeId, _: NodeWrite, _: Duration) -> Result<u32, NodeError> {
            panic!("a probe does not write")
        }
        async fn node_read(&self, _: &NodeId, _: NodeRead, _: Duration) -> Result<Value, NodeError> {
            panic!("a probe does not read")
        }
        async fn node_search(
            &self,
            _: &NodeId,
            _: NodeSearch,
            _: Duration,
        ) -> Result<SearchResponse, NodeError> {
            panic!("a probe does not search")
        }
        async fn node_tasks(
            &self,
            _: &NodeId,
            _: NodeTaskSelection,
            _: Duration,
        ) -> Result<Vec<NodeTaskReport>, NodeError> {
            panic!("a probe does not list tasks")
        }
    }

    fn nodes(ids: &[&str]) -> (Arc<Probed>, NodePool) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let ids = ids.iter().map(|id| id.parse().unwrap());
        let tracker = Arc::new(HealthTracker::new(ids, HealthThresholds::default(), clock));
        let probed = Arc::new(Probed::default());
        (probed.clone(), NodePool::new(probed, tracker, HashMap::new(), TIMEOUTS))
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
        probe_loop(nodes.clone(), ProbeSchedule::default(), end).await;
        assert_eq!(probed.seconds_of("good", start), [0, 5, 10]);
        // While it is unknown, the next probe follows its timeout at once.
        assert_eq!(probed.seconds_of("mute", start), [0, 2, 4, 9]);
        assert_eq!(nodes.health().status(&"good".parse().unwrap()), NodeStatus::Healthy);
        assert_eq!(nodes.health().status(&"mute".parse().unwrap()), NodeStatus::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_node_does_not_delay_the_others() {
        let (probed, nodes) = nodes(&["good", "mute"]);
        let start = Instant::now();
        let schedule = ProbeSchedule { interval: Duration::from_secs(1), timeout: Duration::from_secs(4) };
        probe_loop(nodes, schedule, tokio::time::sleep(Duration::from_millis(4_500))).await;
        assert_eq!(probed.seconds_of("good", start), [0, 1, 2, 3, 4]);
        assert_eq!(probed.seconds_of("mute", start), [0, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn loop_ends_at_shutdown_also_without_nodes() {
        for ids in [&["mute"][..], &[]] {
            let (_, nodes) = nodes(ids);
            let (end, ended) = oneshot::channel::<()>();
            let shutdown = async { ended.await.unwrap() };
            let probing = tokio::spawn(probe_loop(nodes, ProbeSchedule::default(), shutdown));
            tokio::time::sleep(Duration::from_mins(1)).await;
            assert!(!probing.is_finished());
            end.send(()).unwrap();
            tokio::time::timeout(Duration::from_secs(1), probing).await.unwrap().unwrap();
        }
    }
}
