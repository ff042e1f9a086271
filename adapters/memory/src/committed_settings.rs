//! The committed settings of indexes.

use async_trait::async_trait;
use miroir_domain::PhysicalUid;
use miroir_domain::settings::CommittedSettings;
use miroir_ports::outbound::{CommittedSettingsTable, Put, StoreError};

use crate::store::MemoryStore;
use crate::versioned::put;

#[async_trait]
impl CommittedSettingsTable for MemoryStore {
    async fn settings_get(&self, index: &PhysicalUid) -> Result<Option<CommittedSettings>, StoreError> {
        Ok(self.data()?.committed_settings.get(index).cloned())
    }

    async fn settings_replace(&self, row: &CommittedSettings) -> Result<(), StoreError> {
        row.check()?;
        self.data()?.committed_settings.insert(row.index.clone(), row.clone());
        Ok(())
    }

    async fn settings_put(&self, row: &CommittedSettings) -> Result<Put, StoreError> {
        row.check()?;
        put(&mut self.data()?.committed_settings, &row.index, row.clone())
    }

    async fn settings_forget(&self, index: &PhysicalUid) -> Result<bool, StoreError> {
        Ok(self.data()?.committed_settings.remove(index).is_some())
    }
}
