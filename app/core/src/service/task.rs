//! Tasks, as the store has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{Task, TaskDetailView, TaskQuery, TaskView};
use miroir_domain::{IndexUid, TaskUid};
use miroir_ports::inbound::{ApiError, TaskApi, TaskList};
use miroir_ports::outbound::TaskStore;

use crate::alias::AliasResolver;

/// Implements [`TaskApi`].
pub struct TaskService {
    store: Arc<dyn TaskStore>,
    aliases: Arc<AliasResolver>,
}

impl TaskService {
    /// Makes a service that reads the tasks in `store`.
    pub fn new(store: Arc<dyn TaskStore>, aliases: Arc<AliasResolver>) -> Self {
        Self { store, aliases }
    }

    async fn load(&self, uid: TaskUid) -> Result<Task, ApiError> {
        self.store
            .task_get(uid)
            .await?
            .ok_or_else(|| ApiError::refused(ErrorCode::TaskNotFound, format!("Task `{uid}` not found.")))
    }

    /// Returns the indexes that `names` stand for.
    async fn resolve(&self, names: BTreeSet<IndexUid>) -> Result<BTreeSet<IndexUid>, ApiError> {
        let mut indexes = BTreeSet::new();
        for name in names {
            indexes.extend(self.aliases.readable(&name).await?);
        }
        Ok(indexes)
    }
}

#[async_trait]
impl TaskApi for TaskService {
    async fn task_get(&self, uid: TaskUid) -> Result<TaskView, ApiError> {
        Ok(self.load(uid).await?.view())
    }

    async fn task_list(&self, mut query: TaskQuery) -> Result<TaskList, ApiError> {
        if let Some(names) = query.index_uids.take() {
            query.index_uids = Some(self.resolve(names).await?);
        }
        let page = self.store.task_list(&query).await?;
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
