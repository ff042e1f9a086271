//! State that the parts of one node share.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::clock::{NodeClock, machine};
use crate::control::Control;
use crate::state::State;

/// Options of a node.
#[derive(Debug, Clone)]
pub struct DevNodeOptions {
    /// The address on which to listen. Port 0 picks a free port, which the node keeps through restarts.
    pub address: SocketAddr,
    /// The key that clients must send. Without it, every request is accepted, except for those to `/keys`.
    pub master_key: Option<String>,
    /// The time for which a task stays `processing`.
    pub task_delay: Duration,
    /// True to take the uid of a task from the header `TaskId`, as `--experimental-replication-parameters`
    /// does.
    pub replication_parameters: bool,
    /// The clock. Without it, the node has that of the machine.
    pub clock: Option<NodeClock>,
}

impl Default for DevNodeOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            master_key: None,
            task_delay: Duration::from_millis(5),
            replication_parameters: false,
            clock: None,
        }
    }
}

/// State that connections and the queue share, and that outlives both.
pub(crate) struct Shared {
    pub(crate) options: DevNodeOptions,
    pub(crate) control: Control,
    /// Wakes the queue after a task was accepted.
    pub(crate) work_arrived: Notify,
    state: Mutex<State>,
}

impl Shared {
    /// Creates the state of an empty node.
    pub(crate) fn new(options: DevNodeOptions) -> Self {
        Self { options, control: Control::default(), work_arrived: Notify::new(), state: Mutex::default() }
    }

    /// Makes the data ready for a start: enqueues interrupted tasks again, and creates the default keys if
    /// there are no keys.
    pub(crate) fn prepare_start(&self) {
        let mut state = self.state();
        state.requeue_interrupted();
        if self.options.master_key.is_some() {
            state.keys.create_defaults(self.now());
        }
    }

    /// Returns the current instant by the clock of the node.
    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.as_ref().map_or_else(machine, NodeClock::now)
    }

    /// Locks the state.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
