//! Health and end of the store.

use async_trait::async_trait;
use miroir_ports::outbound::{StoreError, StoreStatus};
use redis::cmd;

use crate::RedisStore;

#[async_trait]
impl StoreStatus for RedisStore {
    async fn store_ping(&self) -> Result<(), StoreError> {
        let key = self.keys.probe();
        self.change("probe", &key, cmd("INCR").arg(&key)).await
    }

    /// Calls under way are finished by those who wait for them; there is nothing of the store's own to finish.
    async fn store_close(&self) -> Result<(), StoreError> {
        self.closed.send_replace(true);
        Ok(())
    }
}
