//! The nodes for one term.

use std::future::Future;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_ports::outbound::{NodeError, NodeOperation, Nodes};

use super::lease::Trust;

/// Passes everything on, but sends no write once the term is over: another instance may be sending others then, and the
/// order among them is its own. A write that is on its way at that moment is cut off.
pub struct TermNodes {
    inner: Arc<dyn Nodes>,
    trust: Trust,
}

impl TermNodes {
    /// `inner`, as long as `trust` holds.
    pub fn new(inner: Arc<dyn Nodes>, trust: Trust) -> Self {
        Self { inner, trust }
    }

    async fn call<T>(
        &self,
        node: &NodeId,
        operation: NodeOperation,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        if operation != NodeOperation::Write {
            return call.await;
        }
        if !self.trust.holds() {
            return Err(NodeError::unreachable(node, OVER));
        }
        let mut trust = self.trust.clone();
        tokio::select! {
            biased;
            answer = call => answer,
            () = trust.lost() => Err(NodeError::unknown(node, OVER)),
        }
    }
}

const OVER: &str = "the term of this instance is over";

miroir_ports::wrap_nodes!(TermNodes);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use miroir_domain::write::WriteOperation;
    use miroir_ports::outbound::{MockNodes, NodeWrite};
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
        let nodes = TermNodes::new(Arc::new(Silent { inner: Arc::new(MockNodes::new()) }), trust);
        let outcome = nodes.node_write(&"n".parse().unwrap(), write(), Duration::from_mins(1)).await;
        assert!(matches!(outcome, Err(NodeError::Unknown { .. })));
        assert_eq!(begun.elapsed(), TERM);
    }

    /// Nodes that never answer.
    struct Silent {
        inner: Arc<dyn Nodes>,
    }

    impl Silent {
        async fn call<T>(
            &self,
            _: &NodeId,
            _: NodeOperation,
            _: impl Future<Output = Result<T, NodeError>> + Send,
        ) -> Result<T, NodeError> {
            std::future::pending().await
        }
    }

    miroir_ports::wrap_nodes!(Silent);
}
