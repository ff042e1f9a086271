//! The running node: a listener, its connections and the task queue, which stop and restart together.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::shared::{DevNodeOptions, Shared};
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
/// Dropping the handle stops the node and discards its data.
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
        let Some(running) = self.running.lock().await.take() else { return };
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
