//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;

use super::error::StoreError;
use super::write::{Create, Put};

/// What placement needs to know of each index.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IndexTable: Send + Sync + 'static {
    /// Stores a new entry.
    ///
    /// - **INDEX-1** When the uid is taken it MUST answer [`Create::Exists`] and change nothing.
    /// - **INDEX-4** The row MUST equal `entry`, its version included.
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError>;

    /// The entry, or none.
    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError>;

    /// Replaces the entry of `entry.uid` if its version is `entry.version`; the stored row gets that plus one.
    ///
    /// - **INDEX-2** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError>;

    /// Removes the entry and its rows of `node_settings_version`; false when there was none.
    ///
    /// - **INDEX-3** Entry and node settings rows MUST go together; node settings rows without an entry go too.
    async fn index_delete(&self, uid: &IndexUid) -> Result<bool, StoreError>;

    /// Up to `limit` entries, starting after `after`.
    ///
    /// - **INDEX-5** The entries MUST come in the byte order of their uids, each once.
    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError>;
}
