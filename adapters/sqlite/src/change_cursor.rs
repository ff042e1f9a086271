//! Table 10, `cdc_cursors`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Advance, ChangeCursor, ChangeCursorTable, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{advance, all, change, one};
use crate::store::SqliteStore;

// The columns of `change_cursor_get.sql` and `change_cursor_list.sql`.
const SINK_NAME: Column = Column(0, "sink_name");
const INDEX_UID: Column = Column(1, "index_uid");
const LAST_EVENT_SEQ: Column = Column(2, "last_event_seq");
const UPDATED_AT: Column = Column(3, "updated_at");

impl Row for ChangeCursor {
    const TABLE: &'static str = "cdc_cursors";
    const KEY: &'static [Column] = &[SINK_NAME, INDEX_UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            sink_name: reader.get(SINK_NAME)?,
            index_uid: reader.name_always(INDEX_UID)?,
            last_event_seq: reader.counter(LAST_EVENT_SEQ)?,
            updated_at: reader.time_always(UPDATED_AT)?,
        })
    }
}

#[async_trait]
impl ChangeCursorTable for SqliteStore {
    async fn change_cursor_advance(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let (sink, index) = (sink.to_owned(), index.clone());
        self.write(move |connection| {
            let held = get(connection, &sink, &index)?.map(|row| row.last_event_seq);
            advance(held, seq, || upsert(connection, &sink, &index, seq, now))
        })
        .await
    }

    async fn change_cursor_rewind(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (sink, index) = (sink.to_owned(), index.clone());
        self.write(move |connection| {
            let row = get(connection, &sink, &index)?;
            if row.is_none_or(|row| row.last_event_seq <= seq) {
                return Ok(false);
            }
            upsert(connection, &sink, &index, seq, now)?;
            Ok(true)
        })
        .await
    }

    async fn change_cursor_get(
        &self,
        sink: &str,
        index: &IndexUid,
    ) -> Result<Option<ChangeCursor>, StoreError> {
        let (sink, index) = (sink.to_owned(), index.clone());
        self.read(move |connection| get(connection, &sink, &index)).await
    }

    async fn change_cursor_list(&self, sink: &str) -> Result<Vec<ChangeCursor>, StoreError> {
        let sink = sink.to_owned();
        self.read(move |connection| {
            all(connection, include_str!("sql/change_cursor_list.sql"), [sink.as_str()])
        })
        .await
    }
}

fn upsert(
    connection: &Connection,
    sink: &str,
    index: &IndexUid,
    seq: u64,
    now: Timestamp,
) -> Result<(), Failure> {
    let params = (sink, index.as_str(), seq.cast_signed(), now.as_millis());
    change(connection, include_str!("sql/change_cursor_upsert.sql"), params)?;
    Ok(())
}

fn get(connection: &Connection, sink: &str, index: &IndexUid) -> Result<Option<ChangeCursor>, Failure> {
    one(connection, include_str!("sql/change_cursor_get.sql"), [sink, index.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [SINK_NAME, INDEX_UID, LAST_EVENT_SEQ, UPDATED_AT];
        assert_columns(include_str!("sql/change_cursor_get.sql"), &columns);
        assert_columns(include_str!("sql/change_cursor_list.sql"), &columns);
    }
}
