//! Table 2, `node_settings_version`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, NodeId, Timestamp};
use miroir_ports::outbound::{Advance, NodeSettingsTable, NodeSettingsVersion, StoreError};
use rusqlite::{Connection, Row};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::Reader;

#[async_trait]
impl NodeSettingsTable for SqliteStore {
    async fn node_settings_advance(
        &self,
        index: &IndexUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let (index, node) = (index.clone(), node.clone());
        self.write(move |connection| {
            // Compared here and not in SQL, where the upper half of the numbers looks negative.
            if let Some(row) = get(connection, &index, &node)?
                && row.version >= version
            {
                return Ok(Advance::Behind(row.version));
            }
            let mut upsert = connection.prepare_cached(include_str!("sql/node_settings_upsert.sql"))?;
            upsert.execute((index.as_str(), node.as_str(), version.cast_signed(), now.as_millis()))?;
            Ok(Advance::Advanced)
        })
        .await
    }

    async fn node_settings_get(
        &self,
        index: &IndexUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError> {
        let (index, node) = (index.clone(), node.clone());
        self.read(move |connection| get(connection, &index, &node)).await
    }

    async fn node_settings_list(&self, index: &IndexUid) -> Result<Vec<NodeSettingsVersion>, StoreError> {
        let index = index.clone();
        self.read(move |connection| {
            let mut select = connection.prepare_cached(include_str!("sql/node_settings_list.sql"))?;
            let mut rows = select.query([index.as_str()])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(decode(row)?);
            }
            Ok(all)
        })
        .await
    }
}

fn get(
    connection: &Connection,
    index: &IndexUid,
    node: &NodeId,
) -> Result<Option<NodeSettingsVersion>, Failure> {
    let mut select = connection.prepare_cached(include_str!("sql/node_settings_get.sql"))?;
    let mut rows = select.query([index.as_str(), node.as_str()])?;
    rows.next()?.map(decode).transpose()
}

fn decode(row: &Row<'_>) -> Result<NodeSettingsVersion, Failure> {
    let key = format!("{}/{}", row.get::<_, String>("index_uid")?, row.get::<_, String>("node_id")?);
    let reader = Reader { table: "node_settings_version", key: &key, row };
    Ok(NodeSettingsVersion {
        index_uid: reader.name_always("index_uid")?,
        node_id: reader.name_always("node_id")?,
        version: reader.counter("version")?,
        updated_at: reader.time_always("updated_at")?,
    })
}
