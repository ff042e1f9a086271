//! The nodes for one term.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::Value;

use super::lease::Trust;

/// Passes everything on, but sends no write once the term is over: another instance may be sending others then, and the
/// order among them is its own. A write that is on its way at that moment is cut off.
pub struct TermNodes {
    nodes: Arc<dyn Nodes>,
    trust: Trust,
}

impl TermNodes {
    /// `nodes`, as long as `trust` holds.
    pub fn new(nodes: Arc<dyn Nodes>, trust: Trust) -> Self {
        Self { nodes, trust }
    }
}

const OVER: &str = "the term of this instance is over";

#[async_trait]
impl Nodes for TermNodes {
    async fn node_probe(&self, node: &NodeId, timeout: Duration) -> Result<(), NodeError> {
        self.nodes.node_probe(node, timeout).await
    }

    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError> {
        if !self.trust.holds() {
            return Err(NodeError::unreachable(node, OVER));
        }
        let mut trust = self.trust.clone();
        tokio::select! {
            biased;
            answer = self.nodes.node_write(node, write, timeout) => answer,
            () = trust.lost() => Err(NodeError::unknown(node, OVER)),
        }
    }

    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError> {
        self.nodes.node_read(node, read, timeout).await
    }

    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError> {
        self.nodes.node_search(node, search, timeout).await
    }

    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        self.nodes.node_tasks(node, selection, timeout).await
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::write::WriteOperation;
    use miroir_ports::outbound::MockNodes;
    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::*;

    const TERM: Duration = Duration::from_secs(4);

    fn write() -> NodeWrite {
        NodeWrite {
            index: "films".parse().unwrap(),
            operation: WriteOperation::DocumentsDeleteAll,
            custom_metadata: None,
        }
    }

    async fn send(nodes: MockNodes, trust: Trust) -> Result<u32, NodeError> {
        let nodes = TermNodes::new(Arc::new(nodes), trust);
        nodes.node_write(&"n".parse().unwrap(), write(), Duration::from_mins(1)).await
    }

    fn term() -> (watch::Sender<Instant>, Trust) {
        let (sender, receiver) = watch::channel(Instant::now() + TERM);
        (sender, Trust::of(receiver))
    }

    #[tokio::test(start_paused = true)]
    async fn write_within_the_term_is_sent() {
        let (_running, trust) = term();
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().times(1).returning(|_, _, _| Ok(7));
        assert_eq!(send(nodes, trust).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn write_after_the_term_is_not_sent() {
        let (_running, trust) = term();
        tokio::time::advance(TERM).await;
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().never();
        assert!(matches!(send(nodes, trust).await, Err(NodeError::Unreachable { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn write_on_its_way_when_the_term_ends_is_cut_off() {
        let (_running, trust) = term();
        let begun = Instant::now();
        let nodes = TermNodes::new(Arc::new(Silent), trust);
        let outcome = nodes.node_write(&"n".parse().unwrap(), write(), Duration::from_mins(1)).await;
        assert!(matches!(outcome, Err(NodeError::Unknown { .. })));
        assert_eq!(begun.elapsed(), TERM);
    }

    /// Nodes that never answer.
    struct Silent;

    #[async_trait]
    impl Nodes for Silent {
        async fn node_probe(&self, _: &NodeId, _: Duration) -> Result<(), NodeError> {
            std::future::pending().await
        }
        async fn node_write(&self, _: &NodeId, _: NodeWrite, _: Duration) -> Result<u32, NodeError> {
            std::future::pending().await
        }
        async fn node_read(&self, _: &NodeId, _: NodeRead, _: Duration) -> Result<Value, NodeError> {
            std::future::pending().await
        }
        async fn node_search(
            &self,
            _: &NodeId,
            _: NodeSearch,
            _: Duration,
        ) -> Result<SearchResponse, NodeError> {
            std::future::pending().await
        }
        async fn node_tasks(
            &self,
            _: &NodeId,
            _: NodeTaskSelection,
            _: Duration,
        ) -> Result<Vec<NodeTaskReport>, NodeError> {
            std::future::pending().await
        }
    }
}
