//! The identity of nodes, over connections of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use miroir_domain::identity::{MARKER_INDEX, NodeFacts, NodeMarker, SeenTask};
use miroir_domain::task::marker::marked_by;
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{NodeError, NodeInspector};
use serde::Deserialize;
use tokio::time::Instant;

use crate::call::Call;
use crate::client::NodeClient;
use crate::endpoint::{BuildError, ClientOptions, NodeEndpoint};
use crate::http::HttpTransport;
use crate::transport::Transport;
use crate::{marker, probe, task, write};

/// The tasks that one request lists in the search for the newest write.
const WRITE_PAGE: u32 = 100;

/// The requests in the search for the newest write. Repair can have sent many tasks without a marker.
const WRITE_PAGES: u32 = 50;

/// The indexes that one request lists.
const INDEX_PAGE: usize = 1_000;

/// The inspector of nodes over HTTP.
#[derive(Debug)]
pub struct MeilisearchInspector {
    http: NodeClient,
}

impl MeilisearchInspector {
    /// Creates an inspector of these nodes. Opens no connection.
    pub fn new(
        endpoints: impl IntoIterator<Item = NodeEndpoint>,
        options: &ClientOptions,
    ) -> Result<Self, BuildError> {
        Ok(Self::over(Arc::new(HttpTransport::new(endpoints, options, None)?)))
    }

    /// Creates an inspector that sends its calls over `transport`, which admits every connection.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { http: NodeClient::new(transport) }
    }
}

#[async_trait]
impl NodeInspector for MeilisearchInspector {
    async fn node_inspect(
        &self,
        node: &NodeId,
        remembered: Option<u32>,
        timeout: Duration,
    ) -> Result<NodeFacts, NodeError> {
        let (http, deadline) = (&self.http, Instant::now() + timeout);
        probe::health(http, node, deadline).await?;
        let version = probe::version(http, node, deadline).await?;
        let marker = marker::read(http, node, deadline).await?;
        let has_documents = marker.is_none() && has_documents(http, node, deadline).await?;
        let newest_task = newest_task_of(http, node, None, deadline).await?;
        let remembered_task = match (remembered, &newest_task) {
            (Some(uid), Some(newest)) if newest.uid == uid => newest_task.clone(),
            (Some(uid), _) => {
                let found = newest_task_of(http, node, Some(uid), deadline).await?;
                found.filter(|task| task.uid == uid)
            }
            (None, _) => None,
        };
        Ok(NodeFacts { version, marker, has_documents, newest_task, remembered_task })
    }

    async fn node_mark(
        &self,
        node: &NodeId,
        marker: &NodeMarker,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        marker::write(&self.http, node, &marker.to_string(), Instant::now() + timeout).await
    }

    async fn node_newest_write(
        &self,
        node: &NodeId,
        timeout: Duration,
    ) -> Result<Option<TaskUid>, NodeError> {
        let deadline = Instant::now() + timeout;
        let mut from = None;
        let mut newest = None;
        for _ in 0..WRITE_PAGES {
            let page = tasks_of(&self.http, node, WRITE_PAGE, from, deadline).await?;
            // The page after the first with a marker is read as well.
            let is_found = newest.is_some();
            let markers = page.results.iter().filter_map(|task| marked_by(task.custom_metadata.as_deref()?));
            newest = newest.max(markers.max());
            if is_found || page.next.is_none() {
                break;
            }
            from = page.next;
        }
        Ok(newest)
    }

    async fn node_indexes(&self, node: &NodeId, timeout: Duration) -> Result<Vec<PhysicalUid>, NodeError> {
        let deadline = Instant::now() + timeout;
        let mut uids = Vec::new();
        loop {
            let call = Call::new(Method::GET, "/indexes")
                .with_query("offset", uids.len().to_string())
                .with_query("limit", INDEX_PAGE.to_string());
            let page: IndexPage = self.http.send(node, call, deadline).await?;
            let length = page.results.len();
            uids.extend(page.results.into_iter().map(|index| index.uid));
            if length < INDEX_PAGE {
                uids.retain(|uid: &PhysicalUid| uid.as_str() != MARKER_INDEX);
                return Ok(uids);
            }
        }
    }

    async fn node_delete_index(
        &self,
        node: &NodeId,
        index: &PhysicalUid,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        let deadline = Instant::now() + timeout;
        let call = Call::new(Method::DELETE, format!("/indexes/{index}"));
        let accepted: write::Accepted = self.http.send(node, call, deadline).await?;
        task::succeeded(&self.http, node, accepted.task_uid, deadline).await
    }
}

#[derive(Deserialize)]
struct IndexPage {
    results: Vec<ListedIndex>,
}

#[derive(Deserialize)]
struct ListedIndex {
    uid: PhysicalUid,
}

#[derive(Deserialize)]
struct Statistics {
    indexes: BTreeMap<String, IndexStatistics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexStatistics {
    number_of_documents: u64,
}

/// Returns whether an index of the node has documents.
async fn has_documents(http: &NodeClient, node: &NodeId, deadline: Instant) -> Result<bool, NodeError> {
    let statistics: Statistics = http.send(node, Call::new(Method::GET, "/stats"), deadline).await?;
    Ok(statistics.indexes.iter().any(|(uid, index)| uid != MARKER_INDEX && index.number_of_documents > 0))
}

#[derive(Deserialize)]
struct TaskPage {
    results: Vec<ListedTask>,
    next: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedTask {
    uid: u32,
    enqueued_at: String,
    custom_metadata: Option<String>,
}

/// Returns the newest task of the node, or the newest whose uid is at most `from`.
async fn newest_task_of(
    http: &NodeClient,
    node: &NodeId,
    from: Option<u32>,
    deadline: Instant,
) -> Result<Option<SeenTask>, NodeError> {
    let newest = tasks_of(http, node, 1, from, deadline).await?.results.into_iter().next();
    Ok(newest.map(|task| SeenTask { uid: task.uid, enqueued_at: task.enqueued_at }))
}

/// Returns at most `limit` tasks of the node, newest first, beginning with the uid `from`.
async fn tasks_of(
    http: &NodeClient,
    node: &NodeId,
    limit: u32,
    from: Option<u32>,
    deadline: Instant,
) -> Result<TaskPage, NodeError> {
    let mut whole = TaskPage { results: Vec::new(), next: from };
    let mut size = limit;
    loop {
        let mut call = Call::new(Method::GET, "/tasks").with_query("limit", size.to_string());
        if let Some(from) = whole.next {
            call = call.with_query("from", from.to_string());
        }
        let page: TaskPage = match http.send(node, call, deadline).await {
            // Tasks show whole settings.
            Err(NodeError::TooLong { .. }) if size > 1 => {
                size /= 2;
                continue;
            }
            page => page?,
        };
        let read = u32::try_from(page.results.len()).unwrap_or(u32::MAX);
        whole.results.extend(page.results);
        whole.next = page.next;
        let left = limit.saturating_sub(u32::try_from(whole.results.len()).unwrap_or(u32::MAX));
        if read == 0 || left == 0 || whole.next.is_none() {
            return Ok(whole);
        }
        size = size.min(left);
    }
}
