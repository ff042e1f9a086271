//! The tasks, as services and workers use them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use miroir_domain::error::InvalidRequest;
use miroir_domain::task::{NewTask, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, TaskUid, Timestamp};
use miroir_ports::inbound::{Accepted, ApiError};
use miroir_ports::outbound::{Clock, StoreError, TaskStore};
use serde_json::{Map, Value};

use super::uids::GivenUids;
use crate::change::ChangeRecorder;
use crate::placement::Placements;
use crate::registry::IndexRegistry;
use crate::replica::ReplicaStates;
use crate::settings::SettingsLog;

/// The rows that one page of a walk has.
const PAGE: u32 = 1_000;

/// The tasks of the store. A change of a task is stored together with what follows from it: the replicas that
/// turn out not to have its write, the settings that it has changed, and the events of its changes.
pub struct TaskLog {
    /// The task store.
    pub store: Arc<dyn TaskStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The recorder of change events.
    pub changes: Arc<ChangeRecorder>,
    /// The placement of shards.
    pub placements: Arc<Placements>,
    /// The registry of indexes.
    pub registry: Arc<IndexRegistry>,
    /// The replica states.
    pub replicas: Arc<ReplicaStates>,
    /// The uids that were given.
    pub uids: GivenUids,
    /// The committed settings.
    pub settings: Arc<SettingsLog>,
}

/// The error of a store that gave the uid of a new task before.
const UID_AGAIN: &str =
    "the task store has lost its last changes, and is compared with the nodes: send the request again";

impl TaskLog {
    /// Records a task.
    pub async fn create(&self, task: NewTask) -> Result<Task, StoreError> {
        let known = self.uids.known();
        let created = self.store.task_create(task, self.clock.now()).await?;
        // Its marker may be on nodes already, as that of another write.
        if self.uids.note(created.uid, known) { Ok(created) } else { Err(StoreError::not_applied(UID_AGAIN)) }
    }

    /// Records a task that failed before any node was called, as a single server records it in its queue.
    pub async fn create_failed(
        &self,
        kind: TaskKind,
        index: &IndexUid,
        failure: InvalidRequest,
        details: Option<Map<String, Value>>,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let task = self.create(NewTask {
            kind,
            index_uid: Some(index.clone()),
            physical_uid: None,
            node_tasks: BTreeMap::new(),
            details,
            custom_metadata,
            failure: Some(failure.into()),
            changes: None,
        });
        Ok(Accepted { summary: task.await?.summary(), degraded: None })
    }

    /// Returns a task, if it exists.
    pub async fn get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError> {
        self.store.task_get(uid).await
    }

    /// Returns at most `limit` unfinished tasks after `after`, oldest first.
    pub async fn unfinished(&self, after: Option<TaskUid>, limit: u32) -> Result<Vec<Task>, StoreError> {
        self.store.task_list_unfinished(after, limit).await
    }

    /// Calls `visit` with every task that matches `query`, page by page, until it breaks. Returns the value
    /// that it broke with. The limit of the query is ignored.
    pub async fn walk<B>(
        &self,
        query: TaskQuery,
        mut visit: impl FnMut(&Task) -> ControlFlow<B>,
    ) -> Result<Option<B>, StoreError> {
        let mut query = TaskQuery { limit: PAGE, ..query };
        loop {
            let page = self.store.task_list(&query).await?;
            for task in &page.tasks {
                if let ControlFlow::Break(value) = visit(task) {
                    return Ok(Some(value));
                }
            }
            if page.next.is_none() {
                return Ok(None);
            }
            query.from = page.next;
        }
    }

    /// Calls `visit` with every task that matches `query`.
    pub async fn walk_all(&self, query: TaskQuery, mut visit: impl FnMut(&Task)) -> Result<(), StoreError> {
        let visit = |task: &Task| {
            visit(task);
            ControlFlow::<()>::Continue(())
        };
        self.walk(query, visit).await.map(drop)
    }

    /// Deletes at most `limit` tasks that finished before `before`, and returns their number.
    pub async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.store.task_prune(before, limit).await
    }
}

/// Returns the query of all tasks of `index`.
pub fn of_index(index: &IndexUid) -> TaskQuery {
    TaskQuery { index_uids: Some(BTreeSet::from([index.clone()])), ..TaskQuery::default() }
}

/// Returns the query of the unfinished tasks of `index`.
pub fn unfinished_of_index(index: &IndexUid) -> TaskQuery {
    let statuses = Some(BTreeSet::from([TaskStatus::Enqueued, TaskStatus::Processing]));
    TaskQuery { statuses, ..of_index(index) }
}
