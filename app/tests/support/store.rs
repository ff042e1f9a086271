//! A store that fails on command, and goes silent when its process is killed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{IndexUid, NodeId, TaskUid, Timestamp};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{
    Advance, Create, IndexTable, NodeSettingsTable, NodeSettingsVersion, Outcome, Put, StoreError,
    StoreStatus, TaskPage, TaskTable,
};
use tokio::sync::watch;

/// [`MemoryStore`] as one process sees it.
pub struct FaultyStore {
    inner: Arc<MemoryStore>,
    alive: watch::Receiver<bool>,
    failures: Mutex<BTreeMap<&'static str, usize>>,
}

/// `work`, as a process sees it that may be killed at any moment: after that it hears nothing more.
pub async fn while_alive<T>(alive: &watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    let mut alive = alive.clone();
    let died = async move {
        if alive.wait_for(|alive| !alive).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = died => std::future::pending().await,
        result = work => result,
    }
}

impl FaultyStore {
    pub fn new(inner: Arc<MemoryStore>, alive: watch::Receiver<bool>) -> Self {
        Self { inner, alive, failures: Mutex::default() }
    }

    /// The next `times` calls of `method` answer that the store is unavailable and nothing was changed.
    pub fn fail(&self, method: &'static str, times: usize) {
        self.failures.lock().unwrap().insert(method, times);
    }

    /// The store that does the work.
    pub(super) fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    pub(super) async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        while_alive(&self.alive, async {
            // Lets other tasks run, as a store with a disk would.
            tokio::task::yield_now().await;
            if let Some(left) = self.failures.lock().unwrap().get_mut(method)
                && *left > 0
            {
                *left -= 1;
                let reason = format!("the test said that {method} fails");
                return Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason });
            }
            work.await
        })
        .await
    }
}

#[async_trait]
impl TaskTable for FaultyStore {
    async fn task_create(&self, task: NewTask, now: Timestamp) -> Result<Task, StoreError> {
        self.call("task_create", self.inner.task_create(task, now)).await
    }
    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError> {
        self.call("task_get", self.inner.task_get(uid)).await
    }
    async fn task_put(&self, task: Task) -> Result<Put, StoreError> {
        self.call("task_put", self.inner.task_put(task)).await
    }
    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        self.call("task_list", self.inner.task_list(query)).await
    }
    async fn task_list_unfinished(
        &self,
        after: Option<TaskUid>,
        limit: u32,
    ) -> Result<Vec<Task>, StoreError> {
        self.call("task_list_unfinished", self.inner.task_list_unfinished(after, limit)).await
    }
    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.call("task_prune", self.inner.task_prune(before, limit)).await
    }
}

#[async_trait]
impl IndexTable for FaultyStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        self.call("index_create", self.inner.index_create(entry)).await
    }
    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        self.call("index_get", self.inner.index_get(uid)).await
    }
    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        self.call("index_put", self.inner.index_put(entry)).await
    }
    async fn index_delete(&self, uid: &IndexUid) -> Result<bool, StoreError> {
        self.call("index_delete", self.inner.index_delete(uid)).await
    }
    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        self.call("index_list", self.inner.index_list(after, limit)).await
    }
}

#[async_trait]
impl NodeSettingsTable for FaultyStore {
    async fn node_settings_advance(
        &self,
        index: &IndexUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        self.call("node_settings_advance", self.inner.node_settings_advance(index, node, version, now)).await
    }
    async fn node_settings_get(
        &self,
        index: &IndexUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError> {
        self.call("node_settings_get", self.inner.node_settings_get(index, node)).await
    }
    async fn node_settings_list(&self, index: &IndexUid) -> Result<Vec<NodeSettingsVersion>, StoreError> {
        self.call("node_settings_list", self.inner.node_settings_list(index)).await
    }
}

#[async_trait]
impl StoreStatus for FaultyStore {
    async fn store_ping(&self) -> Result<(), StoreError> {
        self.call("store_ping", self.inner.store_ping()).await
    }
    async fn store_close(&self) -> Result<(), StoreError> {
        self.call("store_close", self.inner.store_close()).await
    }
}
