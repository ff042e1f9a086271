//! Nodes under watch: every call leaves its outcome with the tracker.

use std::future::Future;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_ports::outbound::{NodeError, NodeOperation, Nodes};
use tokio::time::Instant;

use super::HealthTracker;

/// Passes every call on to the nodes below, and what became of it to a [`HealthTracker`]. A call that is dropped
/// before its end says nothing about its node and leaves no outcome.
pub struct TrackedNodes {
    inner: Arc<dyn Nodes>,
    tracker: Arc<HealthTracker>,
}

impl TrackedNodes {
    /// Watches `inner` for `tracker`.
    pub fn new(inner: Arc<dyn Nodes>, tracker: Arc<HealthTracker>) -> Self {
        Self { inner, tracker }
    }

    /// Where the outcomes go.
    pub fn tracker(&self) -> &Arc<HealthTracker> {
        &self.tracker
    }

    async fn call<T>(
        &self,
        node: &NodeId,
        operation: NodeOperation,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        let begun = Instant::now();
        let in_flight = self.tracker.begin(node);
        let outcome = call.await;
        drop(in_flight);
        self.tracker.record(node, outcome.as_ref().map(|_| ()));
        // A refusal comes fast from a node that may be of no use for reads, and must not draw them.
        if outcome.is_ok() && shows_latency(operation) {
            self.tracker.record_latency(node, begun.elapsed());
        }
        outcome
    }
}

/// Returns whether the duration of a call tells how fast the node serves reads. That of a write depends on its size more
/// than on its node.
fn shows_latency(operation: NodeOperation) -> bool {
    match operation {
        NodeOperation::Probe | NodeOperation::Read | NodeOperation::Search => true,
        NodeOperation::Write | NodeOperation::Tasks => false,
    }
}

miroir_ports::wrap_nodes!(TrackedNodes);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use miroir_domain::Timestamp;
    use miroir_domain::error::ErrorCode;
    use miroir_domain::health::{HealthThresholds, NodeStatus};
    use miroir_domain::search::SearchResponse;
    use miroir_domain::write::WriteOperation;
    use miroir_ports::outbound::{MockNodes, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite};
    use miroir_system::ManualClock;
    use serde_json::Value;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn id() -> NodeId {
        "a".parse().unwrap()
    }

    fn tracked(nodes: impl Nodes) -> TrackedNodes {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let tracker = HealthTracker::new([id()], HealthThresholds::default(), clock);
        TrackedNodes::new(Arc::new(nodes), Arc::new(tracker))
    }

    fn unreachable() -> NodeError {
        NodeError::unreachable(&id(), "connection refused")
    }

    fn search() -> NodeSearch {
        NodeSearch { index: "movies".parse().unwrap(), body: serde_json::Map::new() }
    }

    fn write() -> NodeWrite {
        NodeWrite {
            index: "movies".parse().unwrap(),
            operation: WriteOperation::IndexDelete,
            custom_metadata: None,
        }
    }

    #[tokio::test]
    async fn calls_pass_through_with_their_outcomes() {
        let mut nodes = MockNodes::new();
        nodes.expect_node_probe().times(1).returning(|_, _| Ok(()));
        nodes.expect_node_write().times(1).returning(|_, write, _| {
            assert_eq!(write.index.as_str(), "movies");
            Ok(7)
        });
        nodes.expect_node_read().times(1).returning(|_, read, timeout| {
            assert_eq!((read, timeout), (NodeRead::Version, TIMEOUT));
            Ok(Value::Null)
        });
        nodes.expect_node_search().times(1).returning(|_, search, _| {
            assert_eq!(search.index.as_str(), "movies");
            Ok(SearchResponse::default())
        });
        nodes.expect_node_tasks().times(1).returning(|_, _, _| Ok(Vec::new()));
        let nodes = tracked(nodes);
        nodes.node_probe(&id(), TIMEOUT).await.unwrap();
        assert_eq!(nodes.node_write(&id(), write(), TIMEOUT).await.unwrap(), 7);
        assert_eq!(nodes.node_read(&id(), NodeRead::Version, TIMEOUT).await.unwrap(), Value::Null);
        nodes.node_search(&id(), search(), TIMEOUT).await.unwrap();
        let selection = NodeTaskSelection::Uids(vec![1]);
        assert!(nodes.node_tasks(&id(), selection, TIMEOUT).await.unwrap().is_empty());
        assert_eq!(nodes.tracker().status(&id()), NodeStatus::Healthy);
    }

    #[tokio::test]
    async fn every_kind_of_call_can_fail_the_node() {
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().returning(|_, _, _| Err(unreachable()));
        nodes.expect_node_read().returning(|_, _, _| Err(unreachable()));
        nodes.expect_node_tasks().returning(|_, _, _| Err(unreachable()));
        let nodes = tracked(nodes);
        nodes.node_write(&id(), write(), TIMEOUT).await.unwrap_err();
        assert_eq!(nodes.tracker().status(&id()), NodeStatus::Degraded);
        nodes.node_read(&id(), NodeRead::Version, TIMEOUT).await.unwrap_err();
        nodes.node_tasks(&id(), NodeTaskSelection::Uids(vec![1]), TIMEOUT).await.unwrap_err();
        assert_eq!(nodes.tracker().status(&id()), NodeStatus::Failed);
    }

    #[tokio::test]
    async fn refusals_leave_no_latency_and_no_mark() {
        let mut nodes = MockNodes::new();
        nodes.expect_node_read().returning(|node, _, _| {
            let error = ErrorCode::InvalidApiKey.with_message("wrong key");
            Err(NodeError::Refused { node: node.clone(), status: 403, error })
        });
        let nodes = tracked(nodes);
        for _ in 0..5 {
            nodes.node_read(&id(), NodeRead::Version, TIMEOUT).await.unwrap_err();
        }
        let snapshot = nodes.tracker().snapshot(&id()).unwrap();
        assert_eq!((snapshot.status, snapshot.latency_us), (NodeStatus::Healthy, None));
    }

    /// Nodes that answer a read after a second and never take a write.
    struct Slow {
        inner: Arc<dyn Nodes>,
    }

    impl Slow {
        fn new() -> Self {
            let mut inner = MockNodes::new();
            inner.expect_node_read().returning(|_, _, _| Ok(Value::Null));
            Self { inner: Arc::new(inner) }
        }

        async fn call<T>(
            &self,
            _: &NodeId,
            operation: NodeOperation,
            call: impl Future<Output = Result<T, NodeError>> + Send,
        ) -> Result<T, NodeError> {
            if operation == NodeOperation::Write {
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            call.await
        }
    }

    miroir_ports::wrap_nodes!(Slow);

    #[tokio::test(start_paused = true)]
    async fn read_is_in_flight_until_it_answers_and_leaves_its_latency() {
        let nodes = Arc::new(tracked(Slow::new()));
        let call = tokio::spawn({
            let nodes = nodes.clone();
            async move { nodes.node_read(&id(), NodeRead::Version, TIMEOUT).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(nodes.tracker().snapshot(&id()).unwrap().in_flight, 1);
        call.await.unwrap().unwrap();
        let snapshot = nodes.tracker().snapshot(&id()).unwrap();
        assert_eq!(snapshot.in_flight, 0);
        let latency = snapshot.latency_us.unwrap();
        assert!((1_000_000..1_010_000).contains(&latency), "{latency}");
    }

    #[tokio::test]
    async fn dropped_call_leaves_no_outcome_and_nothing_in_flight() {
        let nodes = Arc::new(tracked(Slow::new()));
        let call = tokio::spawn({
            let nodes = nodes.clone();
            async move { nodes.node_write(&id(), write(), TIMEOUT).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(nodes.tracker().snapshot(&id()).unwrap().in_flight, 1);
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        let snapshot = nodes.tracker().snapshot(&id()).unwrap();
        assert_eq!((snapshot.in_flight, snapshot.status), (0, NodeStatus::Healthy));
    }
}
