//! Health and closing of the store.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use miroir_ports::outbound::{StoreError, StoreStatus};

use crate::store::MemoryStore;

#[async_trait]
impl StoreStatus for MemoryStore {
    async fn store_ping(&self) -> Result<(), StoreError> {
        self.data()?.probes += 1;
        Ok(())
    }

    async fn store_close(&self) -> Result<(), StoreError> {
        self.closed.store(true, Ordering::SeqCst);
        self.revoked.close();
        Ok(())
    }
}
