//! States of sinks, `cdc_sinks`.

use async_trait::async_trait;
use miroir_domain::change::SinkRow;
use miroir_ports::outbound::{ChangeSinkTable, StoreError};

use crate::keys::{SINKS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::Row;

impl Row for SinkRow {
    const TABLE: Table = SINKS;
    const FIELDS: &'static [&'static str] = &["sink_name", "state", "reason", "changed_at"];

    fn name(&self) -> String {
        self.sink_name.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("sink_name", &self.sink_name)
            .with("state", self.state.as_str())
            .maybe("reason", self.reason.as_ref())
            .time("changed_at", self.changed_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sink_name: reader.text_always("sink_name")?,
            state: reader.parsed_always("state")?,
            reason: reader.text("reason")?.map(str::to_owned),
            changed_at: reader.time_always("changed_at")?,
        })
    }
}

#[async_trait]
impl ChangeSinkTable for RedisStore {
    async fn change_sink_put(&self, row: SinkRow) -> Result<(), StoreError> {
        self.row_upsert(&row).await
    }

    async fn change_sink_get(&self, sink: &str) -> Result<Option<SinkRow>, StoreError> {
        self.row_get(sink).await
    }
}
