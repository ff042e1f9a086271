//! Table 2, `node_settings_version`.

use async_trait::async_trait;
use miroir_domain::{NodeId, PhysicalUid, Timestamp};
use miroir_ports::outbound::{Advance, NodeSettingsTable, NodeSettingsVersion, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{advance, all, change, one};
use crate::store::SqliteStore;

// The columns of `node_settings_get.sql` and `node_settings_list.sql`.
const INDEX_UID: Column = Column(0, "index_uid");
const NODE_ID: Column = Column(1, "node_id");
const VERSION: Column = Column(2, "version");
const UPDATED_AT: Column = Column(3, "updated_at");

impl Row for NodeSettingsVersion {
    const TABLE: &'static str = "node_settings_version";
    const KEY: &'static [Column] = &[INDEX_UID, NODE_ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            index_uid: reader.name_always(INDEX_UID)?,
            node_id: reader.name_always(NODE_ID)?,
            version: reader.counter(VERSION)?,
            updated_at: reader.time_always(UPDATED_AT)?,
        })
    }
}

#[async_trait]
impl NodeSettingsTable for SqliteStore {
    async fn node_settings_advance(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let (index, node) = (index.clone(), node.clone());
        self.write(move |connection| {
            let held = get(connection, &index, &node)?.map(|row| row.version);
            advance(held, version, || {
                let params = (index.as_str(), node.as_str(), version.cast_signed(), now.as_millis());
                change(connection, include_str!("sql/node_settings_upsert.sql"), params)?;
                Ok(())
            })
        })
        .await
    }

    async fn node_settings_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError> {
        let (index, node) = (index.clone(), node.clone());
        self.read(move |connection| get(connection, &index, &node)).await
    }

    async fn node_settings_list(&self, index: &PhysicalUid) -> Result<Vec<NodeSettingsVersion>, StoreError> {
        let index = index.clone();
        self.read(move |connection| {
            all(connection, include_str!("sql/node_settings_list.sql"), [index.as_str()])
        })
        .await
    }
}

fn get(
    connection: &Connection,
    index: &PhysicalUid,
    node: &NodeId,
) -> Result<Option<NodeSettingsVersion>, Failure> {
    one(connection, include_str!("sql/node_settings_get.sql"), [index.as_str(), node.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let all = [INDEX_UID, NODE_ID, VERSION, UPDATED_AT];
        assert_columns(include_str!("sql/node_settings_get.sql"), &all);
        assert_columns(include_str!("sql/node_settings_list.sql"), &all);
    }
}
