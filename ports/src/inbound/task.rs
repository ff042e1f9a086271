//! Use cases of tasks.

use async_trait::async_trait;
use miroir_domain::TaskUid;
use miroir_domain::task::{TaskDetailView, TaskQuery, TaskView};
use serde::Serialize;

use super::ApiError;

/// The envelope of `GET /tasks`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskList {
    /// The page, newest first unless reversed.
    pub results: Vec<TaskView>,
    /// The number of tasks that match the filters, on all pages.
    pub total: u64,
    /// The limit that was applied.
    pub limit: u32,
    /// The uid of the first task of the page.
    pub from: Option<TaskUid>,
    /// The uid of the first task of the next page.
    pub next: Option<TaskUid>,
}

/// Tasks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskApi: Send + Sync + 'static {
    /// Returns one task as a client sees it.
    async fn task_get(&self, uid: TaskUid) -> Result<TaskView, ApiError>;

    /// Returns a page of tasks.
    async fn task_list(&self, query: TaskQuery) -> Result<TaskList, ApiError>;

    /// Returns one task with its node tasks, for operators.
    async fn task_detail(&self, uid: TaskUid) -> Result<TaskDetailView, ApiError>;
}
