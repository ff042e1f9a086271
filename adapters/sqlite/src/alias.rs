//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{Alias, AliasTarget};
use miroir_ports::outbound::{AliasTable, Create, Put, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::changed;
use crate::store::SqliteStore;
use crate::table::{Keyed, Versioned};

// The columns of `alias_get.sql` and `alias_list.sql`.
const NAME: Column = Column(0, "name");
const CURRENT_UID: Column = Column(1, "current_uid");
const TARGET_UIDS: Column = Column(2, "target_uids");
const VERSION: Column = Column(3, "version");
const CREATED_AT: Column = Column(4, "created_at");
const HISTORY: Column = Column(5, "history");

impl Row for Alias {
    const TABLE: &'static str = "aliases";
    const KEY: &'static [Column] = &[NAME];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        let target = match reader.name(CURRENT_UID)? {
            Some(uid) => AliasTarget::Single(uid),
            None => AliasTarget::Multi(reader.json_always(TARGET_UIDS)?),
        };
        Ok(Self {
            name: reader.name_always(NAME)?,
            target,
            version: reader.counter(VERSION)?,
            created_at: reader.time_always(CREATED_AT)?,
            history: reader.json_always(HISTORY)?,
        })
    }
}

impl Keyed for Alias {
    const GET: &'static str = include_str!("sql/alias_get.sql");
    const LIST: &'static str = include_str!("sql/alias_list.sql");
    const DELETE: &'static str = include_str!("sql/alias_delete.sql");
}

impl Versioned for Alias {
    const INSERT: &'static str = include_str!("sql/alias_insert.sql");
    const UPDATE: &'static str = include_str!("sql/alias_update.sql");

    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure> {
        let (kind, current, targets) = match &self.target {
            AliasTarget::Single(uid) => ("single", Some(uid.as_str()), None),
            AliasTarget::Multi(uids) => ("multi", None, Some(to_json(uids)?)),
        };
        let params = named_params! {
            ":name": self.name.as_str(),
            ":kind": kind,
            ":current_uid": current,
            ":target_uids": targets,
            ":version": version.cast_signed(),
            ":created_at": self.created_at.as_millis(),
            ":history": to_json(&self.history)?,
        };
        changed(connection, sql, params)
    }
}

#[async_trait]
impl AliasTable for SqliteStore {
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError> {
        self.row_create(alias).await
    }

    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError> {
        self.row_get(name.as_str().to_owned()).await
    }

    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError> {
        self.row_put([alias]).await
    }

    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError> {
        first.check_swap(second)?;
        self.row_put([first, second]).await
    }

    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError> {
        self.row_delete::<Alias>(name.as_str().to_owned()).await
    }

    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [NAME, CURRENT_UID, TARGET_UIDS, VERSION, CREATED_AT, HISTORY];
        assert_columns(Alias::GET, &columns);
        assert_columns(Alias::LIST, &columns);
    }
}
