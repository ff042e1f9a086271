//! The running node: a listener, its connections and the task queue, which stop and restart together.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::shared::{DevNodeOptions, Shared};
use crate::snapshot::{NodeRunning, Snapshot};
use crate::state::State;
use crate::{http, queue};

struct Running {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    queue: JoinHandle<()>,
}

/// A simulated Meilisearch server.
///
/// Its data lives in memory, in the handle. [`DevNode::stop`] is a crash that cuts every connection and
/// refuses new ones; [`DevNode::restart`] restores everything that was acknowledged, on the same address.
/// While the node is stopped, its data can be emptied or replaced by that of a [`Snapshot`]. Dropping the
/// handle stops the node and discards its data.
pub struct DevNode {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: tokio::sync::Mutex<Option<Running>>,
}

impl DevNode {
    /// Starts an empty node. Fails only if the address cannot be bound.
    pub async fn start(options: DevNodeOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options));
        let running = spawn(&shared, listener);
        Ok(Self { shared, address, running: tokio::sync::Mutex::new(Some(running)) })
    }

    /// Returns its URL, such as `http://127.0.0.1:7700`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its switches and its record of requests.
    pub fn control(&self) -> Control {
        self.shared.control.clone()
    }

    /// Returns whether it runs.
    pub async fn is_running(&self) -> bool {
        self.running.lock().await.is_some()
    }

    /// Crashes: every connection is cut, new ones are refused, and a task in progress is left undone.
    /// Acknowledged writes are kept. Returns when the port is closed. Does nothing while the node is stopped.
    pub async fn stop(&self) {
        // The lock is held until the end, so that nothing restarts the node or replaces its data before.
        let mut guard = self.running.lock().await;
        let Some(running) = guard.take() else { return };
        running.queue.abort();
        // The server ends by itself only by a panic; there is nothing left to stop then.
        let _ = running.stop.send(());
        let _ = running.server.await;
        let _ = running.queue.await;
    }

    /// Restarts on the same address with everything that was acknowledged. Unfinished tasks begin again. Does
    /// nothing while the node runs. Fails only if the address cannot be bound.
    pub async fn restart(&self) -> std::io::Result<()> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            let listener = TcpListener::bind(self.address).await?;
            *running = Some(spawn(&self.shared, listener));
        }
        Ok(())
    }

    /// Returns a copy of all data at this moment. A task in progress is part of it as accepted, and begins
    /// again where the copy is restored.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.shared.state().clone())
    }

    /// Empties the stopped node, as if the folder of its data were emptied: indexes, tasks and API keys are
    /// gone, and the next start creates new default keys. Refuses a node that runs.
    pub async fn wipe(&self) -> Result<(), NodeRunning> {
        self.replace_data(State::default()).await
    }

    /// Replaces all data of the stopped node by that of a snapshot, of this node or of another. Refuses a
    /// node that runs.
    pub async fn restore(&self, snapshot: Snapshot) -> Result<(), NodeRunning> {
        self.replace_data(snapshot.0).await
    }

    async fn replace_data(&self, state: State) -> Result<(), NodeRunning> {
        let running = self.running.lock().await;
        if running.is_some() {
            return Err(NodeRunning);
        }
        *self.shared.state() = state;
        Ok(())
    }
}

impl Drop for DevNode {
    fn drop(&mut self) {
        if let Some(running) = self.running.get_mut().take() {
            running.queue.abort();
            running.server.abort();
        }
    }
}

fn spawn(shared: &Arc<Shared>, listener: TcpListener) -> Running {
    shared.prepare_start();
    let (stop, stopped) = oneshot::channel();
    Running {
        stop,
        server: tokio::spawn(http::serve(Arc::clone(shared), listener, stopped)),
        queue: tokio::spawn(queue::run(Arc::clone(shared))),
    }
}
