//! The store as a whole.

use async_trait::async_trait;

use super::error::StoreError;

/// Health and end of the store.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait StoreStatus: Send + Sync + 'static {
    /// Proves that the store can read and write, as readiness asks.
    ///
    /// - **STATUS-1** It MUST write, durably, and change nothing that another method shows.
    async fn store_ping(&self) -> Result<(), StoreError>;

    /// Finishes what was begun and closes the store.
    ///
    /// - **STATUS-2** Changes that were accepted before MUST be finished and acknowledged.
    /// - **STATUS-3** Later calls MUST answer `Unavailable` with `NotApplied`; closing once more is `Ok`.
    async fn store_close(&self) -> Result<(), StoreError>;
}
