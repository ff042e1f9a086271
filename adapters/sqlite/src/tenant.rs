//! Table 11, `tenant_map`.

use async_trait::async_trait;
use miroir_domain::GroupId;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_ports::outbound::{StoreError, TenantTable};

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::change;
use crate::store::SqliteStore;
use crate::table::Keyed;

// The columns of `tenant_get.sql` and `tenant_list.sql`.
const API_KEY_HASH: Column = Column(0, "api_key_hash");
const TENANT_ID: Column = Column(1, "tenant_id");
const GROUP_ID: Column = Column(2, "group_id");

impl Row for Tenant {
    const TABLE: &'static str = "tenant_map";
    const KEY: &'static [Column] = &[API_KEY_HASH];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            api_key_hash: ApiKeyHash(reader.get(API_KEY_HASH)?),
            tenant_id: reader.get(TENANT_ID)?,
            group_id: reader.get::<Option<u32>>(GROUP_ID)?.map(GroupId),
        })
    }

    /// Returns the first four bytes of the hash: enough to find the row, and not a copy of a secret.
    fn label(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
        let hash: Vec<u8> = row.get(API_KEY_HASH.0)?;
        Ok(hash.iter().take(4).map(|byte| format!("{byte:02x}")).chain(["..".to_owned()]).collect())
    }
}

impl Keyed for Tenant {
    const GET: &'static str = include_str!("sql/tenant_get.sql");
    const LIST: &'static str = include_str!("sql/tenant_list.sql");
    const DELETE: &'static str = include_str!("sql/tenant_delete.sql");
}

#[async_trait]
impl TenantTable for SqliteStore {
    async fn tenant_put(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            let group = tenant.group_id.map(|group| group.0);
            let params = (tenant.api_key_hash.0, tenant.tenant_id.as_str(), group);
            change(connection, include_str!("sql/tenant_upsert.sql"), params)?;
            Ok(())
        })
        .await
    }

    async fn tenant_get(&self, hash: ApiKeyHash) -> Result<Option<Tenant>, StoreError> {
        self.row_get(hash.0).await
    }

    async fn tenant_delete(&self, hash: ApiKeyHash) -> Result<bool, StoreError> {
        self.row_delete::<Tenant>(hash.0).await
    }

    async fn tenant_list(&self, after: Option<ApiKeyHash>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        self.row_list(after.map(|hash| hash.0), limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        assert_columns(Tenant::GET, &[API_KEY_HASH, TENANT_ID, GROUP_ID]);
        assert_columns(Tenant::LIST, &[API_KEY_HASH, TENANT_ID, GROUP_ID]);
    }
}
