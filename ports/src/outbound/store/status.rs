//! The store as a whole.

use async_trait::async_trait;

use super::error::StoreError;

/// Health and closing of the store.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait StoreStatus: Send + Sync + 'static {
    /// Proves to the readiness check that the store can read and write.
    ///
    /// - **STATUS-1** It MUST write, durably, and change nothing that another method returns.
    async fn store_ping(&self) -> Result<(), StoreError>;

    /// Finishes the calls that were accepted and closes the store.
    ///
    /// - **STATUS-2** Changes that were accepted before MUST be finished and acknowledged.
    /// - **STATUS-3** Later calls MUST return `Unavailable` with `NotApplied`. Closing again returns `Ok`.
    async fn store_close(&self) -> Result<(), StoreError>;
}
