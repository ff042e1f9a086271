//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;
use miroir_ports::outbound::{Create, Put, RolloverTable, StoreError};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader, key_text, to_json};
use crate::statement::{all, change, one, replace};

// The columns of `rollover_get.sql` and `rollover_list.sql`.
const NAME: Column = Column(0, "name");
const WRITE_ALIAS: Column = Column(1, "write_alias");
const READ_ALIAS: Column = Column(2, "read_alias");
const PATTERN: Column = Column(3, "pattern");
const TRIGGERS: Column = Column(4, "triggers_json");
const RETENTION: Column = Column(5, "retention_json");
const TEMPLATE: Column = Column(6, "template_json");
const ENABLED: Column = Column(7, "enabled");
const VERSION: Column = Column(8, "version");

#[async_trait]
impl RolloverTable for SqliteStore {
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError> {
        policy.check()?;
        let policy = policy.clone();
        self.write(move |connection| {
            let created =
                write(connection, &policy, policy.version, include_str!("sql/rollover_insert.sql"))?;
            Ok(if created > 0 { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| get(connection, &name)).await
    }

    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError> {
        policy.check()?;
        let policy = policy.clone();
        self.write(move |connection| {
            let found = get(connection, &policy.name)?.map(|row| row.version);
            replace(found, policy.version, |version| {
                write(connection, &policy, version, include_str!("sql/rollover_update.sql"))?;
                Ok(())
            })
        })
        .await
    }

    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(move |connection| {
            Ok(change(connection, include_str!("sql/rollover_delete.sql"), [name.as_str()])? > 0)
        })
        .await
    }

    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError> {
        self.read(move |connection| {
            let after = after.as_deref();
            all(
                connection,
                include_str!("sql/rollover_list.sql"),
                (after.unwrap_or(""), after, limit),
                decode,
            )
        })
        .await
    }
}

fn get(connection: &Connection, name: &str) -> Result<Option<RolloverPolicy>, Failure> {
    one(connection, include_str!("sql/rollover_get.sql"), [name], decode)
}

fn write(connection: &Connection, policy: &RolloverPolicy, version: u64, sql: &str) -> Result<u64, Failure> {
    let params = named_params! {
        ":name": policy.name,
        ":write_alias": policy.write_alias.as_str(),
        ":read_alias": policy.read_alias.as_str(),
        ":pattern": policy.pattern,
        ":triggers": to_json(&policy.triggers)?,
        ":retention": to_json(&policy.retention)?,
        ":template": to_json(&policy.template)?,
        ":enabled": policy.enabled,
        ":version": version.cast_signed(),
    };
    change(connection, sql, params)
}

fn decode(row: &Row<'_>) -> Result<RolloverPolicy, Failure> {
    let key = key_text(row, NAME)?;
    let reader = Reader { table: "rollover_policies", key: &key, row };
    Ok(RolloverPolicy {
        name: reader.get(NAME)?,
        write_alias: reader.name_always(WRITE_ALIAS)?,
        read_alias: reader.name_always(READ_ALIAS)?,
        pattern: reader.get(PATTERN)?,
        triggers: reader.json_always(TRIGGERS)?,
        retention: reader.json_always(RETENTION)?,
        template: reader.json_always(TEMPLATE)?,
        enabled: reader.get(ENABLED)?,
        version: reader.counter(VERSION)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        let columns =
            [NAME, WRITE_ALIAS, READ_ALIAS, PATTERN, TRIGGERS, RETENTION, TEMPLATE, ENABLED, VERSION];
        assert_columns(include_str!("sql/rollover_get.sql"), &columns);
        assert_columns(include_str!("sql/rollover_list.sql"), &columns);
    }
}
