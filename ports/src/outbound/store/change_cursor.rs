//! Table 10, `cdc_cursors`.

use async_trait::async_trait;
use miroir_domain::{IndexUid, Timestamp};

use super::error::StoreError;
use super::write::Advance;

/// One row of `cdc_cursors`: how far a sink has confirmed the change events of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The sink.
    pub sink_name: String,
    /// The index.
    pub index_uid: IndexUid,
    /// The sequence number of the last event that was confirmed.
    pub last_event_seq: u64,
    /// When that was recorded.
    pub updated_at: Timestamp,
}

/// How far sinks have come.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeCursorTable: Send + Sync + 'static {
    /// Records that `sink` has confirmed every event of `index` up to `seq`.
    ///
    /// - **CURSOR-1** It MUST only advance: a `seq` that is not greater than the row's answers [`Advance::Behind`] with the
    ///   row's and changes nothing, `updated_at` included. Where there is no row any `seq` advances, 0 included.
    async fn change_cursor_advance(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError>;

    /// Moves the cursor back to `seq`, because a person wants what follows it delivered again; false when it was not
    /// beyond `seq`.
    ///
    /// - **CURSOR-3** It MUST only move back: where there is no row, or one that is not greater, nothing changes.
    async fn change_cursor_rewind(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// One cursor, or none.
    async fn change_cursor_get(
        &self,
        sink: &str,
        index: &IndexUid,
    ) -> Result<Option<ChangeCursor>, StoreError>;

    /// All cursors of a sink.
    ///
    /// - **CURSOR-2** They MUST come in the byte order of their indexes, and none of another sink among them.
    async fn change_cursor_list(&self, sink: &str) -> Result<Vec<ChangeCursor>, StoreError>;
}
