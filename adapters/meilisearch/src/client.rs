//! Sends calls over a transport, and reads the meaning of their responses.

use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_ports::error_chain;
use miroir_ports::outbound::NodeError;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{debug, trace};

use crate::call::Call;
use crate::error::{ResponseFailure, is_refusal, refused, undecided};
use crate::transport::{Response, Transport};

/// The client of the nodes.
#[derive(Debug)]
pub(crate) struct NodeClient {
    transport: Arc<dyn Transport>,
}

impl NodeClient {
    /// Creates a client that sends calls over `transport`.
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// Sends `call` and reads the JSON of a successful response. Waits until `deadline` at most.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        node: &NodeId,
        call: Call,
        deadline: Instant,
    ) -> Result<T, NodeError> {
        let name = call.to_string();
        let outcome = self.exchange(node, call, deadline).await;
        match &outcome {
            Ok(_) => trace!(%node, call = %name, "node responded"),
            Err(error) => debug!(%node, call = %name, error = error_chain(error), "node call failed"),
        }
        outcome
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        id: &NodeId,
        call: Call,
        deadline: Instant,
    ) -> Result<T, NodeError> {
        let Response { status, body } = self.transport.send(id, call, deadline).await?;
        if is_refusal(status) {
            // The status alone is the decision, whether the body could be read or not.
            return Err(refused(id, status, body.as_deref().ok()));
        }
        if !status.is_success() {
            return Err(NodeError::unknown(id, undecided(status, body.as_deref().ok())));
        }
        let body = body?;
        serde_json::from_slice(&body)
            .map_err(|error| NodeError::unknown(id, ResponseFailure::Unexpected(error)))
    }
}
