//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError, next_version};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader};

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
            let mut select = connection.prepare_cached(include_str!("sql/index_head.sql"))?;
            let mut rows = select.query([entry.uid.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(Put::Conflict) };
            let reader = Reader { table: "indexes", key: &entry.uid, row };
            if reader.counter(HEAD_VERSION)? != entry.version {
                return Ok(Put::Conflict);
            }
            let version = next_version(entry.version)?;
            write(connection, &entry, version, include_str!("sql/index_update.sql"))?;
            Ok(Put::Stored)
        })
        .await
    }

    async fn index_delete(&self, uid: &IndexUid) -> Result<bool, StoreError> {
        let uid = uid.clone();
        self.write(move |connection| {
            let delete = |sql| connection.prepare_cached(sql)?.execute([uid.as_str()]);
            delete(include_str!("sql/node_settings_delete.sql"))?;
            Ok(delete(include_str!("sql/index_delete.sql"))? > 0)
        })
        .await
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(include_str!("sql/index_list.sql"))?;
            // No uid is empty, so all come after the empty text.
            let mut rows = select.query((after.as_ref().map_or("", IndexUid::as_str), limit))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(decode(row)?);
            }
            Ok(entries)
        })
        .await
    }
}

fn write(connection: &Connection, entry: &IndexEntry, version: u64, sql: &str) -> Result<bool, Failure> {
    let changed = connection.prepare_cached(sql)?.execute(named_params! {
        ":uid": entry.uid.as_str(),
        ":primary_key": entry.primary_key.as_ref().map(miroir_domain::document::PrimaryKey::as_str),
        ":shard_count": entry.shard_count,
        ":settings_version": entry.settings_version.cast_signed(),
        ":created_at": entry.created_at.as_millis(),
        ":updated_at": entry.updated_at.as_millis(),
        ":version": version.cast_signed(),
    })?;
    Ok(changed > 0)
}

fn get(connection: &Connection, uid: &IndexUid) -> Result<Option<IndexEntry>, Failure> {
    let mut select = connection.prepare_cached(include_str!("sql/index_get.sql"))?;
    let mut rows = select.query([uid.as_str()])?;
    rows.next()?.map(decode).transpose()
}

fn decode(row: &Row<'_>) -> Result<IndexEntry, Failure> {
    let key: String = row.get(UID.0)?;
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
