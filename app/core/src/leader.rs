//! The work of the leader, for a term: it activates a cluster of its own for requests, and runs the workers
//! that follow writes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::canary::Definition;
use miroir_domain::identity::OwnTopology;
use miroir_ports::error_chain;
use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::admission::{admission_loop, admit_all};
use crate::canary;
use crate::cluster::{Activation, ActiveCluster, Cluster};
use crate::identity::{Established, StoreIdentity, establish};
use crate::infrastructure::Infrastructure;
use crate::instance::{Term, Work};
use crate::replica::{ReportedStates, SUPERSEDED};
use crate::restored::{Examined, examine, renew};
use crate::worker::{self, IsFormerOver, PollerOptions, PrunerOptions, join_all};

/// The options of the leader's work.
#[derive(Debug, Clone)]
pub struct LeaderOptions {
    /// The canaries of the configuration.
    pub canaries: Vec<Definition>,
    /// The pauses of the poller.
    pub poller: PollerOptions,
    /// The options of the pruner.
    pub pruner: PrunerOptions,
}

/// The work of the leader.
pub struct LeaderWork {
    infrastructure: Arc<Infrastructure>,
    active: Arc<ActiveCluster>,
    options: LeaderOptions,
}

/// The time for which no instance may have a former topology before what only such instances read is removed:
/// one may be about to say which one it has.
const FORMER_TOPOLOGY: Duration = Duration::from_secs(10);

/// The reason to end the term of a leader whose store gave the uid of a task again.
const LOST_CHANGES: &str = "the task store has lost its last changes, for example in a failover";

/// The longest time for which the begin of a term waits for nodes that have to be taken in.
const ADMISSION: Duration = Duration::from_secs(5);

/// The pause of a term that cannot begin, before another instance gets the role.
const PAUSE: Duration = Duration::from_secs(1);

/// A term in progress.
pub struct Leading {
    workers: JoinSet<()>,
    // Before the cluster of the term is given up.
    handover: Handover,
    _activation: Activation,
}

/// The guard that hands the replica states of a term over when it ends: until they are read from the store,
/// reads of this instance must still avoid the stale replicas that the term has seen.
struct Handover {
    cluster: Arc<Cluster>,
    reported: Arc<ReportedStates>,
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.reported.hand_over(self.cluster.replicas.rows());
    }
}

impl LeaderWork {
    /// Creates the work of an instance, which serves requests with `active`.
    pub fn new(
        infrastructure: Arc<Infrastructure>,
        active: Arc<ActiveCluster>,
        options: LeaderOptions,
    ) -> Self {
        Self { infrastructure, active, options }
    }

    /// Begins the work of `term`.
    pub async fn begin(&self, term: &Term) -> Result<Leading, StoreError> {
        let nodes = &self.infrastructure.nodes;
        let nodes = term.validity().map_or_else(|| nodes.clone(), |validity| nodes.for_term(validity));
        let cluster = Arc::new(self.infrastructure.cluster(Arc::clone(&term.store), nodes));
        self.establish(&cluster).await?;
        let configured =
            canary::configure(cluster.store.as_ref(), &self.options.canaries, cluster.clock.now()).await?;
        tracing::debug!(done = ?configured, "stored the canaries of the configuration");
        // Before this instance serves: a write must not reach a node that does not have its index.
        worker::load_states(&cluster).await?;
        let examined = Examined::default();
        self.examine(&cluster, &examined).await?;
        let ids = self.infrastructure.ids.as_ref();
        // A node that is not taken in by then follows in the background.
        let _ = timeout(ADMISSION, admit_all(&cluster, &self.infrastructure.checker, ids)).await;
        let workers = self.start_workers(&cluster, term, examined);
        let handover =
            Handover { cluster: Arc::clone(&cluster), reported: Arc::clone(&self.infrastructure.reported) };
        let activation = self.active.activate(cluster);
        term.announce();
        Ok(Leading { workers, _activation: activation, handover })
    }

    /// Makes sure that the store is that of the cluster, and the topology the accepted one.
    async fn establish(&self, cluster: &Cluster) -> Result<(), StoreError> {
        let Infrastructure { checker, accepted, clock, ids, .. } = self.infrastructure.as_ref();
        if accepted.nodes.is_empty() {
            return Ok(());
        }
        let established =
            establish(cluster.store.as_ref(), checker, accepted, ids.as_ref(), clock.as_ref()).await?;
        let reason = match established {
            Established::Known => return Ok(()),
            Established::Lost => checker.identity().store_problem().unwrap_or_default(),
            Established::Superseded => SUPERSEDED.to_owned(),
        };
        tokio::time::sleep(PAUSE).await;
        Err(StoreError::not_applied(reason))
    }

    /// Makes sure that the store has the newest writes of the nodes that respond, or begins a new epoch.
    async fn examine(&self, cluster: &Cluster, examined: &Examined) -> Result<(), StoreError> {
        let Err(error) = examine(cluster, &self.infrastructure.checker, examined).await else {
            return Ok(());
        };
        let reason = format!("the task store cannot be compared with the nodes: {}", error_chain(&error));
        tracing::warn!("{reason}");
        tokio::time::sleep(PAUSE).await;
        Err(StoreError::not_applied(reason))
    }

    /// Waits until this instance must not lead any more, because the store or the topology is not its own.
    async fn unfit(&self) -> StoreError {
        let accepted = &self.infrastructure.accepted;
        let reason = |store: &StoreIdentity| match store {
            StoreIdentity::Lost { .. } => {
                Some("the task store is not that of the cluster any more".to_owned())
            }
            StoreIdentity::Known(row) if OwnTopology::of(accepted, Some(row)) == OwnTopology::Former => {
                Some(SUPERSEDED.to_owned())
            }
            StoreIdentity::Known(_) | StoreIdentity::Unknown | StoreIdentity::Older => None,
        };
        StoreError::not_applied(self.infrastructure.identity.wait_for(reason).await)
    }

    /// Returns a function that tells whether no instance reads by a former topology any more. It has to be
    /// called regularly.
    fn is_former_topology_over(&self, term: &Term) -> IsFormerOver {
        let (directory, identity) = (term.directory(), Arc::clone(&self.infrastructure.identity));
        let since: Mutex<Option<Instant>> = Mutex::default();
        Arc::new(move || {
            let Some(directory) = &directory else { return true };
            let is_over = identity.cluster().is_some_and(|row| directory.all_have_topology(row.version));
            let mut since = since.lock();
            *since = since.filter(|_| is_over).or_else(|| is_over.then(Instant::now));
            since.is_some_and(|since| since.elapsed() >= FORMER_TOPOLOGY)
        })
    }

    fn start_workers(&self, cluster: &Arc<Cluster>, term: &Term, examined: Examined) -> JoinSet<()> {
        let over = &term.over;
        let mut workers = JoinSet::new();
        workers.spawn(worker::poll_loop(Arc::clone(cluster), self.options.poller, over.clone()));
        workers.spawn(worker::prune_loop(Arc::clone(cluster), self.options.pruner, over.clone()));
        let is_former_over = self.is_former_topology_over(term);
        workers.spawn(worker::repair_loop(Arc::clone(cluster), term.number, is_former_over, over.clone()));
        let checker = Arc::clone(&self.infrastructure.checker);
        let ids = Arc::clone(&self.infrastructure.ids);
        workers.spawn(admission_loop(Arc::clone(cluster), checker, ids, examined, over.clone()));
        workers
    }
}

impl Leading {
    /// Waits for the workers to end.
    pub async fn finish(mut self) {
        join_all(&mut self.workers).await;
    }
}

#[async_trait]
impl Work for LeaderWork {
    async fn work(&self, term: Term) -> Result<(), StoreError> {
        let leading = self.begin(&term).await?;
        let cluster = Arc::clone(&leading.handover.cluster);
        tokio::select! {
            biased;
            () = leading.finish() => Ok(()),
            reason = self.unfit() => Err(reason),
            newest = cluster.tasks.uids.lost() => {
                // In this term: the uid that was given again hides the loss from the next leader.
                if let Err(error) = renew(&cluster, &self.infrastructure.checker, newest).await {
                    tracing::error!("no new epoch could begin: {}", error_chain(&error));
                }
                Err(StoreError::not_applied(LOST_CHANGES))
            }
        }
    }
}
