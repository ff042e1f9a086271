//! The store as a whole.

use async_trait::async_trait;

use super::StoreError;

/// Health and end of the store.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait StoreStatus: Send + Sync + 'static {
    /// Proves that the store can read and write, as readiness asks.
    async fn store_ping(&self) -> Result<(), StoreError>;

    /// Finishes what was begun and closes the store; later calls answer `Unavailable` with `NotApplied`.
    async fn store_close(&self) -> Result<(), StoreError>;
}
