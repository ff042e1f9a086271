//! The nodes of the cluster, called with the timeout of the operation and with their health tracked.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::health::NodeStatus;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_domain::{NodeId, PhysicalUid, Timestamp};
use miroir_ports::inbound::NodeView;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::Value;
use tokio::time::Instant;

use super::HealthTracker;
use super::term::within_term;
use crate::instance::LeaseValidity;

/// The greatest delay of a node's clock for which its tasks are found.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// The timeouts of calls to nodes.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a node acknowledges a write, from the first byte sent.
    pub write: Duration,
    /// Until a node responds to a read.
    pub read: Duration,
    /// Until a node responds to a search.
    pub search: Duration,
}

/// The nodes of the cluster. Each call records its outcome in the health of its node. A call that is
/// dropped before its end tells nothing about its node and records no outcome.
#[derive(Clone)]
pub struct NodePool {
    client: Arc<dyn Nodes>,
    health: Arc<HealthTracker>,
    urls: Arc<HashMap<NodeId, String>>,
    timeouts: Timeouts,
    validity: Option<LeaseValidity>,
}

impl NodePool {
    /// Creates a pool that calls nodes with `client`. `urls` has the URL of each node, for operators.
    pub fn new(
        client: Arc<dyn Nodes>,
        health: Arc<HealthTracker>,
        urls: HashMap<NodeId, String>,
        timeouts: Timeouts,
    ) -> Self {
        Self { client, health, urls: Arc::new(urls), timeouts, validity: None }
    }

    /// Returns the pool for a term, which sends no write once `validity` has expired.
    #[must_use]
    pub fn for_term(&self, validity: LeaseValidity) -> Self {
        Self { validity: Some(validity), ..self.clone() }
    }

    /// Reads from a node.
    pub async fn read(&self, node: &NodeId, read: NodeRead) -> Result<Value, NodeError> {
        self.read_call(node, self.client.node_read(node, read, self.timeouts.read)).await
    }

    /// Searches on a node.
    pub async fn search(&self, node: &NodeId, search: NodeSearch) -> Result<SearchResponse, NodeError> {
        self.read_call(node, self.client.node_search(node, search, self.timeouts.search)).await
    }

    /// Sends a write to a node and returns the uid of its node task.
    ///
    /// A term that is over sends nothing, and cuts off a write that is under way: another instance may be
    /// sending writes then, in an order of its own.
    pub async fn write(&self, node: &NodeId, write: NodeWrite) -> Result<u32, NodeError> {
        let call = self.call(node, self.client.node_write(node, write, self.timeouts.write));
        let outcome = match &self.validity {
            Some(validity) => within_term(validity, node, call).await,
            None => call.await,
        };
        if let Ok(uid) = &outcome {
            self.health.record_acknowledged(node, *uid);
        }
        outcome
    }

    /// Reads tasks of a node.
    pub async fn tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        self.call(node, self.client.node_tasks(node, selection, self.timeouts.read)).await
    }

    /// Reads the tasks of `index` that a node has enqueued since `since`, by a clock that may be five minutes
    /// behind.
    pub async fn tasks_since(
        &self,
        node: &NodeId,
        index: &PhysicalUid,
        since: Timestamp,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        self.tasks(node, NodeTaskSelection::IndexSince(index.clone(), since.minus(CLOCK_SKEW))).await
    }

    /// Returns the timeout of a write.
    pub fn write_timeout(&self) -> Duration {
        self.timeouts.write
    }

    /// Returns the tracker of the nodes' health.
    pub fn health(&self) -> &HealthTracker {
        &self.health
    }

    /// Returns the status of a node. A node that is not of the cluster is failed.
    pub fn status(&self, node: &NodeId) -> NodeStatus {
        self.health.status(node)
    }

    /// Returns whether a node gets reads and writes.
    pub fn is_usable(&self, node: &NodeId) -> bool {
        self.status(node).is_usable()
    }

    /// Returns whether a node is healthy.
    pub fn is_healthy(&self, node: &NodeId) -> bool {
        self.status(node) == NodeStatus::Healthy
    }

    /// Returns the cost of a read from a node (see [`HealthTracker::cost`]), or `None` if it serves no reads.
    pub fn cost(&self, node: &NodeId) -> Option<u64> {
        self.health.cost(node)
    }

    /// Returns a node with its health, or `None` if it is not of the cluster.
    pub fn view(&self, node: &NodeId) -> Option<NodeView> {
        let snapshot = self.health.snapshot(node)?;
        Some(NodeView {
            id: node.clone(),
            url: self.urls.get(node).cloned().unwrap_or_default(),
            status: snapshot.status,
            in_flight: snapshot.in_flight,
            latency_us: snapshot.latency_us,
            last_error: snapshot.last_error,
            changed_at: snapshot.changed_at,
            version: None,
            incarnation: None,
        })
    }

    /// Runs a call whose duration shows how fast the node serves reads. That of a write depends on its size
    /// more than on its node.
    async fn read_call<T>(
        &self,
        node: &NodeId,
        call: impl Future<Output = Result<T, NodeError>>,
    ) -> Result<T, NodeError> {
        let begun = Instant::now();
        let outcome = self.call(node, call).await;
        // A refusal comes fast from a node that may be of no use for reads, and must not attract them.
        if outcome.is_ok() {
            self.health.record_latency(node, begun.elapsed());
        }
        outcome
    }

    async fn call<T>(
        &self,
        node: &NodeId,
        call: impl Future<Output = Result<T, NodeError>>,
    ) -> Result<T, NodeError> {
        let in_flight = self.health.begin(node);
        let outcome = call.await;
        drop(in_flight);
        self.health.record(node, outcome.as_ref().map(|_| ()));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use miroir_domain::error::ErrorCode;
    use miroir_domain::health::HealthThresholds;
    use miroir_domain::write::WriteOperation;
    use miroir_ports::outbound::{MockNodes, NodeOperation};
    use miroir_system::ManualClock;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);
    const TIMEOUTS: Timeouts = Timeouts { write: TIMEOUT, read: TIMEOUT, search: TIMEOUT };

    fn id() -> NodeId {
        "a".parse().unwrap()
    }

    fn pool(nodes: impl Nodes) -> NodePool {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let tracker = HealthTracker::new([id()], HealthThresholds::default(), clock);
        tracker.record(&id(), Ok(()));
        NodePool::new(Arc::new(nodes), Arc::new(tracker), HashMap::new(), TIMEOUTS)
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
        let nodes = pool(nodes);
        assert_eq!(nodes.write(&id(), write()).await.unwrap(), 7);
        assert_eq!(nodes.health().acknowledged(&id()), 8);
        assert_eq!(nodes.read(&id(), NodeRead::Version).await.unwrap(), Value::Null);
        nodes.search(&id(), search()).await.unwrap();
        let selection = NodeTaskSelection::Uids(vec![1]);
        assert!(nodes.tasks(&id(), selection).await.unwrap().is_empty());
        assert_eq!(nodes.health().status(&id()), NodeStatus::Healthy);
    }

    #[tokio::test]
    async fn every_kind_of_call_can_fail_the_node() {
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().returning(|_, _, _| Err(unreachable()));
        nodes.expect_node_read().returning(|_, _, _| Err(unreachable()));
        nodes.expect_node_tasks().returning(|_, _, _| Err(unreachable()));
        let nodes = pool(nodes);
        nodes.write(&id(), write()).await.unwrap_err();
        assert_eq!(nodes.health().status(&id()), NodeStatus::Degraded);
        nodes.read(&id(), NodeRead::Version).await.unwrap_err();
        nodes.tasks(&id(), NodeTaskSelection::Uids(vec![1])).await.unwrap_err();
        assert_eq!(nodes.health().status(&id()), NodeStatus::Failed);
    }

    #[tokio::test]
    async fn refusals_leave_no_latency_and_no_mark() {
        let mut nodes = MockNodes::new();
        nodes.expect_node_read().returning(|node, _, _| {
            let error = ErrorCode::InvalidApiKey.with_message("wrong key");
            Err(NodeError::Refused { node: node.clone(), status: 403, error })
        });
        let nodes = pool(nodes);
        for _ in 0..5 {
            nodes.read(&id(), NodeRead::Version).await.unwrap_err();
        }
        let snapshot = nodes.health().snapshot(&id()).unwrap();
        assert_eq!((snapshot.status, snapshot.latency_us), (NodeStatus::Healthy, None));
    }

    /// Nodes that respond to a read after a second and never to a write.
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
        let nodes = Arc::new(pool(Slow::new()));
        let call = tokio::spawn({
            let nodes = nodes.clone();
            async move { nodes.read(&id(), NodeRead::Version).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(nodes.health().snapshot(&id()).unwrap().in_flight, 1);
        call.await.unwrap().unwrap();
        let snapshot = nodes.health().snapshot(&id()).unwrap();
        assert_eq!(snapshot.in_flight, 0);
        let latency = snapshot.latency_us.unwrap();
        assert!((1_000_000..1_010_000).contains(&latency), "{latency}");
    }

    #[tokio::test]
    async fn dropped_call_leaves_no_outcome_and_nothing_in_flight() {
        let nodes = Arc::new(pool(Slow::new()));
        let call = tokio::spawn({
            let nodes = nodes.clone();
            async move { nodes.write(&id(), write()).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(nodes.health().snapshot(&id()).unwrap().in_flight, 1);
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        let snapshot = nodes.health().snapshot(&id()).unwrap();
        assert_eq!((snapshot.in_flight, snapshot.status), (0, NodeStatus::Healthy));
    }
}
