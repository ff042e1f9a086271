//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::document::PrimaryKey;
use miroir_domain::index::IndexEntry;
use miroir_domain::{IndexUid, PhysicalUid};
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{change, changed, value};
use crate::store::SqliteStore;
use crate::table::{Keyed, Versioned};

// The columns of `index_get.sql` and `index_list.sql`.
const UID: Column = Column(0, "uid");
const PHYSICAL_UID: Column = Column(1, "physical_uid");
const PRIMARY_KEY: Column = Column(2, "primary_key");
const SHARD_COUNT: Column = Column(3, "shard_count");
const SETTINGS_VERSION: Column = Column(4, "settings_version");
const CREATED_AT: Column = Column(5, "created_at");
const UPDATED_AT: Column = Column(6, "updated_at");
const VERSION: Column = Column(7, "version");
// The column of `index_head.sql`.
const HEAD_VERSION: Column = Column(0, "version");

impl Row for IndexEntry {
    const TABLE: &'static str = "indexes";
    const KEY: &'static [Column] = &[UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            uid: reader.name_always(UID)?,
            physical_uid: reader.name_always(PHYSICAL_UID)?,
            primary_key: reader.checked(PRIMARY_KEY)?,
            shard_count: reader.get(SHARD_COUNT)?,
            settings_version: reader.counter(SETTINGS_VERSION)?,
            created_at: reader.time_always(CREATED_AT)?,
            updated_at: reader.time_always(UPDATED_AT)?,
            version: reader.counter(VERSION)?,
        })
    }
}

impl Keyed for IndexEntry {
    const GET: &'static str = include_str!("sql/index_get.sql");
    const LIST: &'static str = include_str!("sql/index_list.sql");
    const DELETE: &'static str = include_str!("sql/index_delete.sql");
}

impl Versioned for IndexEntry {
    const INSERT: &'static str = include_str!("sql/index_insert.sql");
    const UPDATE: &'static str = include_str!("sql/index_update.sql");

    fn key(&self) -> &str {
        self.uid.as_str()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure> {
        let params = named_params! {
            ":uid": self.uid.as_str(),
            ":physical_uid": self.physical_uid.as_str(),
            ":primary_key": self.primary_key.as_ref().map(PrimaryKey::as_str),
            ":shard_count": self.shard_count,
            ":settings_version": self.settings_version.cast_signed(),
            ":created_at": self.created_at.as_millis(),
            ":updated_at": self.updated_at.as_millis(),
            ":version": version.cast_signed(),
        };
        changed(connection, sql, params)
    }

    /// Reads the version alone: the entry changes with every change of settings.
    fn stored_version(&self, connection: &Connection) -> Result<Option<u64>, Failure> {
        value(connection, include_str!("sql/index_head.sql"), [self.key()], |row| {
            Reader { table: Self::TABLE, key: &self.uid, row }.counter(HEAD_VERSION)
        })
    }
}

#[async_trait]
impl IndexTable for SqliteStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        self.row_create(entry).await
    }

    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        self.row_get(uid.as_str().to_owned()).await
    }

    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        self.row_put([entry]).await
    }

    async fn index_delete(&self, uid: &IndexUid, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        let (uid, physical_uid) = (uid.clone(), physical_uid.clone());
        self.write(move |connection| {
            let physical_uid = physical_uid.as_str();
            change(connection, include_str!("sql/node_settings_delete.sql"), [physical_uid])?;
            change(connection, include_str!("sql/deleted_index_insert.sql"), [physical_uid])?;
            changed(connection, IndexEntry::DELETE, [uid.as_str(), physical_uid])
        })
        .await
    }

    async fn index_was_deleted(&self, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        let physical_uid = physical_uid.clone();
        self.read(move |connection| {
            let found = value(
                connection,
                include_str!("sql/deleted_index_get.sql"),
                [physical_uid.as_str()],
                |_| Ok(()),
            )?;
            Ok(found.is_some())
        })
        .await
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let all =
            [UID, PHYSICAL_UID, PRIMARY_KEY, SHARD_COUNT, SETTINGS_VERSION, CREATED_AT, UPDATED_AT, VERSION];
        assert_columns(IndexEntry::GET, &all);
        assert_columns(IndexEntry::LIST, &all);
        assert_columns(include_str!("sql/index_head.sql"), &[HEAD_VERSION]);
    }
}
