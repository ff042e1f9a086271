//! The parts of the canaries, put together.

use std::sync::Arc;

use miroir_ports::inbound::{CanaryApi, SearchApi};
use miroir_ports::outbound::Ids;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::capture::Captured;
use super::{CanaryService, CaptureTap, Captures, Executor, Ownership, capture_loop, run_loop};
use tokio_util::sync::CancellationToken;

/// The service, and what its workers need.
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
    /// Those canaries that `ownership` says are this instance's, run by `executor`. Captures look at what `search` answers.
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

    /// The port of the canaries.
    pub fn api(&self) -> Arc<dyn CanaryApi> {
        Arc::clone(&self.service) as _
    }

    /// The port for the searches of clients, which captures look at.
    pub fn search(&self) -> Arc<dyn SearchApi> {
        Arc::clone(&self.tap) as _
    }

    /// What runs them.
    pub fn executor(&self) -> Arc<Executor> {
        Arc::clone(&self.executor)
    }

    /// Starts what goes on without clients: captures, and when `runs`, the canaries themselves.
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
