//! Table 11, `tenant_map`.

use async_trait::async_trait;
use miroir_domain::GroupId;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_ports::outbound::{StoreError, TenantTable};
use rusqlite::Row;

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader};
use crate::statement::{all, change, one};

// The columns of `tenant_get.sql` and `tenant_list.sql`.
const API_KEY_HASH: Column = Column(0, "api_key_hash");
const TENANT_ID: Column = Column(1, "tenant_id");
const GROUP_ID: Column = Column(2, "group_id");

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
        self.read(move |connection| one(connection, include_str!("sql/tenant_get.sql"), [hash.0], decode))
            .await
    }

    async fn tenant_delete(&self, hash: ApiKeyHash) -> Result<bool, StoreError> {
        self.write(move |connection| {
            Ok(change(connection, include_str!("sql/tenant_delete.sql"), [hash.0])? > 0)
        })
        .await
    }

    async fn tenant_list(&self, after: Option<ApiKeyHash>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        // No hash is empty, so all come after the empty one.
        let after = after.map_or(Vec::new(), |hash| hash.0.to_vec());
        self.read(move |connection| {
            all(connection, include_str!("sql/tenant_list.sql"), (after, limit), decode)
        })
        .await
    }
}

fn decode(row: &Row<'_>) -> Result<Tenant, Failure> {
    // The beginning of the hash tells which row is meant, and nobody anything else.
    let hash: Vec<u8> = row.get(API_KEY_HASH.0)?;
    let key: String =
        hash.iter().take(4).map(|byte| format!("{byte:02x}")).chain(["..".to_owned()]).collect();
    let reader = Reader { table: "tenant_map", key: &key, row };
    Ok(Tenant {
        api_key_hash: ApiKeyHash(reader.get(API_KEY_HASH)?),
        tenant_id: reader.get(TENANT_ID)?,
        group_id: reader.get::<Option<u32>>(GROUP_ID)?.map(GroupId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        assert_columns(include_str!("sql/tenant_get.sql"), &[API_KEY_HASH, TENANT_ID, GROUP_ID]);
        assert_columns(include_str!("sql/tenant_list.sql"), &[API_KEY_HASH, TENANT_ID, GROUP_ID]);
    }
}
