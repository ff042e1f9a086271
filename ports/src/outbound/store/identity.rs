//! The identity of the cluster and of its nodes, `cluster` and `nodes`.

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::identity::{ClusterRow, NodeRow};

use super::conditional::{Create, Put};
use super::error::StoreError;

/// The one row about the cluster, and a row for each node whose data is known.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdentityTable: Send + Sync + 'static {
    /// Stores the row of the cluster.
    ///
    /// - **IDENTITY-1** If there is one, it MUST return [`Create::Exists`] and change nothing. Of concurrent
    ///   calls, one MUST succeed.
    async fn cluster_create(&self, row: &ClusterRow) -> Result<Create, StoreError>;

    /// Returns the row of the cluster, or `None` if the store is new, or was emptied.
    async fn cluster_get(&self) -> Result<Option<ClusterRow>, StoreError>;

    /// Replaces the row of the cluster if its version is `row.version`. The stored row gets that version plus
    /// one.
    ///
    /// - **IDENTITY-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`]
    ///   and change nothing.
    async fn cluster_put(&self, row: &ClusterRow) -> Result<Put, StoreError>;

    /// Stores or replaces the row of a node.
    ///
    /// - **IDENTITY-3** The row MUST equal `row`, and rows of other nodes MUST stay.
    async fn node_put(&self, row: &NodeRow) -> Result<(), StoreError>;

    /// Removes the row of a node. Returns false if there was none.
    async fn node_delete(&self, node: &NodeId) -> Result<bool, StoreError>;

    /// Returns the rows of all nodes.
    ///
    /// - **IDENTITY-4** They MUST be in the byte order of the nodes' names, each once.
    async fn node_list(&self) -> Result<Vec<NodeRow>, StoreError>;
}
