//! The way of calls to nodes and of responses back.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use miroir_domain::NodeId;
use miroir_ports::outbound::NodeError;
use tokio::time::Instant;

use crate::call::Call;

/// A response whose status was read.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The body, or the failure by which it ended early.
    pub body: Result<Bytes, NodeError>,
}

/// The way of calls to nodes and of responses back: HTTP, or a simulated network.
///
/// It keeps the contract of [`Nodes`](miroir_ports::outbound::Nodes) as far as it is about connections: a
/// call is sent at most once, no connection is used before it was admitted, and a failure is
/// [`NodeError::Unreachable`] only if no byte of the call can have been acted on.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `call` to `node` and returns the response. Waits until `deadline` at most.
    async fn send(&self, node: &NodeId, call: Call, deadline: Instant) -> Result<Response, NodeError>;
}
