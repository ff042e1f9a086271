//! The use case of searches.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;

use super::{ApiError, ReadResponse};

/// Searches.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SearchApi: Send + Sync + 'static {
    /// Searches an index over a covering set of nodes, and merges the responses into that of a single server.
    /// Dropping the future cancels the requests to the nodes.
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError>;
}
