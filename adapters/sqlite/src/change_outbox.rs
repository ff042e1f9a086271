//! The change event outbox, `cdc_outbox`, with its numbers (`cdc_outbox_sequence`) and sums
//! (`cdc_outbox_totals`).

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_ports::outbound::{
    Change, ChangeBacklog, ChangeOutbox, ChangePage, ChangePosition, NewChange, StoreError,
};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{all, change, changed, count, value};
use crate::store::SqliteStore;

// The columns of `change_peek.sql`. The first two are those of `change_positions.sql` as well.
const SINK_NAME: Column = Column(0, "sink_name");
const INDEX_UID: Column = Column(1, "index_uid");
const SEQ: Column = Column(2, "seq");
const BODY: Column = Column(3, "body");
const TRIMMED_TO: Column = Column(2, "trimmed_to");
const LAST_SEQ: Column = Column(3, "last_seq");

/// An event whose body is encoded.
pub(crate) struct Encoded {
    sink: String,
    index: IndexUid,
    body: String,
}

impl Row for Change {
    const TABLE: &'static str = "cdc_outbox";
    const KEY: &'static [Column] = &[SINK_NAME, INDEX_UID, SEQ];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self { seq: reader.counter(SEQ)?, body: reader.json_always(BODY)? })
    }
}

impl Row for ChangePosition {
    const TABLE: &'static str = "cdc_outbox_sequence";
    const KEY: &'static [Column] = &[SINK_NAME, INDEX_UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            index_uid: reader.name_always(INDEX_UID)?,
            trimmed_to: reader.counter(TRIMMED_TO)?,
            last_seq: reader.counter(LAST_SEQ)?,
        })
    }
}

#[async_trait]
impl ChangeOutbox for SqliteStore {
    async fn change_append(&self, changes: Vec<NewChange>, budget_bytes: u64) -> Result<(), StoreError> {
        let changes = encode_all(changes)?;
        self.write(move |connection| append_all(connection, &changes, budget_bytes)).await
    }

    async fn change_peek(
        &self,
        sink: &str,
        index: &IndexUid,
        after: u64,
        limit: u32,
    ) -> Result<ChangePage, StoreError> {
        let (sink, index) = (sink.to_owned(), index.clone());
        self.read(move |connection| {
            // Events and numbers are read in one snapshot. Dropping it ends it.
            let snapshot = connection.unchecked_transaction()?;
            let key = (sink.as_str(), index.as_str());
            let params = (key.0, key.1, signed(after), limit);
            let changes = all(&snapshot, include_str!("sql/change_peek.sql"), params)?;
            let numbers = value(&snapshot, include_str!("sql/change_marks.sql"), key, |row| {
                Ok((count(row, 0)?, count(row, 1)?))
            })?;
            let (last_seq, trimmed_to) = numbers.unwrap_or_default();
            Ok(ChangePage { changes, trimmed_to, last_seq })
        })
        .await
    }

    async fn change_acknowledge(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        keep: u64,
    ) -> Result<u64, StoreError> {
        let (sink, index) = (sink.to_owned(), index.clone());
        self.write(move |connection| {
            let key = (sink.as_str(), index.as_str());
            let last = value(connection, include_str!("sql/change_marks.sql"), key, |row| count(row, 0))?;
            let Some(last) = last else { return Ok(0) };
            let seq = seq.min(last);
            let delivered = (sink.as_str(), index.as_str(), signed(seq));
            change(connection, include_str!("sql/change_delivered.sql"), delivered)?;
            let params = (sink.as_str(), index.as_str(), signed(seq.saturating_sub(keep)));
            change(connection, include_str!("sql/change_deliver.sql"), params)?;
            change(connection, include_str!("sql/change_delete.sql"), params)
        })
        .await
    }

    async fn change_positions(&self, sink: &str) -> Result<Vec<ChangePosition>, StoreError> {
        let sink = sink.to_owned();
        self.read(move |connection| {
            all(connection, include_str!("sql/change_positions.sql"), [sink.as_str()])
        })
        .await
    }

    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError> {
        let sink = sink.to_owned();
        self.read(move |connection| backlog(connection, &sink)).await
    }
}

/// Converts a number for SQLite. Numbers that are given or counted here never reach the upper half.
fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Encodes events before the writer is called, so that encoding JSON does not delay it.
pub(crate) fn encode_all(changes: Vec<NewChange>) -> Result<Vec<Encoded>, StoreError> {
    changes.into_iter().map(encode).collect()
}

fn encode(change: NewChange) -> Result<Encoded, StoreError> {
    check_json("the body of a change", &change.body)?;
    Ok(Encoded { sink: change.sink_name, index: change.index_uid, body: to_json(&change.body)? })
}

/// Appends events. The put of a task uses it as well.
pub(crate) fn append_all(
    connection: &Connection,
    changes: &[Encoded],
    budget_bytes: u64,
) -> Result<(), Failure> {
    for change in changes {
        append(connection, change)?;
        trim(connection, &change.sink, budget_bytes)?;
    }
    Ok(())
}

fn append(connection: &Connection, new: &Encoded) -> Result<(), Failure> {
    let key = (new.sink.as_str(), new.index.as_str());
    let seq: Option<i64> =
        value(connection, include_str!("sql/change_next_seq.sql"), key, |row| Ok(row.get(0)?))?;
    let bytes = signed(new.body.len() as u64);
    let params = (key.0, key.1, seq, new.body.as_str(), bytes);
    change(connection, include_str!("sql/change_insert.sql"), params)?;
    change(connection, include_str!("sql/change_count.sql"), (key.0, bytes))?;
    Ok(())
}

/// Drops the oldest events of a sink until the rest fits into the budget.
fn trim(connection: &Connection, sink: &str, budget_bytes: u64) -> Result<(), Failure> {
    while backlog(connection, sink)?.bytes > budget_bytes {
        change(connection, include_str!("sql/change_mark_oldest.sql"), [sink])?;
        change(connection, include_str!("sql/change_lose_oldest.sql"), [sink])?;
        if !changed(connection, include_str!("sql/change_delete_oldest.sql"), [sink])? {
            let reason = "it counts bytes, but there are no events";
            return Err(StoreError::corrupt("cdc_outbox_totals", sink, reason).into());
        }
    }
    Ok(())
}

fn backlog(connection: &Connection, sink: &str) -> Result<ChangeBacklog, Failure> {
    let found = value(connection, include_str!("sql/change_backlog.sql"), [sink], |row| {
        Ok(ChangeBacklog { events: count(row, 0)?, bytes: count(row, 1)?, lost: count(row, 2)? })
    })?;
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        assert_columns(include_str!("sql/change_peek.sql"), &[SINK_NAME, INDEX_UID, SEQ, BODY]);
        let positions = [SINK_NAME, INDEX_UID, TRIMMED_TO, LAST_SEQ];
        assert_columns(include_str!("sql/change_positions.sql"), &positions);
    }
}
