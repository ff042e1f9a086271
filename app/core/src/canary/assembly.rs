//! Builds the service of the canaries and their workers.

use std::sync::Arc;

use miroir_ports::inbound::{CanaryApi, SearchApi};
use miroir_ports::outbound::Ids;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::capture::Captured;
use super::{CanaryService, CaptureTap, Captures, Executor, Ownership, capture_loop, run_loop};
use tokio_util::sync::CancellationToken;

/// The service and its workers, which are not yet started.
pub struct Canaries {
    /// The service.
    pub service: Arc<CanaryService>,
    tap: Arc<CaptureTap>,
    executor: Arc<Executor>,
    ownership: Arc<dyn Ownership>,
    captures: Arc<Captures>,
    offered: mpsc::Receiver<Captured>,
}

impl Canaries {
    /// Makes a service whose canaries `executor` runs, as far as `ownership` assigns them to this instance.
    /// Captures read the responses of `search`.
    pub fn new(
        executor: Executor,
        ownership: Arc<dyn Ownership>,
        search: Arc<dyn SearchApi>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let executor = Arc::new(executor);
        let (captures, offered) = Captures::new(Arc::clone(&executor.clock));
        let service =
            CanaryService::new(Arc::clone(&executor), Arc::clone(&ownership), Arc::clone(&captures), ids);
        let tap = Arc::new(CaptureTap::new(search, Arc::clone(&captures)));
        Self { service: Arc::new(service), tap, executor, ownership, captures, offered }
    }

    /// Returns the port of the canaries.
    pub fn api(&self) -> Arc<dyn CanaryApi> {
        Arc::clone(&self.service) as _
    }

    /// Returns the port for searches of clients. Captures read its responses.
    pub fn search(&self) -> Arc<dyn SearchApi> {
        Arc::clone(&self.tap) as _
    }

    /// Returns the executor of the canaries.
    pub fn executor(&self) -> Arc<Executor> {
        Arc::clone(&self.executor)
    }

    /// Starts the worker that stores captured searches, and if `runs` is true, the worker that runs the
    /// canaries.
    pub fn start_workers(self, runs: bool, workers: &mut JoinSet<()>, stopped: &CancellationToken) {
        workers.spawn(capture_loop(
            self.captures,
            Arc::clone(&self.executor.store),
            Arc::clone(&self.executor.aliases),
            self.offered,
            stopped.clone(),
        ));
        if runs {
            workers.spawn(run_loop(self.executor, self.ownership, stopped.clone()));
        }
    }
}
