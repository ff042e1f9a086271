//! Table 1, `tasks`.

use async_trait::async_trait;
use miroir_domain::change::PendingChanges;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};

use super::error::StoreError;
use super::write::Put;

/// One page of a task listing.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPage {
    /// The tasks, in the order of the query.
    pub tasks: Vec<Task>,
    /// How many tasks match the filters, whatever the page.
    pub total: u64,
    /// The first uid of the next page; none when this is the last.
    pub next: Option<TaskUid>,
}

/// The task registry.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskTable: Send + Sync + 'static {
    /// Stores a task under a new uid and answers with the row.
    ///
    /// - **TASK-1** The uid MUST be greater than every uid given before, also after pruning, reopening or a crash.
    ///   The first is 0, and the last is `u32::MAX`: after it, creation is refused as `Unavailable`.
    /// - **TASK-2** The row MUST equal [`NewTask::into_task`] of that uid and `now`.
    /// - **TASK-11** Details that nest deeper than [`MAX_JSON_DEPTH`](crate::outbound::MAX_JSON_DEPTH) MUST be refused as `InvalidInput`, here and in
    ///   [`TaskTable::task_put`].
    async fn task_create(&self, task: NewTask, now: Timestamp) -> Result<Task, StoreError>;

    /// The [`NewTask::changes`] of a task.
    ///
    /// - **TASK-12** They MUST be answered as they were given from the creation of the task on, and none MUST be answered
    ///   from the put on that ends it, by whichever method, nor for a task that was created as failed.
    async fn task_changes(&self, uid: TaskUid) -> Result<Option<PendingChanges>, StoreError>;

    /// The task, or none.
    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError>;

    /// Replaces the row of `task.uid` if its version is `task.version`; the stored row gets `task.version + 1`.
    ///
    /// - **TASK-3** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    /// - **TASK-4** A status MUST only move forward: a put that would move it back (by `TaskStatus`'s order
    ///   enqueued, processing, finished), or from one finished status to another, is `InvalidInput`. Conflict comes first.
    async fn task_put(&self, task: Task) -> Result<Put, StoreError>;

    /// A page of the tasks that match `query`, newest first unless reversed.
    ///
    /// - **TASK-5** The page MUST hold exactly the first `query.limit` tasks for which [`TaskQuery::matches`] is true,
    ///   from `query.from` inclusive in the query's direction.
    /// - **TASK-6** `next` MUST be the uid of the first matching task after the page, or none; with a limit of 0 that is
    ///   the first task a page would have held.
    /// - **TASK-7** `total` MUST count all matching tasks, whatever `from` and `limit`.
    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError>;

    /// Up to `limit` unfinished tasks with a uid greater than `after`, oldest first.
    ///
    /// - **TASK-8** The cost MUST NOT depend on the number of finished tasks.
    async fn task_list_unfinished(&self, after: Option<TaskUid>, limit: u32)
    -> Result<Vec<Task>, StoreError>;

    /// Deletes up to `limit` finished tasks that finished before `before`; answers how many.
    ///
    /// - **TASK-9** Unfinished tasks MUST stay, however old.
    /// - **TASK-10** Those that finished earliest MUST go first, and of one instant those with the lowest uid.
    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
