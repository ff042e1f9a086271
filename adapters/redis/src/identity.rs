//! The identity of the cluster and of its nodes.

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::identity::{ClusterRow, NodeRow};
use miroir_ports::outbound::{Create, IdentityTable, Put, StoreError};

use crate::keys::{CLUSTER, NODES, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

/// The name of the one row about the cluster.
const ONLY: &str = "1";

impl Row for ClusterRow {
    const TABLE: Table = CLUSTER;
    const FIELDS: &'static [&'static str] = &["id", "epoch", "topology", "version"];

    fn name(&self) -> String {
        ONLY.to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default().with("id", &self.id).with("epoch", self.epoch).json("topology", &self.topology)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.parsed_always("id")?,
            epoch: reader.parsed_always("epoch")?,
            topology: reader.json_always("topology")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for ClusterRow {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Row for NodeRow {
    const TABLE: Table = NODES;
    const FIELDS: &'static [&'static str] = &["node", "incarnation", "newest_task", "updated_at"];

    fn name(&self) -> String {
        self.node.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default()
            .with("node", &self.node)
            .maybe("incarnation", self.incarnation.as_ref())
            .time("updated_at", self.updated_at)
            .maybe_json("newest_task", self.newest_task.as_ref())
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            node: reader.parsed_always("node")?,
            incarnation: reader.parsed("incarnation")?,
            newest_task: reader.json("newest_task")?,
            updated_at: reader.time_always("updated_at")?,
        })
    }
}

#[async_trait]
impl IdentityTable for RedisStore {
    async fn cluster_create(&self, row: &ClusterRow) -> Result<Create, StoreError> {
        self.row_create(row).await
    }

    async fn cluster_get(&self) -> Result<Option<ClusterRow>, StoreError> {
        self.row_get(ONLY).await
    }

    async fn cluster_put(&self, row: &ClusterRow) -> Result<Put, StoreError> {
        self.row_put(&[row]).await
    }

    async fn node_put(&self, row: &NodeRow) -> Result<(), StoreError> {
        self.row_upsert(row).await
    }

    async fn node_delete(&self, node: &NodeId) -> Result<bool, StoreError> {
        self.row_delete::<NodeRow>(node.as_str()).await
    }

    async fn node_list(&self) -> Result<Vec<NodeRow>, StoreError> {
        self.row_list(None, u32::MAX).await
    }
}
