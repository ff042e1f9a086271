//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;

use super::error::StoreError;
use super::write::{Create, Put};

/// Policies of rolling indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RolloverTable: Send + Sync + 'static {
    /// Stores a new policy, its version as given.
    ///
    /// - **ROLLOVER-1** When the name is taken it MUST answer [`Create::Exists`] and change nothing.
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError>;

    /// The policy, or none.
    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError>;

    /// Replaces the row of `policy.name` if its version is `policy.version`; the stored row gets that plus one.
    ///
    /// - **ROLLOVER-2** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError>;

    /// Removes the policy; false when there was none.
    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError>;

    /// Up to `limit` policies, starting after `after`.
    ///
    /// - **ROLLOVER-3** They MUST come in the byte order of their names, each once.
    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError>;
}
