//! The order of writes: index locks, write queues, watches of them, and the tasks that are being sent.

mod index_lock;
mod open_tasks;
mod watch;
mod write_queue;

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::write::Reach;
use miroir_domain::{IndexUid, NodeId, TaskUid};

pub use index_lock::IndexGuard;
pub use open_tasks::Sending;
pub use watch::Written;
pub use write_queue::{Hold, Ticket, Watch};

use index_lock::IndexLocks;
use open_tasks::OpenTasks;
use write_queue::WriteQueues;

/// The order of the writes of one term.
#[derive(Debug, Default)]
pub struct WriteOrder {
    locks: IndexLocks,
    queues: Arc<WriteQueues>,
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

    /// Takes a place in the write queues of `index` for each of `nodes`, in one step, for a write of this
    /// reach. Waits while documents of the reach are held.
    pub async fn enqueue<'a>(
        &self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId> + Clone,
        reach: &Reach,
    ) -> BTreeMap<NodeId, Ticket> {
        loop {
            match self.queues.enqueue(index, nodes.clone(), reach) {
                Ok(tickets) => return tickets,
                Err(released) => released.cancelled().await,
            }
        }
    }

    /// Waits until no documents of the reach are held.
    pub async fn released(&self, index: &IndexUid, reach: &Reach) {
        while let Some(released) = self.queues.holding(index, reach) {
            released.cancelled().await;
        }
    }

    /// Returns whether anyone watches the writes to `index`.
    pub fn is_watched(&self, index: &IndexUid) -> bool {
        self.queues.is_watched(index)
    }

    /// Begins to watch the writes to `index`.
    pub fn watch(&self, index: &IndexUid) -> Watch {
        self.queues.watch(index)
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
