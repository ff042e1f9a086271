//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;
use miroir_ports::outbound::{Create, Put, RolloverTable, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, page, put};

#[async_trait]
impl RolloverTable for MemoryStore {
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError> {
        policy.check()?;
        Ok(create(&mut self.data()?.rollovers, policy.name.clone(), policy.clone()))
    }

    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError> {
        Ok(self.data()?.rollovers.get(name).cloned())
    }

    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError> {
        policy.check()?;
        put(&mut self.data()?.rollovers, &policy.name, policy.clone())
    }

    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.data()?.rollovers.remove(name).is_some())
    }

    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError> {
        Ok(page(&self.data()?.rollovers, after, limit))
    }
}
