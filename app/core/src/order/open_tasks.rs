//! The tasks that are being sent, and the notifier that wakes the poller.

use std::collections::HashSet;
use std::sync::Arc;

use miroir_domain::TaskUid;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The tasks that this process is sending. The reconciler leaves their pending node tasks alone.
#[derive(Debug, Default)]
pub(super) struct OpenTasks {
    sending: Mutex<HashSet<TaskUid>>,
    notifier: Notify,
}

/// The guard of a task that is being sent. Dropping it ends that, and wakes the poller.
#[derive(Debug)]
pub struct Sending {
    tasks: Arc<OpenTasks>,
    uid: TaskUid,
}

impl OpenTasks {
    /// Marks `uid` as being sent until the guard is dropped.
    pub(super) fn begin_sending(self: &Arc<Self>, uid: TaskUid) -> Sending {
        self.sending.lock().insert(uid);
        Sending { tasks: Arc::clone(self), uid }
    }

    /// Returns whether `uid` is being sent.
    pub(super) fn is_sending(&self, uid: TaskUid) -> bool {
        self.sending.lock().contains(&uid)
    }

    /// Waits until a task has been sent. One notification is kept for a caller that comes later.
    pub(super) async fn sent(&self) {
        self.notifier.notified().await;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.tasks.sending.lock().remove(&self.uid);
        self.tasks.notifier.notify_one();
    }
}
