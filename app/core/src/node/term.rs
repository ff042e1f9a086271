//! Writes of one term.

use std::future::Future;

use miroir_domain::NodeId;
use miroir_ports::outbound::NodeError;

use crate::instance::LeaseValidity;

/// The reason of a write that a term that is over does not send, or cuts off.
const OVER: &str = "the term of this instance is over";

/// Runs `call`, a write to `node`, while the term is valid. Once it has expired, the write is not sent; a
/// write that is under way at that moment is cut off, and its outcome is unknown.
pub(super) async fn within_term<T>(
    validity: &LeaseValidity,
    node: &NodeId,
    call: impl Future<Output = Result<T, NodeError>>,
) -> Result<T, NodeError> {
    if !validity.is_valid() {
        return Err(NodeError::unreachable(node, OVER));
    }
    tokio::select! {
        biased;
        outcome = call => outcome,
        () = validity.expired() => Err(NodeError::unknown(node, OVER)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use miroir_domain::Timestamp;
    use miroir_domain::health::HealthThresholds;
    use miroir_domain::write::WriteOperation;
    use miroir_ports::outbound::{MockNodes, NodeOperation, NodeWrite, Nodes};
    use miroir_system::ManualClock;
    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::super::{HealthTracker, NodePool, Timeouts};
    use super::*;

    const TERM: Duration = Duration::from_secs(4);

    fn write() -> NodeWrite {
        NodeWrite {
            index: "films".parse().unwrap(),
            operation: WriteOperation::DocumentsDeleteAll,
            custom_metadata: None,
        }
    }

    fn pool(nodes: Arc<dyn Nodes>, validity: LeaseValidity) -> NodePool {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let health = HealthTracker::new(["n".parse().unwrap()], HealthThresholds::default(), clock);
        let timeout = Duration::from_mins(1);
        let timeouts = Timeouts { write: timeout, read: timeout, search: timeout };
        NodePool::new(nodes, Arc::new(health), HashMap::new(), timeouts).for_term(validity)
    }

    async fn send(nodes: MockNodes, validity: LeaseValidity) -> Result<u32, NodeError> {
        pool(Arc::new(nodes), validity).write(&"n".parse().unwrap(), write()).await
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
        let nodes = pool(Arc::new(Silent { inner: Arc::new(MockNodes::new()) }), validity);
        let outcome = nodes.write(&"n".parse().unwrap(), write()).await;
        assert!(matches!(outcome, Err(NodeError::Unknown { .. })));
        assert_eq!(begun.elapsed(), TERM);
    }

    /// Nodes that never respond.
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
