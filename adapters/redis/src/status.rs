//! Health and closing of the store.

use async_trait::async_trait;
use miroir_ports::outbound::{StoreError, StoreStatus};

use crate::call::changing;
use crate::keys::PROBE;
use crate::store::RedisStore;

#[async_trait]
impl StoreStatus for RedisStore {
    async fn store_ping(&self) -> Result<(), StoreError> {
        let mut script = changing!("lua/store_ping.lua");
        script.key(self.keys.own(PROBE, "_count"));
        let _: u64 = self.change_by(PROBE, "of readiness", &mut script).await?;
        Ok(())
    }

    /// Refuses later calls. Calls under way are finished by their callers, and the store itself has nothing
    /// to finish.
    async fn store_close(&self) -> Result<(), StoreError> {
        self.closed.send_replace(true);
        Ok(())
    }
}
