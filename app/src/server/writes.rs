//! Sending the writes, for a term: a cluster of its own, shown to requests, and the workers that follow what was sent.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use miroir_domain::canary::Definition;
use miroir_ports::outbound::Nodes;
use tokio::task::JoinSet;

use super::stage::{Shown, Stage};
use crate::canary;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::instance::{Term, TermNodes, Work};
use crate::wiring::Outside;
use crate::worker::{self, PollerOptions, PrunerOptions, Shutdown};

/// The work of whoever sends the writes.
pub(super) struct Writes {
    outside: Arc<Outside>,
    stage: Arc<Stage>,
    canaries: Vec<Definition>,
    poller: PollerOptions,
    pruner: PrunerOptions,
}

/// Writes are being sent.
pub(super) struct Sending {
    workers: JoinSet<()>,
    _shown: Shown,
}

impl Writes {
    pub(super) fn new(config: &Config, outside: Arc<Outside>, stage: Arc<Stage>) -> Self {
        let tasks = &config.task_registry;
        Self {
            outside,
            stage,
            canaries: config.canary.definitions.iter().map(|canary| canary.definition().clone()).collect(),
            poller: PollerOptions { shortest_pause: tasks.poll_min(), longest_pause: tasks.poll_max() },
            pruner: PrunerOptions { keep: tasks.ttl(), interval: tasks.prune_interval() },
        }
    }

    /// Begins the work of `term`.
    pub(super) async fn begin(&self, term: &Term) -> anyhow::Result<Sending> {
        let nodes: Arc<dyn Nodes> = match term.trust() {
            Some(trust) => Arc::new(TermNodes::new(Arc::clone(&self.outside.nodes) as _, trust)),
            None => Arc::clone(&self.outside.nodes) as _,
        };
        let cluster = Arc::new(self.outside.cluster(Arc::clone(&term.store), nodes));
        let configured = canary::configure(cluster.store.as_ref(), &self.canaries, cluster.clock.now()).await;
        tracing::debug!(done = ?configured.context("storing the canaries of the configuration")?, "configured canaries");
        let workers = self.start_workers(&cluster, &term.over);
        let shown = self.stage.show(&cluster);
        term.take_seat();
        Ok(Sending { workers, _shown: shown })
    }

    fn start_workers(&self, cluster: &Arc<Cluster>, over: &Shutdown) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(worker::poll_loop(Arc::clone(cluster), self.poller, over.clone()));
        workers.spawn(worker::prune_loop(Arc::clone(cluster), self.pruner, over.clone()));
        workers.spawn(worker::mend_loop(Arc::clone(cluster), over.clone()));
        workers
    }
}

impl Sending {
    /// Goes on until the workers have ended.
    pub(super) async fn finish(mut self) {
        super::joined(&mut self.workers).await;
    }
}

#[async_trait]
impl Work for Writes {
    async fn work(&self, term: Term) -> anyhow::Result<()> {
        self.begin(&term).await?.finish().await;
        Ok(())
    }
}
