//! What the parts of one node share.

use std::net::SocketAddr;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::control::Control;
use crate::state::State;

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
    /// An empty node.
    pub(crate) fn new(options: DevNodeOptions) -> Self {
        Self { options, control: Control::default(), work_arrived: Notify::new(), state: Mutex::default() }
    }

    /// The state, locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
