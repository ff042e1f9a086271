//! The identity of the cluster and of its nodes.

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::identity::{ClusterRow, NodeRow};
use miroir_domain::row::next_version;
use miroir_ports::outbound::{Create, IdentityTable, Put, StoreError};

use crate::store::MemoryStore;

#[async_trait]
impl IdentityTable for MemoryStore {
    async fn cluster_create(&self, row: &ClusterRow) -> Result<Create, StoreError> {
        let mut data = self.data()?;
        if data.cluster.is_some() {
            return Ok(Create::Exists);
        }
        data.cluster = Some(row.clone());
        Ok(Create::Created)
    }

    async fn cluster_get(&self) -> Result<Option<ClusterRow>, StoreError> {
        Ok(self.data()?.cluster.clone())
    }

    async fn cluster_put(&self, row: &ClusterRow) -> Result<Put, StoreError> {
        match &mut self.data()?.cluster {
            Some(stored) if stored.version == row.version => {
                *stored = ClusterRow { version: next_version(row.version)?, ..row.clone() };
                Ok(Put::Stored)
            }
            _ => Ok(Put::Conflict),
        }
    }

    async fn node_put(&self, row: &NodeRow) -> Result<(), StoreError> {
        self.data()?.nodes.insert(row.node.clone(), row.clone());
        Ok(())
    }

    async fn node_delete(&self, node: &NodeId) -> Result<bool, StoreError> {
        Ok(self.data()?.nodes.remove(node).is_some())
    }

    async fn node_list(&self) -> Result<Vec<NodeRow>, StoreError> {
        Ok(self.data()?.nodes.values().cloned().collect())
    }
}
