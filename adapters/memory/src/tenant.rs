//! Table 11, `tenant_map`.

use async_trait::async_trait;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_ports::outbound::{StoreError, TenantTable};

use crate::store::MemoryStore;
use crate::versioned::page;

#[async_trait]
impl TenantTable for MemoryStore {
    async fn tenant_put(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.data()?.tenants.insert(tenant.api_key_hash, tenant.clone());
        Ok(())
    }

    async fn tenant_get(&self, hash: ApiKeyHash) -> Result<Option<Tenant>, StoreError> {
        Ok(self.data()?.tenants.get(&hash).cloned())
    }

    async fn tenant_delete(&self, hash: ApiKeyHash) -> Result<bool, StoreError> {
        Ok(self.data()?.tenants.remove(&hash).is_some())
    }

    async fn tenant_list(&self, after: Option<ApiKeyHash>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        Ok(page(&self.data()?.tenants, after, limit))
    }
}
