//! The change event outbox, `cdc_outbox`: events on their way to sinks.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::task::Task;
use serde_json::Value;

use super::error::StoreError;
use super::write::Put;

/// An event before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// The sink it is for.
    pub sink_name: String,
    /// The index it is of.
    pub index_uid: IndexUid,
    /// What the sink is told.
    pub body: Value,
}

/// An event that is held for its sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its number, from 1; of one sink and index they grow by one.
    pub seq: u64,
    /// What the sink is told.
    pub body: Value,
}

/// What a sink finds.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangePage {
    /// Events in the order of their numbers.
    pub changes: Vec<Change>,
    /// The greatest number that was dropped for lack of room, 0 when none was: a reader that has confirmed less than that
    /// has a gap up to it.
    pub trimmed_to: u64,
    /// The greatest number given so far; 0 before the first.
    pub last_seq: u64,
}

/// Where the events of a sink and index have come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePosition {
    /// The index.
    pub index_uid: IndexUid,
    /// As [`ChangePage::trimmed_to`].
    pub trimmed_to: u64,
    /// As [`ChangePage::last_seq`].
    pub last_seq: u64,
}

/// How full the outbox of a sink is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeBacklog {
    /// Events that are held: those that wait, and those that were kept after their delivery.
    pub events: u64,
    /// The bytes of their bodies as JSON text.
    pub bytes: u64,
    /// Events that were dropped for lack of room before they were acknowledged, since the sink's first.
    pub lost: u64,
}

/// Events on their way to sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeOutbox: Send + Sync + 'static {
    /// Replaces a task on the terms of [`TaskTable::task_put`](crate::outbound::TaskTable::task_put) and appends `changes`, in their order, in the same atomic
    /// unit.
    ///
    /// - **OUTBOX-1** When the put conflicts or is refused, nothing MUST be appended.
    /// - **OUTBOX-2** Numbers of one sink and index MUST grow by one, also after events were acknowledged or dropped
    ///   and after reopening. The first is 1.
    /// - **OUTBOX-3** After it the bodies that are held for one sink MUST NOT take more than `budget_bytes`: its oldest events go,
    ///   in the order in which they were appended, whatever their index, the new ones too if need be; each moves its
    ///   index's `trimmed_to`, and is counted as lost unless it was acknowledged.
    async fn change_append_with_task(
        &self,
        task: Task,
        changes: Vec<NewChange>,
        budget_bytes: u64,
    ) -> Result<Put, StoreError>;

    /// Appends `changes` that no task ends with, on the same terms.
    async fn change_append(&self, changes: Vec<NewChange>, budget_bytes: u64) -> Result<(), StoreError>;

    /// Up to `limit` events of a sink and index with a number greater than `after`. It takes nothing away.
    async fn change_peek(
        &self,
        sink: &str,
        index: &IndexUid,
        after: u64,
        limit: u32,
    ) -> Result<ChangePage, StoreError>;

    /// Notes that the events of a sink and index up to `seq` were delivered, and removes them but for the last `keep`
    /// numbers up to it, to which a person may rewind; answers how many went.
    ///
    /// - **OUTBOX-4** They MUST NOT be counted as lost, now or later. A `seq` below an earlier one takes nothing back,
    ///   and one above the last number is taken for that number.
    async fn change_acknowledge(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        keep: u64,
    ) -> Result<u64, StoreError>;

    /// Every index that a sink was ever appended an event of.
    ///
    /// - **OUTBOX-6** They MUST come in the byte order of their names, and none of another sink among them.
    async fn change_positions(&self, sink: &str) -> Result<Vec<ChangePosition>, StoreError>;

    /// How full the outbox of a sink is.
    ///
    /// - **OUTBOX-5** The cost MUST NOT depend on the number of events.
    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError>;
}
