//! The nodes for one term.

use std::future::Future;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_ports::outbound::{NodeError, NodeOperation, Nodes};

use super::lease::LeaseValidity;

/// Passes everything on, but sends no write once the term is over: another instance may be sending others then, and the
/// order among them is its own. A write that is on its way at that moment is cut off.
pub struct TermNodes {
    inner: Arc<dyn Nodes>,
    validity: LeaseValidity,
}

impl TermNodes {
    /// `inner`, as long as `validity` holds.
    pub fn new(inner: Arc<dyn Nodes>, validity: LeaseValidity) -> Self {
        Self { inner, validity }
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
        if !self.validity.is_valid() {
            return Err(NodeError::unreachable(node, OVER));
        }
        let mut validity = self.validity.clone();
        tokio::select! {
            biased;
            answer = call => answer,
            () = validity.expired() => Err(NodeError::unknown(node, OVER)),
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

    async fn send(nodes: MockNodes, validity: LeaseValidity) -> Result<u32, NodeError> {
        let nodes = TermNodes::new(Arc::new(nodes), validity);
        nodes.node_write(&"n".parse().unwrap(), write(), Duration::from_mins(1)).await
    }

    fn term() -> (watch::Sender<Instant>, LeaseValidity) {
        let (sender, receiver) = watch::channel(Instant::now() + TERM);
        (sender, LeaseValidity::of(receiver))
    }

    #[tokio::test(start_paused = true)]
    async fn write_within_the_term_is_sent() {
        let (_running, validity) = term();
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().times(1).returning(|_, _, _| Ok(7));
        assert_eq!(send(nodes, validity).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn write_after_the_term_is_not_sent() {
        let (_running, validity) = term();
        tokio::time::advance(TERM).await;
        let mut nodes = MockNodes::new();
        nodes.expect_node_write().never();
        assert!(matches!(send(nodes, validity).await, Err(NodeError::Unreachable { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn write_on_its_way_when_the_term_ends_is_cut_off() {
        let (_running, validity) = term();
        let begun = Instant::now();
        let nodes = TermNodes::new(Arc::new(Silent { inner: Arc::new(MockNodes::new()) }), validity);
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
