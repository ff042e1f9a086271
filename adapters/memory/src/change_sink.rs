//! States of sinks.

use async_trait::async_trait;
use miroir_domain::change::SinkRow;
use miroir_ports::outbound::{ChangeSinkTable, StoreError};

use crate::store::MemoryStore;

#[async_trait]
impl ChangeSinkTable for MemoryStore {
    async fn change_sink_put(&self, row: SinkRow) -> Result<(), StoreError> {
        self.data()?.change_sinks.insert(row.sink_name.clone(), row);
        Ok(())
    }

    async fn change_sink_get(&self, sink: &str) -> Result<Option<SinkRow>, StoreError> {
        Ok(self.data()?.change_sinks.get(sink).cloned())
    }
}
