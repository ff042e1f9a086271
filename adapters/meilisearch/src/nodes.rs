//! The implementation of the port, operation by operation.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::MeilisearchNodes;
use crate::{probe, read, task, write};

#[async_trait]
impl Nodes for MeilisearchNodes {
    async fn node_probe(&self, node: &NodeId, timeout: Duration) -> Result<(), NodeError> {
        let deadline = Instant::now() + timeout;
        probe::health(self, node, deadline).await?;
        probe::key(self, node, deadline).await
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
