//! Tasks, as the store has them.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::TaskUid;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{Task, TaskDetailView, TaskQuery, TaskView};
use miroir_ports::inbound::{ApiError, TaskApi, TaskList};

use crate::cluster::Cluster;

/// Implements [`TaskApi`].
pub struct TaskService {
    cluster: Arc<Cluster>,
}

impl TaskService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    async fn load(&self, uid: TaskUid) -> Result<Task, ApiError> {
        self.cluster
            .store
            .task_get(uid)
            .await?
            .ok_or_else(|| ApiError::refused(ErrorCode::TaskNotFound, format!("Task `{uid}` not found.")))
    }
}

#[async_trait]
impl TaskApi for TaskService {
    async fn task_get(&self, uid: TaskUid) -> Result<TaskView, ApiError> {
        Ok(self.load(uid).await?.view())
    }

    async fn task_list(&self, query: TaskQuery) -> Result<TaskList, ApiError> {
        let page = self.cluster.store.task_list(&query).await?;
        Ok(TaskList {
            from: page.tasks.first().map(|task| task.uid),
            results: page.tasks.iter().map(Task::view).collect(),
            total: page.total,
            limit: query.limit,
            next: page.next,
        })
    }

    async fn task_detail(&self, uid: TaskUid) -> Result<TaskDetailView, ApiError> {
        Ok(self.load(uid).await?.detail_view())
    }
}
