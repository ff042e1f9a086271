//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;
use miroir_ports::outbound::{Create, Put, RolloverTable, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::changed;
use crate::store::SqliteStore;
use crate::table::{Keyed, Versioned};

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

impl Row for RolloverPolicy {
    const TABLE: &'static str = "rollover_policies";
    const KEY: &'static [Column] = &[NAME];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
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
}

impl Keyed for RolloverPolicy {
    const GET: &'static str = include_str!("sql/rollover_get.sql");
    const LIST: &'static str = include_str!("sql/rollover_list.sql");
    const DELETE: &'static str = include_str!("sql/rollover_delete.sql");
}

impl Versioned for RolloverPolicy {
    const INSERT: &'static str = include_str!("sql/rollover_insert.sql");
    const UPDATE: &'static str = include_str!("sql/rollover_update.sql");

    fn key(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure> {
        let params = named_params! {
            ":name": self.name,
            ":write_alias": self.write_alias.as_str(),
            ":read_alias": self.read_alias.as_str(),
            ":pattern": self.pattern,
            ":triggers": to_json(&self.triggers)?,
            ":retention": to_json(&self.retention)?,
            ":template": to_json(&self.template)?,
            ":enabled": self.enabled,
            ":version": version.cast_signed(),
        };
        changed(connection, sql, params)
    }
}

#[async_trait]
impl RolloverTable for SqliteStore {
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError> {
        policy.check()?;
        self.row_create(policy).await
    }

    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError> {
        self.row_get(name.to_owned()).await
    }

    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError> {
        policy.check()?;
        self.row_put([policy]).await
    }

    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError> {
        self.row_delete::<RolloverPolicy>(name.to_owned()).await
    }

    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError> {
        self.row_list(after, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns =
            [NAME, WRITE_ALIAS, READ_ALIAS, PATTERN, TRIGGERS, RETENTION, TEMPLATE, ENABLED, VERSION];
        assert_columns(RolloverPolicy::GET, &columns);
        assert_columns(RolloverPolicy::LIST, &columns);
    }
}
