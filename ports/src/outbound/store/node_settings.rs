//! Table 2, `node_settings_version`: the settings version of an index that a node is known to have.

use async_trait::async_trait;
use miroir_domain::{NodeId, PhysicalUid, Timestamp};

use super::conditional::Advance;
use super::error::StoreError;

/// One row of `node_settings_version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettingsVersion {
    /// The index.
    pub index_uid: PhysicalUid,
    /// The node.
    pub node_id: NodeId,
    /// The settings version that the node is known to have.
    pub version: u64,
    /// The time at which it was recorded.
    pub updated_at: Timestamp,
}

/// Settings versions of nodes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait NodeSettingsTable: Send + Sync + 'static {
    /// Records that `node` has settings `version` of `index`.
    ///
    /// - **NODESET-1** A version MUST only advance. If it is not greater than the row's, it MUST return
    ///   [`Advance::Behind`] with the row's version and change nothing, `updated_at` included. If there is no
    ///   row, any version advances, 0 included.
    async fn node_settings_advance(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError>;

    /// Returns one row, if there is one.
    async fn node_settings_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError>;

    /// Returns all rows of an index.
    ///
    /// - **NODESET-2** They MUST be in the byte order of their nodes, without those of other indexes.
    async fn node_settings_list(&self, index: &PhysicalUid) -> Result<Vec<NodeSettingsVersion>, StoreError>;
}
