//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::index::IndexEntry;
use miroir_domain::{IndexUid, PhysicalUid};

use super::conditional::{Create, Put};
use super::error::StoreError;

/// The facts about each index that placement needs.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IndexTable: Send + Sync + 'static {
    /// Stores a new entry.
    ///
    /// - **INDEX-1** If the uid is taken, it MUST return [`Create::Exists`] and change nothing.
    /// - **INDEX-4** The row MUST equal `entry`, its version included.
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError>;

    /// Returns the entry, if there is one.
    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError>;

    /// Replaces the entry of `entry.uid` if its version is `entry.version`. The stored row gets that version
    /// plus one.
    ///
    /// - **INDEX-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`] and
    ///   change nothing.
    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError>;

    /// Removes the entry of `uid` if its physical uid is `physical_uid`, and the rows of that physical uid in
    /// `node_settings_version`. Returns false if there was no such entry.
    ///
    /// - **INDEX-3** Entry and node settings rows MUST be removed together, and node settings rows also if
    ///   there is no such entry.
    async fn index_delete(&self, uid: &IndexUid, physical_uid: &PhysicalUid) -> Result<bool, StoreError>;

    /// Returns whether an index with this physical uid was deleted.
    ///
    /// - **INDEX-6** After [`IndexTable::index_delete`] with the physical uid it MUST return true for ever,
    ///   whatever entries there are since.
    async fn index_was_deleted(&self, physical_uid: &PhysicalUid) -> Result<bool, StoreError>;

    /// Returns up to `limit` entries after the uid `after`.
    ///
    /// - **INDEX-5** They MUST be in the byte order of their uids, each once.
    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError>;
}
