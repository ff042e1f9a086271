//! Health and closing of the store.

use async_trait::async_trait;
use miroir_ports::outbound::{StoreError, StoreStatus};

use crate::store::SqliteStore;

#[async_trait]
impl StoreStatus for SqliteStore {
    async fn store_ping(&self) -> Result<(), StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(include_str!("sql/probe_read.sql"))?;
            Ok(select.query_row([], |row| row.get::<_, i64>(0))?)
        })
        .await?;
        self.write(|connection| {
            Ok(connection.prepare_cached(include_str!("sql/probe_write.sql"))?.execute([])?)
        })
        .await?;
        Ok(())
    }

    async fn store_close(&self) -> Result<(), StoreError> {
        // Readers first: the connection that closes last copies the log into the file.
        self.readers.close().await;
        self.writer.close().await;
        self.revoked.close();
        Ok(())
    }
}
