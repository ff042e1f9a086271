//! Searches.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;

use super::{ApiError, ReadResponse};

/// Searches.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SearchApi: Send + Sync + 'static {
    /// Searches an index over a covering set of nodes and merges the answers as one server would give them.
    /// Dropping the future cancels the fan-out.
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError>;
}
