//! Table 10, `cdc_cursors`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Advance, ChangeCursor, ChangeCursorTable, StoreError};

use crate::call::changing;
use crate::keys::{CURSORS, Table};
use crate::row::{Columns, Reader, Values};
use crate::store::RedisStore;
use crate::table::{Row, decode, fields_of};

impl Row for ChangeCursor {
    const TABLE: Table = CURSORS;
    const FIELDS: &'static [&'static str] = &["sink_name", "index_uid", "last_event_seq", "updated_at"];

    fn name(&self) -> String {
        format!("{}:{}", self.sink_name, self.index_uid.as_str())
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("sink_name", &self.sink_name)
            .with("index_uid", self.index_uid.as_str())
            .with("last_event_seq", self.last_event_seq)
            .time("updated_at", self.updated_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sink_name: reader.text_always("sink_name")?,
            index_uid: reader.parsed_always("index_uid")?,
            last_event_seq: reader.parsed_always("last_event_seq")?,
            updated_at: reader.time_always("updated_at")?,
        })
    }
}

fn cursor(sink: &str, index: &IndexUid, seq: u64, now: Timestamp) -> ChangeCursor {
    ChangeCursor {
        sink_name: sink.to_owned(),
        index_uid: index.clone(),
        last_event_seq: seq,
        updated_at: now,
    }
}

#[async_trait]
impl ChangeCursorTable for RedisStore {
    async fn change_cursor_advance(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let row = cursor(sink, index, seq, now);
        let mut script = changing!("lua/decimal.lua", "lua/advance.lua");
        script
            .key(self.keys.pair(CURSORS, sink, index.as_str()))
            .key(self.keys.own(CURSORS, &format!("_index:{sink}")))
            .arg(index.as_str())
            .arg("last_event_seq")
            .arg(seq);
        row.columns()?.push_to(&mut script);
        self.advance(CURSORS, &row.name(), &mut script).await
    }

    async fn change_cursor_rewind(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = cursor(sink, index, seq, now);
        let mut script = changing!("lua/decimal.lua", "lua/rewind.lua");
        script.key(self.keys.pair(CURSORS, sink, index.as_str())).arg("last_event_seq").arg(seq);
        row.columns()?.push_to(&mut script);
        self.change_by(CURSORS, &row.name(), &mut script).await
    }

    async fn change_cursor_get(
        &self,
        sink: &str,
        index: &IndexUid,
    ) -> Result<Option<ChangeCursor>, StoreError> {
        let key = self.keys.pair(CURSORS, sink, index.as_str());
        let values: Values = self.read(CURSORS.name, &key, &fields_of(&key, ChangeCursor::FIELDS)).await?;
        decode(&key, values)
    }

    async fn change_cursor_list(&self, sink: &str) -> Result<Vec<ChangeCursor>, StoreError> {
        let indexes = self.keys.own(CURSORS, &format!("_index:{sink}"));
        self.indexed_rows(&indexes, &self.keys.pair(CURSORS, sink, ""), "", None, u32::MAX).await
    }
}
