//! The jobs of repair that wait and those that are being done.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::{NodeId, PhysicalUid};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Occurrence, RepairStep, StoreError};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::attempt::Attempts;
use super::error::RepairError;
use super::pace::Pace;
use super::plan::{Job, Work, jobs};
use super::{documents, equality, settings};
use crate::cluster::Cluster;

/// The pause after which the jobs are planned anew.
const PAUSE: Duration = Duration::from_secs(1);

/// The pause after a copy whose response was lost. It is the time that a node may take to register a request
/// that it has received: a copy that arrives later than newer writes would undo them.
const LOST_PAUSE: Duration = Duration::from_secs(10);

/// Tells whether no instance reads by a former topology any more. Until then, some may read documents from
/// nodes that do not keep them any more.
pub type IsFormerOver = Arc<dyn Fn() -> bool + Send + Sync>;

type Outcome = Result<(), RepairError>;

/// The jobs of one term.
pub(super) struct Workshop {
    cluster: Arc<Cluster>,
    is_former_over: IsFormerOver,
    attempts: Attempts,
    pace: Arc<Pace>,
    waiting: VecDeque<Job>,
    running: JoinSet<Outcome>,
    jobs: HashMap<Id, Job>,
}

impl Workshop {
    /// Creates a workshop without jobs. Documents of replicas that are stale already wait: a copy of the
    /// leader before may still arrive.
    pub(super) fn new(cluster: &Arc<Cluster>, is_former_over: IsFormerOver) -> Self {
        let mut attempts = Attempts::default();
        for row in cluster.replicas.rows() {
            attempts.postpone(&row.index, &row.node, &row.state.shard_set(), LOST_PAUSE);
        }
        Self {
            cluster: Arc::clone(cluster),
            is_former_over,
            attempts,
            pace: Arc::new(Pace::new(cluster.repair.max_documents_per_second)),
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            jobs: HashMap::new(),
        }
    }

    /// Plans jobs, and does them until there are none left or it is time to plan anew.
    pub(super) async fn round(&mut self) {
        if let Err(error) = self.plan().await {
            tracing::debug!("cannot plan the repair of replicas: {}", error_chain(&error));
        }
        let end = Instant::now() + PAUSE;
        loop {
            self.start();
            tokio::select! {
                biased;
                Some(ended) = self.running.join_next_with_id() => {
                    let is_done = self.conclude(ended);
                    if is_done && self.waiting.is_empty() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(end) => return,
            }
        }
    }

    async fn plan(&mut self) -> Result<(), StoreError> {
        let (cluster, is_former_over) = (Arc::clone(&self.cluster), Arc::clone(&self.is_former_over));
        let stale = cluster.replicas.stale();
        self.attempts.retain(&stale);
        cluster.repairs.retain(&stale);
        let is_over = is_former_over();
        for (index, node) in &stale {
            if cluster.placements.topology().group_of(node).is_none() && is_over {
                forget(&cluster, index, node).await?;
            }
        }
        self.waiting = jobs(&cluster, &mut self.attempts, is_over).await?.into();
        Ok(())
    }

    /// Starts jobs, one for each replica, as many as may be done at the same time.
    fn start(&mut self) {
        let replica = |job: &Job| (job.index.clone(), job.node.clone());
        let mut busy: HashSet<_> = self.jobs.values().map(replica).collect();
        let mut left = VecDeque::new();
        while let Some(job) = self.waiting.pop_front() {
            // Another job of the replica may have failed since it was planned.
            if !self.attempts.are_due(&job.index, &job.node, job.shards()) {
                continue;
            }
            let is_full = self.running.len() >= self.cluster.repair.concurrency;
            if is_full || !busy.insert(replica(&job)) {
                left.push_back(job);
                continue;
            }
            let (cluster, pace, work) = (Arc::clone(&self.cluster), Arc::clone(&self.pace), job.clone());
            let started = self.running.spawn(async move { work.run(&cluster, &pace).await });
            self.jobs.insert(started.id(), job);
        }
        self.waiting = left;
    }

    /// Notes the outcome of a job, and returns whether it succeeded.
    fn conclude(&mut self, ended: Result<(Id, Outcome), JoinError>) -> bool {
        let (id, outcome) = ended.unwrap_or_else(|panic| {
            let reason = format!("the repair ended without a result: {panic}");
            (panic.id(), Err(RepairError::NotNow(reason)))
        });
        // Each job that runs is noted when it starts.
        let Some(job) = self.jobs.remove(&id) else { return false };
        let (cluster, index, node) = (&self.cluster, &job.index, &job.node);
        cluster.observer.observe(Occurrence::RepairReached(RepairStep::Idle));
        let Err(error) = outcome else {
            self.attempts.succeed(index, node, job.shards());
            cluster.repairs.end(index, node, None);
            if !cluster.replicas.is_stale(index, node) {
                tracing::info!(%index, %node, "repaired a replica");
            }
            return true;
        };
        let pause = if matches!(error, RepairError::Lost(_)) { LOST_PAUSE } else { Duration::ZERO };
        let reason = error_chain(&error);
        cluster.repairs.end(index, node, Some(&reason));
        cluster.observer.observe(Occurrence::RepairFailed);
        self.attempts.fail(index, node, job.shards(), &reason, pause);
        false
    }
}

impl Job {
    async fn run(&self, cluster: &Arc<Cluster>, pace: &Pace) -> Outcome {
        let Self { index, node, work, .. } = self;
        let reach = |step| cluster.observer.observe(Occurrence::RepairReached(step));
        match work {
            Work::Index => {
                reach(RepairStep::Settings);
                settings::repair(cluster, index, node).await
            }
            Work::Documents { source, shards } => {
                documents::repair(cluster, pace, index, node, source, shards).await.map(drop)
            }
            Work::Compare { nodes, shards } => equality::compare(cluster, pace, index, nodes, shards).await,
            Work::Foreign(shards) => {
                reach(RepairStep::Remove);
                documents::remove_foreign(cluster, index, node, shards).await
            }
        }
    }
}

/// Removes the row of a node that has left.
async fn forget(cluster: &Cluster, index: &PhysicalUid, node: &NodeId) -> Result<(), StoreError> {
    let seen = cluster.replicas.see(index, node).await?;
    cluster.replicas.repaired(&seen).await
}
