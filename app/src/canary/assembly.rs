//! The parts of the canaries, put together.

use std::sync::Arc;

use miroir_ports::inbound::{CanaryApi, SearchApi};
use miroir_ports::outbound::{Clock, Ids, TaskStore};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::capture::Captured;
use super::{CanaryOptions, CanaryService, CaptureTap, Captures, Executor, OwnsAll, capture_loop, run_loop};
use crate::alias::AliasBook;
use crate::change::ChangeRecorder;
use crate::metrics::Metrics;
use crate::worker::Shutdown;

/// The service, and what its workers need.
pub struct Canaries {
    /// The service.
    pub service: Arc<CanaryService>,
    tap: Arc<CaptureTap>,
    store: Arc<dyn TaskStore>,
    book: Arc<AliasBook>,
    executor: Arc<Executor>,
    captures: Arc<Captures>,
    offered: mpsc::Receiver<Captured>,
}

impl Canaries {
    /// Canaries that look names up in `book`, search by `search`, and tell `changes` of their runs.
    pub fn new(
        store: Arc<dyn TaskStore>,
        book: Arc<AliasBook>,
        search: Arc<dyn SearchApi>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        changes: Arc<ChangeRecorder>,
        options: CanaryOptions,
    ) -> Self {
        let executor = Arc::new(Executor::new(
            Arc::clone(&store),
            Arc::clone(&book),
            Arc::clone(&search),
            Arc::clone(&clock),
            changes,
            options,
        ));
        let (captures, offered) = Captures::new(clock);
        let service = CanaryService::new(Arc::clone(&executor), Arc::clone(&captures), ids);
        let tap = Arc::new(CaptureTap::new(search, Arc::clone(&captures)));
        Self { service: Arc::new(service), tap, store, book, executor, captures, offered }
    }

    /// The same, counted and shown in `metrics`.
    #[must_use]
    pub fn counted_in(self, metrics: &Arc<Metrics>) -> Self {
        self.executor.count_in(metrics);
        self
    }

    /// The port of the canaries.
    pub fn api(&self) -> Arc<dyn CanaryApi> {
        Arc::clone(&self.service) as _
    }

    /// The port for the searches of clients, which captures look at.
    pub fn search(&self) -> Arc<dyn SearchApi> {
        Arc::clone(&self.tap) as _
    }

    /// Starts what goes on without clients: captures, and when `runs`, the canaries themselves.
    pub fn start_workers(self, runs: bool, workers: &mut JoinSet<()>, stopped: &Shutdown) {
        workers.spawn(capture_loop(self.captures, self.store, self.book, self.offered, stopped.clone()));
        if runs {
            workers.spawn(run_loop(self.executor, Arc::new(OwnsAll), stopped.clone()));
        }
    }
}
