//! Use cases of indexes.

use async_trait::async_trait;
use miroir_domain::IndexUid;

use super::{Accepted, ApiError, ReadResponse};

/// Indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IndexApi: Send + Sync + 'static {
    /// Creates an index on every node.
    async fn index_create(&self, index: IndexUid, primary_key: Option<String>) -> Result<Accepted, ApiError>;

    /// Returns a page of indexes, `{results, offset, limit, total}`.
    async fn index_list(&self, offset: u64, limit: u64) -> Result<ReadResponse, ApiError>;

    /// Returns one index, `{uid, createdAt, updatedAt, primaryKey}`.
    async fn index_get(&self, index: IndexUid) -> Result<ReadResponse, ApiError>;

    /// Returns the size of an index, as `GET /indexes/{uid}/stats` of a server does.
    async fn index_stats(&self, index: IndexUid) -> Result<ReadResponse, ApiError>;

    /// Returns the size of all indexes, `{databaseSize, usedDatabaseSize, lastUpdate, indexes}`.
    async fn stats(&self) -> Result<ReadResponse, ApiError>;

    /// Deletes an index from every node.
    async fn index_delete(&self, index: IndexUid) -> Result<Accepted, ApiError>;
}
