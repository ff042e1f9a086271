//! The change event outbox, `cdc_outbox`: events on their way to sinks.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use serde_json::Value;

use super::error::StoreError;

/// An event that has no number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// The sink it is for.
    pub sink_name: String,
    /// The index it is of.
    pub index_uid: IndexUid,
    /// The body, as the sink receives it.
    pub body: Value,
}

/// An event that is kept for its sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The number, from 1. The numbers of one sink and index grow by one.
    pub seq: u64,
    /// The body, as the sink receives it.
    pub body: Value,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangePage {
    /// Events in the order of their numbers.
    pub changes: Vec<Change>,
    /// The greatest number that was dropped because the budget was exceeded, or 0. A reader that has
    /// confirmed less has a gap up to it.
    pub trimmed_to: u64,
    /// The greatest number given so far, or 0 before the first event.
    pub last_seq: u64,
}

/// The position of the events of a sink and index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePosition {
    /// The index.
    pub index_uid: IndexUid,
    /// As [`ChangePage::trimmed_to`].
    pub trimmed_to: u64,
    /// As [`ChangePage::last_seq`].
    pub last_seq: u64,
}

/// The size of a sink's outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeBacklog {
    /// The number of events that are kept: those that wait, and those that are kept after their delivery.
    pub events: u64,
    /// The bytes of their bodies as JSON text.
    pub bytes: u64,
    /// The number of events that were dropped before they were acknowledged because the budget was exceeded,
    /// since the sink's first event.
    pub lost: u64,
}

/// Events on their way to sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeOutbox: Send + Sync + 'static {
    /// Appends `changes`, in their order. Those of a task are appended by
    /// [`TaskTable::task_put_with`](crate::outbound::TaskTable::task_put_with).
    ///
    /// - **OUTBOX-1** If they are appended with a task whose put conflicts or is refused, nothing MUST be
    ///   appended.
    /// - **OUTBOX-2** Numbers of one sink and index MUST grow by one, also after events were acknowledged or
    ///   dropped and after reopening. The first is 1.
    /// - **OUTBOX-3** After it the bodies that are kept for one sink MUST NOT take more than `budget_bytes`.
    ///   The sink's oldest events are dropped, in the order in which they were appended, of any index, and
    ///   the new ones too if necessary. Each moves the `trimmed_to` of its index, and counts as lost unless
    ///   it was acknowledged.
    async fn change_append(&self, changes: Vec<NewChange>, budget_bytes: u64) -> Result<(), StoreError>;

    /// Returns up to `limit` events of a sink and index with a number greater than `after`, and removes
    /// nothing.
    async fn change_peek(
        &self,
        sink: &str,
        index: &IndexUid,
        after: u64,
        limit: u32,
    ) -> Result<ChangePage, StoreError>;

    /// Records that the events of a sink and index up to `seq` were delivered, and removes all but the last
    /// `keep` of those numbers, to which an operator may rewind. Returns the number of events that were
    /// removed.
    ///
    /// - **OUTBOX-4** They MUST NOT be counted as lost, now or later. A `seq` below an earlier one revokes
    ///   nothing, and one above the last number stands for that number.
    async fn change_acknowledge(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        keep: u64,
    ) -> Result<u64, StoreError>;

    /// Returns every index of which an event was ever appended for a sink.
    ///
    /// - **OUTBOX-6** They MUST be in the byte order of their names, without those of other sinks.
    async fn change_positions(&self, sink: &str) -> Result<Vec<ChangePosition>, StoreError>;

    /// Returns the size of a sink's outbox.
    ///
    /// - **OUTBOX-5** The cost MUST NOT depend on the number of events.
    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError>;
}
