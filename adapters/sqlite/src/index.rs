//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError, next_version};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::Reader;

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
            if reader.counter("version")? != entry.version {
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
    let key: String = row.get("uid")?;
    let reader = Reader { table: "indexes", key: &key, row };
    Ok(IndexEntry {
        uid: reader.name_always("uid")?,
        primary_key: reader.checked("primary_key")?,
        shard_count: reader.get("shard_count")?,
        settings_version: reader.counter("settings_version")?,
        created_at: reader.time_always("created_at")?,
        updated_at: reader.time_always("updated_at")?,
        version: reader.counter("version")?,
    })
}
