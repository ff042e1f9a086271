//! The index registry.

use async_trait::async_trait;
use miroir_domain::index::IndexEntry;
use miroir_domain::{IndexUid, PhysicalUid};
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, page, put};

#[async_trait]
impl IndexTable for MemoryStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        Ok(create(&mut self.data()?.indexes, entry.uid.clone(), entry.clone()))
    }

    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        Ok(self.data()?.indexes.get(uid).cloned())
    }

    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        put(&mut self.data()?.indexes, &entry.uid, entry.clone())
    }

    async fn index_delete(&self, uid: &IndexUid, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        data.node_settings.retain(|(index, _), _| index != physical_uid);
        data.deleted_indexes.insert(physical_uid.clone());
        let is_there = data.indexes.get(uid).is_some_and(|entry| entry.physical_uid == *physical_uid);
        Ok(is_there && data.indexes.remove(uid).is_some())
    }

    async fn index_was_deleted(&self, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        Ok(self.data()?.deleted_indexes.contains(physical_uid))
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        Ok(page(&self.data()?.indexes, after, limit))
    }
}
