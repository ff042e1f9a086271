//! Table 10, `cdc_cursors`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, Timestamp};

use super::conditional::Advance;
use super::error::StoreError;

/// One row of `cdc_cursors`: the position up to which a sink has confirmed the change events of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The sink.
    pub sink_name: String,
    /// The index.
    pub index_uid: IndexUid,
    /// The sequence number of the last event that was confirmed.
    pub last_event_seq: u64,
    /// The time at which it was recorded.
    pub updated_at: Timestamp,
}

/// Positions of sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeCursorTable: Send + Sync + 'static {
    /// Records that `sink` has confirmed every event of `index` up to `seq`.
    ///
    /// - **CURSOR-1** The cursor MUST only advance. If `seq` is not greater than the row's number, it MUST
    ///   return [`Advance::Behind`] with that number and change nothing, `updated_at` included. If there is
    ///   no row, any `seq` advances, 0 included.
    async fn change_cursor_advance(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError>;

    /// Moves the cursor back to `seq`, because an operator wants the events after it delivered again. Returns
    /// false if the cursor was not beyond `seq`.
    ///
    /// - **CURSOR-3** The cursor MUST only move back. If there is no row, or the row's number is not greater,
    ///   nothing changes.
    async fn change_cursor_rewind(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Returns one cursor, if there is one.
    async fn change_cursor_get(
        &self,
        sink: &str,
        index: &IndexUid,
    ) -> Result<Option<ChangeCursor>, StoreError>;

    /// Returns all cursors of a sink.
    ///
    /// - **CURSOR-2** They MUST be in the byte order of their indexes, without those of other sinks.
    async fn change_cursor_list(&self, sink: &str) -> Result<Vec<ChangeCursor>, StoreError>;
}
