//! Table 11, `tenant_map`.

use async_trait::async_trait;
use miroir_domain::GroupId;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_ports::outbound::{StoreError, TenantTable};

use crate::keys::{TENANTS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::Row;

impl Row for Tenant {
    const TABLE: Table = TENANTS;
    const FIELDS: &'static [&'static str] = &["api_key_hash", "tenant_id", "group_id"];

    fn name(&self) -> String {
        self.api_key_hash.to_hex()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .bytes("api_key_hash", &self.api_key_hash.0)
            .with("tenant_id", &self.tenant_id)
            .maybe("group_id", self.group_id.map(|group| group.0)))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            api_key_hash: ApiKeyHash(reader.hash("api_key_hash")?),
            tenant_id: reader.text_always("tenant_id")?,
            group_id: reader.parsed("group_id")?.map(GroupId),
        })
    }
}

#[async_trait]
impl TenantTable for RedisStore {
    async fn tenant_put(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.row_upsert(tenant).await
    }

    async fn tenant_get(&self, hash: ApiKeyHash) -> Result<Option<Tenant>, StoreError> {
        self.row_get(&hash.to_hex()).await
    }

    async fn tenant_delete(&self, hash: ApiKeyHash) -> Result<bool, StoreError> {
        self.row_delete::<Tenant>(&hash.to_hex()).await
    }

    async fn tenant_list(&self, after: Option<ApiKeyHash>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        self.row_list(after.map(ApiKeyHash::to_hex), limit).await
    }
}
