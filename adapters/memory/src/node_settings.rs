//! Table 2, `node_settings_version`.

use async_trait::async_trait;
use miroir_domain::{NodeId, PhysicalUid, Timestamp};
use miroir_ports::outbound::{Advance, NodeSettingsTable, NodeSettingsVersion, StoreError};

use crate::store::MemoryStore;

#[async_trait]
impl NodeSettingsTable for MemoryStore {
    async fn node_settings_advance(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let mut data = self.data()?;
        let key = (index.clone(), node.clone());
        if let Some(row) = data.node_settings.get(&key)
            && row.version >= version
        {
            return Ok(Advance::Behind(row.version));
        }
        let row =
            NodeSettingsVersion { index_uid: index.clone(), node_id: node.clone(), version, updated_at: now };
        data.node_settings.insert(key, row);
        Ok(Advance::Advanced)
    }

    async fn node_settings_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError> {
        Ok(self.data()?.node_settings.get(&(index.clone(), node.clone())).cloned())
    }

    async fn node_settings_list(&self, index: &PhysicalUid) -> Result<Vec<NodeSettingsVersion>, StoreError> {
        let data = self.data()?;
        Ok(data.node_settings.values().filter(|row| &row.index_uid == index).cloned().collect())
    }
}
