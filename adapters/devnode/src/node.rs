//! The running node: a listener, its connections and the task queue, which stop and come back together.

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
        let shared = Arc::new(Shared::new(options));
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
