//! The identity of the cluster and of its nodes, `cluster` and `nodes`.

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::identity::{ClusterRow, Incarnation, NodeRow};
use miroir_domain::row::next_version;
use miroir_ports::outbound::{Create, IdentityTable, Put, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{all, change, changed, one};
use crate::store::SqliteStore;

// The columns of `cluster_get.sql`.
const ID: Column = Column(0, "id");
const EPOCH: Column = Column(1, "epoch");
const TOPOLOGY: Column = Column(2, "topology");
const VERSION: Column = Column(3, "version");
// The columns of `node_list.sql`.
const NODE_ID: Column = Column(0, "node_id");
const INCARNATION: Column = Column(1, "incarnation");
const NEWEST_TASK: Column = Column(2, "newest_task");
const UPDATED_AT: Column = Column(3, "updated_at");

impl Row for ClusterRow {
    const TABLE: &'static str = "cluster";
    const KEY: &'static [Column] = &[ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            id: reader.name_always(ID)?,
            epoch: reader.counter(EPOCH)?,
            topology: reader.json_always(TOPOLOGY)?,
            version: reader.counter(VERSION)?,
        })
    }
}

impl Row for NodeRow {
    const TABLE: &'static str = "nodes";
    const KEY: &'static [Column] = &[NODE_ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            node: reader.name_always(NODE_ID)?,
            incarnation: reader.name(INCARNATION)?,
            newest_task: reader.json(NEWEST_TASK)?,
            updated_at: reader.time_always(UPDATED_AT)?,
        })
    }
}

#[async_trait]
impl IdentityTable for SqliteStore {
    async fn cluster_create(&self, row: &ClusterRow) -> Result<Create, StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            let created = write(connection, &row, row.version, include_str!("sql/cluster_insert.sql"))?;
            Ok(if created { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn cluster_get(&self) -> Result<Option<ClusterRow>, StoreError> {
        self.read(get).await
    }

    async fn cluster_put(&self, row: &ClusterRow) -> Result<Put, StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            if get(connection)?.map(|stored| stored.version) != Some(row.version) {
                return Ok(Put::Conflict);
            }
            let version = next_version(row.version)?;
            write(connection, &row, version, include_str!("sql/cluster_update.sql"))?;
            Ok(Put::Stored)
        })
        .await
    }

    async fn node_put(&self, row: &NodeRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            let incarnation = row.incarnation.as_ref().map(Incarnation::as_str);
            let newest_task = row.newest_task.as_ref().map(to_json).transpose()?;
            let params = (row.node.as_str(), incarnation, newest_task, row.updated_at.as_millis());
            change(connection, include_str!("sql/node_upsert.sql"), params)?;
            Ok(())
        })
        .await
    }

    async fn node_delete(&self, node: &NodeId) -> Result<bool, StoreError> {
        let node = node.clone();
        self.write(move |connection| {
            changed(connection, include_str!("sql/node_delete.sql"), [node.as_str()])
        })
        .await
    }

    async fn node_list(&self) -> Result<Vec<NodeRow>, StoreError> {
        self.read(|connection| all(connection, include_str!("sql/node_list.sql"), ())).await
    }
}

fn get(connection: &Connection) -> Result<Option<ClusterRow>, Failure> {
    one(connection, include_str!("sql/cluster_get.sql"), ())
}

/// Runs `sql`, which inserts or updates the row, with `version`. Returns whether a row was written.
fn write(connection: &Connection, row: &ClusterRow, version: u64, sql: &str) -> Result<bool, Failure> {
    let params = named_params! {
        ":id": row.id.as_str(),
        ":epoch": row.epoch.cast_signed(),
        ":topology": to_json(&row.topology)?,
        ":version": version.cast_signed(),
    };
    changed(connection, sql, params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        assert_columns(include_str!("sql/cluster_get.sql"), &[ID, EPOCH, TOPOLOGY, VERSION]);
        assert_columns(include_str!("sql/node_list.sql"), &[NODE_ID, INCARNATION, NEWEST_TASK, UPDATED_AT]);
    }
}
