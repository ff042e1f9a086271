//! Puts a Miroir together from its infrastructure and its configuration.

use std::sync::Arc;
use std::time::Duration;

use miroir_http::Apis;
use miroir_ports::inbound::{InstanceApi, SearchApi, SinkApi};
use miroir_ports::outbound::{Occurrence, TaskStore, WriterProbe};
use miroir_system::UuidIds;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::delivery::DeliveryWork;
use crate::config::Config;
use miroir_core::alias::AliasResolver;
use miroir_core::canary::{Canaries, CanaryOptions, Executor, Ownership, OwnsAll};
use miroir_core::change::{self, Feed, FeedOptions, SinkService};
use miroir_core::cluster::ActiveCluster;
use miroir_core::gauge::GaugeService;
use miroir_core::infrastructure::Infrastructure;
use miroir_core::instance::{Directory, SoleInstance, Term};
use miroir_core::leader::{LeaderOptions, LeaderWork};
use miroir_core::replica::KNOWN_EVERYWHERE;
use miroir_core::service::{
    AliasService, ClusterService, DocumentService, IndexService, JobService, SearchService, SettingsService,
    TaskService,
};
use miroir_core::worker::{PollerOptions, PrunerOptions};
use miroir_prometheus::{Metrics, Scrape};

/// The parts of a Miroir while it is put together.
pub(super) struct Assembly<'a> {
    pub(super) config: &'a Config,
    pub(super) store: &'a Arc<dyn TaskStore>,
    pub(super) writer: Option<Arc<dyn WriterProbe>>,
    pub(super) metrics: &'a Arc<Metrics>,
    pub(super) infrastructure: &'a Arc<Infrastructure>,
    pub(super) stop_http: &'a CancellationToken,
    pub(super) stop_workers: &'a CancellationToken,
}

/// The services behind the inbound ports, and the parts that background work needs.
pub(super) struct Services {
    pub(super) apis: Apis,
    pub(super) active: Arc<ActiveCluster>,
    pub(super) canaries: Canaries,
}

impl Assembly<'_> {
    /// Starts an instance that does not share its store, and so holds all roles.
    pub(super) async fn start_alone(
        &self,
        directory: Directory,
        workers: &mut JoinSet<()>,
    ) -> anyhow::Result<Apis> {
        for role in directory.roles() {
            self.infrastructure.observer.observe(Occurrence::LeaseHeld { role: &role.name(), held: true });
        }
        let ownership = Arc::new(OwnsAll(Arc::clone(self.store)));
        let Services { apis, active, canaries } =
            self.services(Arc::new(SoleInstance::new(directory)), ownership);
        let leader = self.leader(active, false);
        let term = Term::unlimited(Arc::clone(self.store), self.stop_workers.clone());
        workers.spawn(leader.begin(&term).await?.finish());
        for sink in DeliveryWork::all(self.infrastructure) {
            let deliverer = sink.deliverer(Arc::clone(self.store));
            workers.spawn(change::deliver_loop(deliverer, self.stop_workers.clone()));
        }
        canaries.start_workers(self.config.canary.enabled, workers, self.stop_workers);
        Ok(apis)
    }

    /// Makes the services of an instance, with a cluster for reads.
    pub(super) fn services(&self, instance: Arc<dyn InstanceApi>, ownership: Arc<dyn Ownership>) -> Services {
        let Infrastructure { clock, changes, observer, nodes, .. } = self.infrastructure.as_ref();
        let store = || Arc::clone(self.store);
        let reader = self.infrastructure.cluster(store(), nodes.clone());
        let active = Arc::new(ActiveCluster::new(Arc::new(reader)));
        let aliases = Arc::new(AliasResolver::new(store(), Arc::clone(&self.infrastructure.last_known)));
        let (cluster, names) = (|| Arc::clone(&active), || Arc::clone(&aliases));
        let search: Arc<dyn SearchApi> = Arc::new(SearchService::new(cluster(), names()));
        let executor = Executor::new(
            store(),
            names(),
            Arc::clone(&search),
            Arc::clone(clock),
            Arc::clone(changes),
            Arc::clone(observer),
            self.canary_options(),
        );
        let canaries = Canaries::new(executor, ownership, search, Arc::new(UuidIds::default()));
        let sink: Arc<dyn SinkApi> =
            Arc::new(SinkService::new(store(), Arc::clone(clock), Arc::clone(changes)));
        // A waiting reader gets a response before its request times out.
        let feed = FeedOptions { longest_wait: self.config.server.request_timeout() / 2 };
        let feed = Feed::new(store(), Arc::clone(changes), feed, self.stop_http.clone());
        let gauges =
            GaugeService::new(cluster(), canaries.executor(), Arc::clone(&sink), self.writer.clone());
        let apis = Apis {
            index: Arc::new(IndexService::new(cluster(), names())),
            document: Arc::new(DocumentService::new(cluster(), names())),
            settings: Arc::new(SettingsService::new(cluster(), names())),
            search: canaries.search(),
            task: Arc::new(TaskService::new(store(), names())),
            alias: Arc::new(AliasService::new(cluster(), names())),
            cluster: Arc::new(ClusterService::new(
                cluster(),
                Arc::clone(&self.infrastructure.checker),
                Arc::clone(&self.infrastructure.last_known) as _,
                Arc::new(UuidIds::default()),
            )),
            canary: canaries.api(),
            feed: Arc::new(feed),
            sink,
            instance,
            job: Arc::new(JobService::new(store())),
            staleness: Arc::clone(&self.infrastructure.last_known) as _,
            metrics: Arc::new(Scrape::new(Arc::clone(self.metrics), Arc::new(gauges))),
            observer: Arc::clone(observer),
        };
        Services { apis, active, canaries }
    }

    /// Makes the work of the leader, which serves requests with `active`.
    pub(super) fn leader(&self, active: Arc<ActiveCluster>, is_shared: bool) -> LeaderWork {
        let tasks = &self.config.task_registry;
        let canaries = &self.config.canary.definitions;
        let options = LeaderOptions {
            canaries: canaries.iter().map(|canary| canary.definition().clone()).collect(),
            poller: PollerOptions {
                shortest_pause: tasks.poll_min(),
                longest_pause: tasks.poll_max(),
                known_everywhere: if is_shared { KNOWN_EVERYWHERE } else { Duration::ZERO },
            },
            pruner: PrunerOptions { keep: tasks.ttl(), interval: tasks.prune_interval() },
        };
        LeaderWork::new(Arc::clone(self.infrastructure), active, options)
    }

    fn canary_options(&self) -> CanaryOptions {
        CanaryOptions {
            concurrency: self.config.canary.concurrency as usize,
            timeout: self.config.canary.timeout(),
            history: self.config.canary.history,
        }
    }
}
