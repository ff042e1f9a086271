//! The implementation of the port, operation by operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_ports::outbound::{
    ConnectionGuard, NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::NodeClient;
use crate::endpoint::{BuildError, ClientOptions, NodeEndpoint};
use crate::error::of_write;
use crate::http::HttpTransport;
use crate::transport::Transport;
use crate::{read, task, write};

/// The nodes of a cluster, over HTTP.
#[derive(Debug)]
pub struct MeilisearchNodes {
    http: NodeClient,
}

impl MeilisearchNodes {
    /// Creates a client that sends its calls over `transport`, which admits the connections.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { http: NodeClient::new(transport) }
    }

    /// Creates a client for these nodes. Opens no connection. `guard` admits each connection before its first
    /// request.
    pub fn new(
        endpoints: impl IntoIterator<Item = NodeEndpoint>,
        options: &ClientOptions,
        guard: &Arc<dyn ConnectionGuard>,
    ) -> Result<Self, BuildError> {
        Ok(Self::over(Arc::new(HttpTransport::new(endpoints, options, Some(guard))?)))
    }

    /// Creates a client for servers that are known to be the right ones, and admits every connection.
    pub fn unguarded(
        endpoints: impl IntoIterator<Item = NodeEndpoint>,
        options: &ClientOptions,
    ) -> Result<Self, BuildError> {
        Ok(Self::over(Arc::new(HttpTransport::new(endpoints, options, None)?)))
    }
}

#[async_trait]
impl Nodes for MeilisearchNodes {
    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError> {
        let deadline = Instant::now() + timeout;
        let accepted: Result<write::Accepted, _> = self.http.send(node, write::call(write), deadline).await;
        Ok(accepted.map_err(of_write)?.task_uid)
    }

    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError> {
        self.http.send(node, read::call(read), Instant::now() + timeout).await
    }

    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError> {
        self.http.send(node, read::search_call(search), Instant::now() + timeout).await
    }

    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        task::list(&self.http, node, selection, Instant::now() + timeout).await
    }
}
