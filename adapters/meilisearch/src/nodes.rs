//! The implementation of the port, operation by operation.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use miroir_domain::NodeId;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;
use crate::client::MeilisearchNodes;
use crate::{read, task, write};

#[async_trait]
impl Nodes for MeilisearchNodes {
    async fn node_probe(&self, node: &NodeId, timeout: Duration) -> Result<(), NodeError> {
        let call = Call::new(Method::GET, "/health");
        let health: Value =
            self.send(node, call, Instant::now() + timeout).await.map_err(|error| match error {
                // Every Meilisearch server serves this route without a key, so a server that refuses it is
                // not Meilisearch.
                NodeError::Refused { status, .. } => NodeError::unknown(
                    node,
                    format!("its health route returned {status}: is this a Meilisearch server?"),
                ),
                other => other,
            })?;
        match health.get("status").and_then(Value::as_str) {
            Some("available") => Ok(()),
            _ => Err(NodeError::unknown(node, "its health route did not return `available`")),
        }
    }

    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError> {
        let deadline = Instant::now() + timeout;
        let accepted: write::Accepted = self.send(node, write::call(write), deadline).await?;
        Ok(accepted.task_uid)
    }

    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError> {
        self.send(node, read::call(read), Instant::now() + timeout).await
    }

    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError> {
        self.send(node, read::search_call(search), Instant::now() + timeout).await
    }

    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        task::list(self, node, selection, Instant::now() + timeout).await
    }
}
