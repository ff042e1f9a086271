//! Table 11, `tenant_map`.

use async_trait::async_trait;
use miroir_domain::tenant::{ApiKeyHash, Tenant};

use super::error::StoreError;

/// Tenants by the hash of their API key.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TenantTable: Send + Sync + 'static {
    /// Stores or replaces a row.
    async fn tenant_put(&self, tenant: &Tenant) -> Result<(), StoreError>;

    /// Returns the tenant of a key, if there is one.
    async fn tenant_get(&self, hash: ApiKeyHash) -> Result<Option<Tenant>, StoreError>;

    /// Removes a row. Returns false if there was none.
    async fn tenant_delete(&self, hash: ApiKeyHash) -> Result<bool, StoreError>;

    /// Returns up to `limit` rows after the hash `after`.
    ///
    /// - **TENANT-1** They MUST be in the byte order of their hashes, each once.
    async fn tenant_list(&self, after: Option<ApiKeyHash>, limit: u32) -> Result<Vec<Tenant>, StoreError>;
}
