//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader, key_text};
use crate::statement::{all, change, one, replace};

// The columns of `index_get.sql` and `index_list.sql`.
const UID: Column = Column(0, "uid");
const PRIMARY_KEY: Column = Column(1, "primary_key");
const SHARD_COUNT: Column = Column(2, "shard_count");
const SETTINGS_VERSION: Column = Column(3, "settings_version");
const CREATED_AT: Column = Column(4, "created_at");
const UPDATED_AT: Column = Column(5, "updated_at");
const VERSION: Column = Column(6, "version");
// That of `index_head.sql`.
const HEAD_VERSION: Column = Column(0, "version");

#[async_trait]
impl IndexTable for SqliteStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        let entry = entry.clone();
        self.write(move |connection| {
            let created = write(connection, &entry, entry.version, include_str!("sql/index_insert.sql"))?;
            Ok(if created { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        let uid = uid.clone();
        self.read(move |connection| get(connection, &uid)).await
    }

    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        let entry = entry.clone();
        self.write(move |connection| {
            let found = one(connection, include_str!("sql/index_head.sql"), [entry.uid.as_str()], |row| {
                Reader { table: "indexes", key: &entry.uid, row }.counter(HEAD_VERSION)
            })?;
            replace(found, entry.version, |version| {
                write(connection, &entry, version, include_str!("sql/index_update.sql"))?;
                Ok(())
            })
        })
        .await
    }

    async fn index_delete(&self, uid: &IndexUid) -> Result<bool, StoreError> {
        let uid = uid.clone();
        self.write(move |connection| {
            change(connection, include_str!("sql/node_settings_delete.sql"), [uid.as_str()])?;
            Ok(change(connection, include_str!("sql/index_delete.sql"), [uid.as_str()])? > 0)
        })
        .await
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        self.read(move |connection| {
            // No uid is empty, so all come after the empty text.
            let after = after.as_ref().map_or("", IndexUid::as_str);
            all(connection, include_str!("sql/index_list.sql"), (after, limit), decode)
        })
        .await
    }
}

fn write(connection: &Connection, entry: &IndexEntry, version: u64, sql: &str) -> Result<bool, Failure> {
    let params = named_params! {
        ":uid": entry.uid.as_str(),
        ":primary_key": entry.primary_key.as_ref().map(miroir_domain::document::PrimaryKey::as_str),
        ":shard_count": entry.shard_count,
        ":settings_version": entry.settings_version.cast_signed(),
        ":created_at": entry.created_at.as_millis(),
        ":updated_at": entry.updated_at.as_millis(),
        ":version": version.cast_signed(),
    };
    Ok(change(connection, sql, params)? > 0)
}

fn get(connection: &Connection, uid: &IndexUid) -> Result<Option<IndexEntry>, Failure> {
    one(connection, include_str!("sql/index_get.sql"), [uid.as_str()], decode)
}

fn decode(row: &Row<'_>) -> Result<IndexEntry, Failure> {
    let key = key_text(row, UID)?;
    let reader = Reader { table: "indexes", key: &key, row };
    Ok(IndexEntry {
        uid: reader.name_always(UID)?,
        primary_key: reader.checked(PRIMARY_KEY)?,
        shard_count: reader.get(SHARD_COUNT)?,
        settings_version: reader.counter(SETTINGS_VERSION)?,
        created_at: reader.time_always(CREATED_AT)?,
        updated_at: reader.time_always(UPDATED_AT)?,
        version: reader.counter(VERSION)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        let all = [UID, PRIMARY_KEY, SHARD_COUNT, SETTINGS_VERSION, CREATED_AT, UPDATED_AT, VERSION];
        assert_columns(include_str!("sql/index_get.sql"), &all);
        assert_columns(include_str!("sql/index_list.sql"), &all);
        assert_columns(include_str!("sql/index_head.sql"), &[HEAD_VERSION]);
    }
}
