//! Nodes: unmodified Meilisearch servers with their public HTTP API.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::document::DocumentId;
use miroir_domain::error::ResponseError;
use miroir_domain::identity::{NodeFacts, NodeMarker};
use miroir_domain::search::SearchResponse;
use miroir_domain::settings::Setting;
use miroir_domain::task::NodeTaskReport;
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, PhysicalUid, TaskUid, Timestamp};
use serde_json::{Map, Value};

use crate::Source;

/// A write for one node.
#[derive(Debug, Clone)]
pub struct NodeWrite {
    /// The index it concerns.
    pub index: PhysicalUid,
    /// The operation.
    pub operation: WriteOperation,
    /// `customMetadata` for the node task, on routes that take it (document routes). It finds the node task
    /// again.
    pub custom_metadata: Option<String>,
}

/// A read from one node, whose response is used as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeRead {
    /// `GET /version`.
    Version,
    /// `GET /indexes`.
    IndexList {
        /// Indexes to skip.
        offset: u64,
        /// The maximum number of indexes.
        limit: u64,
    },
    /// `GET /indexes/{uid}`.
    Index(PhysicalUid),
    /// `GET /indexes/{uid}/stats`.
    Stats(PhysicalUid),
    /// `GET /stats`.
    AllStats,
    /// `GET /indexes/{uid}/settings`, or one setting of it.
    Settings(PhysicalUid, Option<Setting>),
    /// `GET /indexes/{uid}/documents/{id}` with query parameters.
    Document(PhysicalUid, DocumentId, Map<String, Value>),
    /// `POST /indexes/{uid}/documents/fetch` with this body.
    Documents(PhysicalUid, Map<String, Value>),
}

/// `POST /indexes/{uid}/search` on one node. It is not a [`NodeRead`], because its response is long and most
/// of it is never read.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSearch {
    /// The index.
    pub index: PhysicalUid,
    /// The body.
    pub body: Map<String, Value>,
}

/// The selection of a node's tasks to report.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeTaskSelection {
    /// Tasks with these uids. Uids that the node does not know are left out of the result.
    Uids(Vec<u32>),
    /// Every task of an index enqueued after an instant, by the node's clock.
    IndexSince(PhysicalUid, Timestamp),
}

/// The kind of a call to a node that is counted: one for each method of [`Nodes`], and the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeOperation {
    /// [`NodeInspector::node_inspect`].
    Probe,
    /// [`Nodes::node_write`].
    Write,
    /// [`Nodes::node_read`].
    Read,
    /// [`Nodes::node_search`].
    Search,
    /// [`Nodes::node_tasks`].
    Tasks,
}

impl NodeOperation {
    /// Returns its name, as metrics show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Write => "write",
            Self::Read => "read",
            Self::Search => "search",
            Self::Tasks => "tasks",
        }
    }
}

/// A call to a node that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The node refused the request: it returned a status of 4xx.
    #[error("node `{node}` refused with {status}: {}", error.message)]
    Refused {
        /// The node.
        node: NodeId,
        /// The HTTP status.
        status: u16,
        /// The error object of the response.
        error: ResponseError,
    },
    /// The node was not reached: it certainly did nothing.
    #[error("node `{node}` cannot be reached")]
    Unreachable {
        /// The node.
        node: NodeId,
        /// The reason.
        source: Source,
    },
    /// The response to a read is longer than the longest that is read: the request asked for too much.
    #[error("the response of node `{node}` is longer than {max_bytes} bytes")]
    TooLong {
        /// The node.
        node: NodeId,
        /// The longest response that is read, in bytes.
        max_bytes: usize,
    },
    /// The node did not respond in time, closed the connection, or returned 5xx or an unusable response: it
    /// may have done what was requested.
    #[error("node `{node}` gave no usable response")]
    Unknown {
        /// The node.
        node: NodeId,
        /// The reason.
        source: Source,
    },
}

impl NodeError {
    /// Creates [`NodeError::Unreachable`] for a reason that is an error or a text.
    pub fn unreachable(node: &NodeId, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable { node: node.clone(), source: Source::new(reason) }
    }

    /// Creates [`NodeError::Unknown`] for a reason that is an error or a text.
    pub fn unknown(node: &NodeId, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unknown { node: node.clone(), source: Source::new(reason) }
    }

    /// Returns whether the outcome counts against the node's health. A refusal does not, nor does a response
    /// that is too long, since the node did what was requested.
    pub fn is_bad_for_health(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::TooLong { .. })
    }
}

/// The admission of connections to nodes: behind an address there may be another server, or other data, than
/// when the last connection was made.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConnectionGuard: Send + Sync + 'static {
    /// Checks the node after a connection to it was opened and before it is used.
    ///
    /// # Errors
    ///
    /// Returns the reason for which the connection must not be used.
    async fn admit(&self, node: &NodeId) -> Result<(), NodeError>;
}

/// The identity of the nodes, read and written on connections that no [`ConnectionGuard`] admits.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait NodeInspector: Send + Sync + 'static {
    /// Checks within `timeout` that the node is available and accepts the key, and reads its identity.
    /// `remembered` is the uid of the task that [`NodeFacts::remembered_task`] is about.
    ///
    /// - **NODE-6** A node that refuses the key MUST be [`NodeError::Unknown`], with that reason: it is of no
    ///   use, though each refusal is a response.
    async fn node_inspect(
        &self,
        node: &NodeId,
        remembered: Option<u32>,
        timeout: Duration,
    ) -> Result<NodeFacts, NodeError>;

    /// Writes the marker of a node, in place of an earlier one.
    ///
    /// - **NODE-8** The marker MUST survive a restart of the node once this has returned `Ok`, and clients of
    ///   the cluster MUST never see it.
    async fn node_mark(&self, node: &NodeId, marker: &NodeMarker, timeout: Duration)
    -> Result<(), NodeError>;

    /// Returns the greatest task uid among the markers of the node's newest writes, or `None` if none of its
    /// newest tasks has a marker.
    ///
    /// - **NODE-9** At least the newest 1,000 tasks MUST be examined, down to the first with a marker and the
    ///   hundred before it: writes to several indexes may reach the node in another order than their uids.
    async fn node_newest_write(&self, node: &NodeId, timeout: Duration)
    -> Result<Option<TaskUid>, NodeError>;

    /// Returns the indexes of the node, without that of a marker.
    async fn node_indexes(&self, node: &NodeId, timeout: Duration) -> Result<Vec<PhysicalUid>, NodeError>;

    /// Deletes an index of the node and waits for the deletion.
    async fn node_delete_index(
        &self,
        node: &NodeId,
        index: &PhysicalUid,
        timeout: Duration,
    ) -> Result<(), NodeError>;
}

/// All nodes of the cluster, each by its id. An id that is not configured is [`NodeError::Unreachable`].
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Nodes: Send + Sync + 'static {
    /// Sends a write. Returns the uid of the node task.
    ///
    /// - **NODE-1** No method MUST take longer than its `timeout`, whatever the node does.
    /// - **NODE-2** Dropping a call MUST drop its connection's request.
    /// - **NODE-3** [`NodeError::Unreachable`] MUST be returned only if no byte of the request can have been
    ///   acted on.
    /// - **NODE-7** No connection MUST be used before the [`ConnectionGuard`] has admitted it. One that is
    ///   not admitted is [`NodeError::Unreachable`], with the reason.
    /// - **NODE-4** A write MUST be sent at most once. It is never [`NodeError::TooLong`]: whatever the
    ///   response, the node may have accepted the write.
    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError>;

    /// Sends a read. Returns the JSON body.
    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError>;

    /// Sends a search. Returns the response of the node.
    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError>;

    /// Returns reports on tasks of the node, in any order.
    ///
    /// - **NODE-5** The result MUST be complete: pages of the node's listing are followed to the end.
    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError>;
}
