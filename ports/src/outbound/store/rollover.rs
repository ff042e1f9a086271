//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;

use super::conditional::{Create, Put};
use super::error::StoreError;

/// Policies of rolling indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RolloverTable: Send + Sync + 'static {
    /// Stores a new policy, its version as given.
    ///
    /// - **ROLLOVER-1** If the name is taken, it MUST return [`Create::Exists`] and change nothing.
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError>;

    /// Returns the policy, if there is one.
    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError>;

    /// Replaces the row of `policy.name` if its version is `policy.version`. The stored row gets that version
    /// plus one.
    ///
    /// - **ROLLOVER-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`]
    ///   and change nothing.
    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError>;

    /// Removes the policy. Returns false if there was none.
    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError>;

    /// Returns up to `limit` policies after the name `after`.
    ///
    /// - **ROLLOVER-3** They MUST be in the byte order of their names, each once.
    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError>;
}
