//! Which tasks are still being sent, and the bell that wakes the poller when there is new work.

use std::collections::HashSet;
use std::sync::Arc;

use miroir_domain::TaskUid;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Tasks whose dispatch runs in this process. The poller leaves their pending node tasks alone.
#[derive(Debug, Default)]
pub struct OpenTasks {
    sending: Mutex<HashSet<TaskUid>>,
    bell: Notify,
}

/// Says that a task is being sent; dropping it says that this is over, and wakes the poller.
#[derive(Debug)]
pub struct Sending {
    tasks: Arc<OpenTasks>,
    uid: TaskUid,
}

impl OpenTasks {
    /// Marks `uid` as being sent until the guard is dropped.
    pub fn sending(self: &Arc<Self>, uid: TaskUid) -> Sending {
        self.sending.lock().insert(uid);
        Sending { tasks: Arc::clone(self), uid }
    }

    /// Whether `uid` is being sent now.
    pub fn is_sending(&self, uid: TaskUid) -> bool {
        self.sending.lock().contains(&uid)
    }

    /// Waits for new work. A ring nobody waited for is remembered once.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Wakes the poller.
    pub fn ring(&self) {
        self.bell.notify_one();
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.tasks.sending.lock().remove(&self.uid);
        self.tasks.ring();
    }
}
