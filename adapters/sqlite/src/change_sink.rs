//! States of sinks, `cdc_sinks`.

use async_trait::async_trait;
use miroir_domain::change::SinkRow;
use miroir_ports::outbound::{ChangeSinkTable, StoreError};

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{change, one};
use crate::store::SqliteStore;

// The columns of `change_sink_get.sql`.
const SINK_NAME: Column = Column(0, "sink_name");
const STATE: Column = Column(1, "state");
const REASON: Column = Column(2, "reason");
const CHANGED_AT: Column = Column(3, "changed_at");

impl Row for SinkRow {
    const TABLE: &'static str = "cdc_sinks";
    const KEY: &'static [Column] = &[SINK_NAME];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            sink_name: reader.get(SINK_NAME)?,
            state: reader.name_always(STATE)?,
            reason: reader.get(REASON)?,
            changed_at: reader.time_always(CHANGED_AT)?,
        })
    }
}

#[async_trait]
impl ChangeSinkTable for SqliteStore {
    async fn change_sink_put(&self, row: SinkRow) -> Result<(), StoreError> {
        self.write(move |connection| {
            let params = (
                row.sink_name.as_str(),
                row.state.as_str(),
                row.reason.as_deref(),
                row.changed_at.as_millis(),
            );
            change(connection, include_str!("sql/change_sink_upsert.sql"), params)?;
            Ok(())
        })
        .await
    }

    async fn change_sink_get(&self, sink: &str) -> Result<Option<SinkRow>, StoreError> {
        let sink = sink.to_owned();
        self.read(move |connection| one(connection, include_str!("sql/change_sink_get.sql"), [sink.as_str()]))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statement() {
        assert_columns(include_str!("sql/change_sink_get.sql"), &[SINK_NAME, STATE, REASON, CHANGED_AT]);
    }
}
