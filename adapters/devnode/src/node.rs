//! The running node: a listener, its connections and the task queue, which stop and come back together.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::state::State;
use crate::{http, queue};

/// How to start a node.
#[derive(Debug, Clone)]
pub struct DevNodeOptions {
    /// Where to listen; port 0 picks a free one, which the node keeps through restarts.
    pub address: SocketAddr,
    /// The key clients must present; without one every request is let in.
    pub master_key: Option<String>,
    /// How long a task stays `processing`.
    pub task_delay: Duration,
    /// Takes the uid of a task from the `TaskId` header, as `--experimental-replication-parameters` does.
    pub replication_parameters: bool,
}

impl Default for DevNodeOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            master_key: None,
            task_delay: Duration::from_millis(5),
            replication_parameters: false,
        }
    }
}

/// What connections and the queue share; it outlives both.
pub(crate) struct Shared {
    pub(crate) options: DevNodeOptions,
    pub(crate) control: Control,
    /// Tells the queue that a task was accepted.
    pub(crate) work_arrived: Notify,
    state: Mutex<State>,
}

impl Shared {
    /// The state, locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the state is locked is a defect of one request; the others still deserve answers.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    queue: JoinHandle<()>,
}

/// A simulated Meilisearch server.
///
/// Its data lives in memory, in the handle: [`DevNode::stop`] is a crash that drops every connection and refuses new
/// ones, and [`DevNode::restart`] brings back, on the same address, everything that was acknowledged. Dropping the
/// handle stops the node and forgets its data.
pub struct DevNode {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: tokio::sync::Mutex<Option<Running>>,
}

impl DevNode {
    /// Starts an empty node. Errors are those of binding the address.
    pub async fn start(options: DevNodeOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            control: Control::default(),
            work_arrived: Notify::new(),
            state: Mutex::default(),
        });
        let running = spawn(&shared, listener);
        Ok(Self { shared, address, running: tokio::sync::Mutex::new(Some(running)) })
    }

    /// Where it listens, such as `http://127.0.0.1:7700`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its switches, and what it has seen.
    pub fn control(&self) -> Control {
        self.shared.control.clone()
    }

    /// Whether it listens.
    pub async fn is_running(&self) -> bool {
        self.running.lock().await.is_some()
    }

    /// Crashes: every connection is cut, new ones are refused, a task in progress is left undone. What was
    /// acknowledged is kept. Returns when the port is closed; stopping twice does nothing.
    pub async fn stop(&self) {
        let Some(running) = self.running.lock().await.take() else { return };
        running.queue.abort();
        // The server may have ended by itself only by a panic; there is nothing left to stop then.
        let _ = running.stop.send(());
        let _ = running.server.await;
        let _ = running.queue.await;
    }

    /// Comes back on the same address with everything that was acknowledged; unfinished tasks start again. Does
    /// nothing while the node runs. Errors are those of binding the address.
    pub async fn restart(&self) -> std::io::Result<()> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            let listener = TcpListener::bind(self.address).await?;
            self.shared.state().requeue_interrupted();
            *running = Some(spawn(&self.shared, listener));
        }
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
    let (stop, stopped) = oneshot::channel();
    Running {
        stop,
        server: tokio::spawn(http::serve(Arc::clone(shared), listener, stopped)),
        queue: tokio::spawn(queue::run(Arc::clone(shared))),
    }
}
