//! The order of writes: index locks, write queues, and the tasks that are being sent.

mod index_lock;
mod open_tasks;
mod write_queue;

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::{IndexUid, NodeId, TaskUid};

pub use index_lock::IndexGuard;
pub use open_tasks::Sending;
pub use write_queue::Ticket;

use index_lock::IndexLocks;
use open_tasks::OpenTasks;
use write_queue::WriteQueues;

/// The order of the writes of one term.
#[derive(Debug, Default)]
pub struct WriteOrder {
    locks: IndexLocks,
    queues: WriteQueues,
    open: Arc<OpenTasks>,
}

impl WriteOrder {
    /// Waits until the registry entry of `index` is not being changed, and keeps it from being changed.
    pub async fn lock_read(&self, index: &IndexUid) -> IndexGuard {
        self.locks.read(index).await
    }

    /// Waits until nothing reads or changes the registry entry of `index`, and gives the caller the right to
    /// change it.
    pub async fn lock_write(&self, index: &IndexUid) -> IndexGuard {
        self.locks.write(index).await
    }

    /// Takes a place in the write queues of `index` for each of `nodes`, in one step.
    pub fn enqueue<'a>(
        &self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> BTreeMap<NodeId, Ticket> {
        self.queues.enqueue(index, nodes)
    }

    /// Marks the task `uid` as being sent until the guard is dropped.
    pub fn begin_sending(&self, uid: TaskUid) -> Sending {
        self.open.begin_sending(uid)
    }

    /// Returns whether the task `uid` is being sent.
    pub fn is_sending(&self, uid: TaskUid) -> bool {
        self.open.is_sending(uid)
    }

    /// Waits until a task has been sent since the last call.
    pub async fn sent(&self) {
        self.open.sent().await;
    }
}
