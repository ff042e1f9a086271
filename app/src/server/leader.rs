//! The work of the leader, for a term: it activates a cluster of its own for requests, and runs the workers
//! that follow writes.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::canary::Definition;
use miroir_ports::outbound::StoreError;
use tokio::task::JoinSet;

use super::worker_set::join_all;
use crate::config::Config;
use crate::wiring::Infrastructure;
use miroir_core::canary;
use miroir_core::cluster::{Activation, ActiveCluster, Cluster};
use miroir_core::instance::{Term, Work};
use miroir_core::worker::{self, PollerOptions, PrunerOptions};

/// The work of the leader.
pub(super) struct LeaderWork {
    infrastructure: Arc<Infrastructure>,
    active: Arc<ActiveCluster>,
    canaries: Vec<Definition>,
    poller: PollerOptions,
    pruner: PrunerOptions,
}

/// A term in progress.
pub(super) struct Leading {
    workers: JoinSet<()>,
    _activation: Activation,
}

impl LeaderWork {
    pub(super) fn new(
        config: &Config,
        infrastructure: Arc<Infrastructure>,
        active: Arc<ActiveCluster>,
    ) -> Self {
        let tasks = &config.task_registry;
        Self {
            infrastructure,
            active,
            canaries: config.canary.definitions.iter().map(|canary| canary.definition().clone()).collect(),
            poller: PollerOptions { shortest_pause: tasks.poll_min(), longest_pause: tasks.poll_max() },
            pruner: PrunerOptions { keep: tasks.ttl(), interval: tasks.prune_interval() },
        }
    }

    /// Begins the work of `term`.
    pub(super) async fn begin(&self, term: &Term) -> Result<Leading, StoreError> {
        let nodes = &self.infrastructure.nodes;
        let nodes = term.validity().map_or_else(|| nodes.clone(), |validity| nodes.for_term(validity));
        let cluster = Arc::new(self.infrastructure.cluster(Arc::clone(&term.store), nodes));
        let configured =
            canary::configure(cluster.store.as_ref(), &self.canaries, cluster.clock.now()).await?;
        tracing::debug!(done = ?configured, "stored the canaries of the configuration");
        // Before this instance serves: a write must not reach a node that does not have its index.
        worker::load_states(&cluster).await?;
        let workers = self.start_workers(&cluster, term);
        let activation = self.active.activate(cluster);
        term.announce();
        Ok(Leading { workers, _activation: activation })
    }

    fn start_workers(&self, cluster: &Arc<Cluster>, term: &Term) -> JoinSet<()> {
        let over = &term.over;
        let mut workers = JoinSet::new();
        workers.spawn(worker::poll_loop(Arc::clone(cluster), self.poller, over.clone()));
        workers.spawn(worker::prune_loop(Arc::clone(cluster), self.pruner, over.clone()));
        workers.spawn(worker::repair_loop(Arc::clone(cluster), term.number, over.clone()));
        workers
    }
}

impl Leading {
    /// Waits for the workers to end.
    pub(super) async fn finish(mut self) {
        join_all(&mut self.workers).await;
    }
}

#[async_trait]
impl Work for LeaderWork {
    async fn work(&self, term: Term) -> Result<(), StoreError> {
        self.begin(&term).await?.finish().await;
        Ok(())
    }
}
