//! A node without a listener, for simulations inside one process.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::shared::{DevNodeOptions, Shared};
use crate::snapshot::{NodeRunning, Snapshot};
use crate::state::State;
use crate::{http, queue};

/// A simulated Meilisearch server that listens nowhere: its caller hands it requests, and stands for the
/// network. The address of its options has no meaning, and its faults are those of the caller.
///
/// It lives in the runtime in which it is started, and works off its tasks by the time of this runtime.
pub struct LocalNode {
    shared: Arc<Shared>,
    queue: Mutex<Option<JoinHandle<()>>>,
}

impl LocalNode {
    /// Creates an empty node that is stopped.
    pub fn new(options: DevNodeOptions) -> Self {
        Self { shared: Arc::new(Shared::new(options)), queue: Mutex::default() }
    }

    /// Starts with everything that was acknowledged. Unfinished tasks begin again. Does nothing while the
    /// node runs.
    pub fn start(&self) {
        let mut queue = self.queue.lock();
        if queue.is_none() {
            self.shared.prepare_start();
            *queue = Some(tokio::spawn(queue::run(Arc::clone(&self.shared))));
        }
    }

    /// Crashes: a task in progress is left undone, and acknowledged writes are kept.
    pub fn stop(&self) {
        if let Some(queue) = self.queue.lock().take() {
            queue.abort();
        }
    }

    /// Returns whether it runs.
    pub fn is_running(&self) -> bool {
        self.queue.lock().is_some()
    }

    /// Responds to a request. Returns `None` while the node is stopped.
    pub fn respond(&self, request: ::http::Request<Bytes>) -> Option<::http::Response<Bytes>> {
        self.is_running().then(|| http::respond_locally(&self.shared, request))
    }

    /// Leaves accepted tasks enqueued if `paused`, and works them off again if not.
    pub fn pause_tasks(&self, paused: bool) {
        if paused { self.shared.control.pause_tasks() } else { self.shared.control.resume_tasks() }
    }

    /// Returns a copy of all data at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.shared.state().clone())
    }

    /// Empties the stopped node. Refuses a node that runs.
    pub fn wipe(&self) -> Result<(), NodeRunning> {
        self.replace_data(State::default())
    }

    /// Replaces all data of the stopped node by that of a snapshot. Refuses a node that runs.
    pub fn restore(&self, snapshot: Snapshot) -> Result<(), NodeRunning> {
        self.replace_data(snapshot.0)
    }

    fn replace_data(&self, state: State) -> Result<(), NodeRunning> {
        if self.is_running() {
            return Err(NodeRunning);
        }
        *self.shared.state() = state;
        Ok(())
    }
}

impl Drop for LocalNode {
    fn drop(&mut self) {
        self.stop();
    }
}
