//! Table 1, `tasks`.

use async_trait::async_trait;
use miroir_domain::change::PendingChanges;
use miroir_domain::replica::ReplicaMark;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};

use super::change_outbox::NewChange;
use super::conditional::Put;
use super::error::StoreError;

/// One page of a task listing.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPage {
    /// The tasks, in the order of the query.
    pub tasks: Vec<Task>,
    /// The number of tasks that match the filters, on all pages.
    pub total: u64,
    /// The first uid of the next page, or `None` on the last page.
    pub next: Option<TaskUid>,
}

/// The rows that are stored together with a task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Consequences {
    /// The replicas that turn out not to have the write of the task.
    pub marks: Vec<ReplicaMark>,
    /// The events of the changes that the task made, in their order.
    pub changes: Vec<NewChange>,
    /// The bytes that the events of one sink may take.
    pub budget_bytes: u64,
    /// The row of committed settings after the task has ended, if the task changes settings.
    pub settings: Option<CommittedSettings>,
}

/// The task registry.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskTable: Send + Sync + 'static {
    /// Stores a task under a new uid and returns the row.
    ///
    /// - **TASK-1** The uid MUST be greater than every uid given before, also after pruning, reopening or a
    ///   crash. The first is 0, and the last is `u32::MAX`: after it, creation is refused as `Unavailable`.
    /// - **TASK-2** The row MUST equal [`NewTask::into_task`] of that uid and `now`.
    /// - **TASK-11** Details that nest deeper than [`MAX_JSON_DEPTH`](miroir_domain::row::MAX_JSON_DEPTH)
    ///   MUST be refused as `InvalidInput`, here and in [`TaskTable::task_put`].
    async fn task_create(&self, task: NewTask, now: Timestamp) -> Result<Task, StoreError>;

    /// Returns the uid that the next task will get, or a greater number than `u32::MAX` if all are used up.
    async fn task_next_uid(&self) -> Result<u64, StoreError>;

    /// Makes sure that later tasks get `uid` or a greater uid.
    ///
    /// - **TASK-15** The next uid MUST be the greater of `uid` and the one before, also after reopening.
    async fn task_skip_to(&self, uid: TaskUid) -> Result<(), StoreError>;

    /// Returns the [`NewTask::changes`] of a task.
    ///
    /// - **TASK-12** They MUST be returned as they were given, from the creation of the task until the put
    ///   that ends it, by any method. From then on, and for a task that was created as failed, it MUST return
    ///   `None`.
    async fn task_changes(&self, uid: TaskUid) -> Result<Option<PendingChanges>, StoreError>;

    /// Returns the task, if there is one.
    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError>;

    /// Replaces the row of `task.uid` if its version is `task.version`. The stored row gets that version plus
    /// one.
    ///
    /// - **TASK-3** If the row has another version, or there is no row, it MUST return [`Put::Conflict`] and
    ///   change nothing.
    /// - **TASK-4** A status MUST only move forward. A put that would move it back (in the order enqueued,
    ///   processing, finished), or from one finished status to another, is `InvalidInput`. A conflict comes
    ///   first.
    async fn task_put(&self, task: Task) -> Result<Put, StoreError>;

    /// Replaces a task on the terms of [`TaskTable::task_put`], and stores `consequences` in the same atomic
    /// unit.
    ///
    /// - **TASK-13** If the put conflicts or is refused, nothing MUST be stored. Otherwise marks MUST be
    ///   stored as by [`ReplicaTable::replica_mark`](crate::outbound::ReplicaTable::replica_mark), changes
    ///   as by [`ChangeOutbox::change_append`](crate::outbound::ChangeOutbox::change_append).
    /// - **TASK-14** Settings MUST be stored as by
    ///   [`CommittedSettingsTable::settings_put`](crate::outbound::CommittedSettingsTable::settings_put). If
    ///   that conflicts or is refused, so MUST the whole, and nothing MUST be stored.
    async fn task_put_with(&self, task: Task, consequences: Consequences) -> Result<Put, StoreError>;

    /// Returns a page of the tasks that match `query`, newest first unless reversed.
    ///
    /// - **TASK-5** The page MUST hold exactly the first `query.limit` tasks for which [`TaskQuery::matches`]
    ///   is true, from `query.from` inclusive in the query's direction.
    /// - **TASK-6** `next` MUST be the uid of the first matching task after the page, or `None`. With a limit
    ///   of 0 it is the first task that a page would have held.
    /// - **TASK-7** `total` MUST count all matching tasks, whatever `from` and `limit`.
    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError>;

    /// Returns up to `limit` unfinished tasks with a uid greater than `after`, oldest first.
    ///
    /// - **TASK-8** The cost MUST NOT depend on the number of finished tasks.
    async fn task_list_unfinished(&self, after: Option<TaskUid>, limit: u32)
    -> Result<Vec<Task>, StoreError>;

    /// Deletes up to `limit` finished tasks that finished before `before` and returns their number.
    ///
    /// - **TASK-9** Unfinished tasks MUST stay, however old.
    /// - **TASK-10** Those that finished earliest MUST be deleted first, and of one instant those with the
    ///   lowest uid.
    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
