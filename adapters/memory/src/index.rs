//! The index registry.

use std::ops::Bound;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError, next_version};

use crate::MemoryStore;

#[async_trait]
impl IndexTable for MemoryStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        let mut data = self.data()?;
        if data.indexes.contains_key(&entry.uid) {
            return Ok(Create::Exists);
        }
        data.indexes.insert(entry.uid.clone(), entry.clone());
        Ok(Create::Created)
    }

    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        Ok(self.data()?.indexes.get(uid).cloned())
    }

    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        let mut data = self.data()?;
        match data.indexes.get_mut(&entry.uid) {
            Some(stored) if stored.version == entry.version => {
                let version = next_version(entry.version)?;
                *stored = IndexEntry { version, ..entry.clone() };
                Ok(Put::Stored)
            }
            _ => Ok(Put::Conflict),
        }
    }

    async fn index_delete(&self, uid: &IndexUid) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        data.node_settings.retain(|(index, _), _| index != uid);
        Ok(data.indexes.remove(uid).is_some())
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let data = self.data()?;
        Ok(data
            .indexes
            .range((start, Bound::Unbounded))
            .take(limit as usize)
            .map(|(_, e)| e.clone())
            .collect())
    }
}
