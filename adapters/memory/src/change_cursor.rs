//! Table 10, `cdc_cursors`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Advance, ChangeCursor, ChangeCursorTable, StoreError};

use crate::store::MemoryStore;

#[async_trait]
impl ChangeCursorTable for MemoryStore {
    async fn change_cursor_advance(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let mut data = self.data()?;
        let key = (sink.to_owned(), index.clone());
        if let Some(row) = data.change_cursors.get(&key)
            && row.last_event_seq >= seq
        {
            return Ok(Advance::Behind(row.last_event_seq));
        }
        let row = ChangeCursor {
            sink_name: sink.to_owned(),
            index_uid: index.clone(),
            last_event_seq: seq,
            updated_at: now,
        };
        data.change_cursors.insert(key, row);
        Ok(Advance::Advanced)
    }

    async fn change_cursor_rewind(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        match data.change_cursors.get_mut(&(sink.to_owned(), index.clone())) {
            Some(row) if row.last_event_seq > seq => {
                row.last_event_seq = seq;
                row.updated_at = now;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn change_cursor_get(
        &self,
        sink: &str,
        index: &IndexUid,
    ) -> Result<Option<ChangeCursor>, StoreError> {
        Ok(self.data()?.change_cursors.get(&(sink.to_owned(), index.clone())).cloned())
    }

    async fn change_cursor_list(&self, sink: &str) -> Result<Vec<ChangeCursor>, StoreError> {
        Ok(self.data()?.change_cursors.values().filter(|row| row.sink_name == sink).cloned().collect())
    }
}
