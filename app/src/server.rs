//! One running Miroir: adapters chosen by the configuration, wired to the services, and stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::SearchApi;
use miroir_ports::outbound::{Ids, TaskStore};
use miroir_system::UuidIds;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::alias::{AliasBook, AliasService, Aliased};
use crate::canary::{self, Canaries, CanaryOptions};
use crate::change::{self, Deliverer, Feed, FeedOptions, SinkService};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::service::{
    ClusterService, DocumentService, IndexService, SearchService, SettingsService, TaskService,
};
use crate::wiring::{self, OpenStore, StoreGuard};
use crate::worker;

/// A Miroir that serves requests until it is stopped.
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    store: Arc<dyn TaskStore>,
    /// Let go last: after everything that works on the store has ended.
    guard: StoreGuard,
    stop_http: watch::Sender<bool>,
    stop_workers: watch::Sender<bool>,
    http: JoinHandle<()>,
    workers: JoinSet<()>,
}

/// Opens the store, starts the workers, and listens.
pub async fn start(config: Config) -> anyhow::Result<RunningServer> {
    let OpenStore { store, guard } = wiring::open_store(&config.store).await?;
    let outside = wiring::connect(&config, Arc::clone(&store))?;
    let book = Arc::new(AliasBook::new(Arc::clone(&outside.cluster.store)));
    let search = Aliased::new(&book, Arc::new(SearchService::new(Arc::clone(&outside.cluster))));
    let canaries = canaries(&config, &outside.cluster, Arc::clone(&book), Arc::new(search)).await?;
    let listener = TcpListener::bind(config.server.address)
        .await
        .with_context(|| format!("cannot listen on {} (server.address)", config.server.address))?;
    let address = listener.local_addr().context("cannot tell the address listened on")?;

    let (stop_workers, stopped) = watch::channel(false);
    let mut workers = start_workers(&config, &outside, &stopped);
    let (stop_http, mut http_stopped) = watch::channel(false);
    let changes = changes(&config, &outside.cluster, http_stopped.clone());
    let http = tokio::spawn(miroir_http::serve(
        listener,
        apis(&outside.cluster, book, &canaries, changes),
        http_options(&config),
        async move { worker::stopped(&mut http_stopped).await },
    ));
    start_deliveries(&outside.cluster, &mut workers, &stopped);
    canaries.start_workers(config.canary.enabled, &mut workers, &stopped);
    tracing::info!(%address, nodes = config.nodes.len(), "listening");
    Ok(RunningServer { address, store, guard, stop_http, stop_workers, http, workers })
}

impl RunningServer {
    /// Stops accepting, finishes what is in flight, stops the workers, closes the store. What is not done `within`
    /// that time is given up; an error says so.
    pub async fn stop(mut self, within: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        self.stop_http.send_replace(true);
        let http = tokio::time::timeout_at(deadline, &mut self.http).await;
        if http.is_err() {
            self.http.abort();
        }
        self.stop_workers.send_replace(true);
        let workers = tokio::time::timeout_at(deadline, async {
            while let Some(ended) = self.workers.join_next().await {
                if let Err(error) = ended {
                    tracing::error!("a worker ended badly: {error}");
                }
            }
        })
        .await;
        if let StoreGuard::Lease(lease) = self.guard {
            lease.release().await;
        }
        // Closing the store only flushes what is queued, so it is done even when time is up.
        self.store.store_close().await.context("closing the store")?;
        anyhow::ensure!(http.is_ok(), "requests were still in flight after {} ms", within.as_millis());
        anyhow::ensure!(workers.is_ok(), "workers were still busy after {} ms", within.as_millis());
        Ok(())
    }

    /// Waits until the server ends by itself, which it only does when something is badly wrong.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        let lost = async {
            match &mut self.guard {
                StoreGuard::Lease(lease) => lease.lost().await,
                StoreGuard::None | StoreGuard::Lock { .. } => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut self.http => ended.context("the HTTP server ended badly"),
            () = lost => {
                // Nothing may reach the store or the nodes any more: another instance may be at work on them.
                self.http.abort();
                self.workers.abort_all();
                anyhow::bail!("the lease of the task store could not be kept: another Miroir may take over")
            }
        }
    }
}

fn start_workers(config: &Config, outside: &wiring::Outside, stopped: &worker::Shutdown) -> JoinSet<()> {
    let cluster = &outside.cluster;
    let mut workers = JoinSet::new();
    let mut probes_stopped = stopped.clone();
    workers.spawn(crate::node::probe_loop(
        Arc::clone(&outside.nodes),
        crate::node::ProbeSchedule {
            interval: config.health.probe_interval(),
            timeout: config.health.probe_timeout(),
        },
        async move { worker::stopped(&mut probes_stopped).await },
    ));
    let poller = worker::PollerOptions {
        shortest_pause: config.task_registry.poll_min(),
        longest_pause: config.task_registry.poll_max(),
    };
    workers.spawn(worker::poll_loop(Arc::clone(cluster), poller, stopped.clone()));
    let pruner = worker::PrunerOptions {
        keep: config.task_registry.ttl(),
        interval: config.task_registry.prune_interval(),
    };
    workers.spawn(worker::prune_loop(Arc::clone(cluster), pruner, stopped.clone()));
    workers.spawn(worker::mend_loop(Arc::clone(cluster), stopped.clone()));
    workers
}

/// The canaries, those of the configuration stored. They search as clients do.
async fn canaries(
    config: &Config,
    cluster: &Arc<Cluster>,
    book: Arc<AliasBook>,
    search: Arc<dyn SearchApi>,
) -> anyhow::Result<Canaries> {
    let definitions: Vec<_> =
        config.canary.definitions.iter().map(|canary| canary.definition().clone()).collect();
    let configured = canary::configure(cluster.store.as_ref(), &definitions, cluster.clock.now()).await;
    tracing::debug!(done = ?configured.context("storing the canaries of the configuration")?, "configured canaries");
    let options = CanaryOptions {
        concurrency: config.canary.concurrency as usize,
        timeout: config.canary.timeout(),
        history: config.canary.history,
    };
    let (store, clock) = (Arc::clone(&cluster.store), Arc::clone(&cluster.clock));
    let (ids, changes) = (Arc::new(UuidIds::default()), Arc::clone(&cluster.changes));
    Ok(Canaries::new(store, book, search, clock, ids, changes, options))
}

/// Starts to deliver to every sink that is delivered to.
fn start_deliveries(cluster: &Arc<Cluster>, workers: &mut JoinSet<()>, stopped: &worker::Shutdown) {
    for sink in &cluster.changes.sinks {
        let Some(delivery) = sink.delivery.clone() else { continue };
        let deliverer = Deliverer::new(
            Arc::clone(&cluster.store),
            Arc::clone(&cluster.clock),
            Arc::new(UuidIds::default()),
            Arc::clone(&cluster.changes),
            Arc::clone(sink),
            delivery,
        );
        workers.spawn(change::deliver_loop(deliverer, stopped.clone()));
    }
}

/// The feed, whose waiting readers are answered when the server stops, and the sinks.
fn changes(config: &Config, cluster: &Arc<Cluster>, stopped: worker::Shutdown) -> (Feed, SinkService) {
    let (store, recorder) = (Arc::clone(&cluster.store), Arc::clone(&cluster.changes));
    // Before the request's own time is up.
    let options = FeedOptions { longest_wait: config.server.request_timeout() / 2 };
    let feed = Feed::new(Arc::clone(&store), Arc::clone(&recorder), options, stopped);
    (feed, SinkService::new(store, Arc::clone(&cluster.clock), recorder))
}

fn apis(
    cluster: &Arc<Cluster>,
    book: Arc<AliasBook>,
    canaries: &Canaries,
    (feed, sinks): (Feed, SinkService),
) -> Apis {
    let index = Arc::new(IndexService::new(Arc::clone(cluster)));
    let document = Arc::new(DocumentService::new(Arc::clone(cluster)));
    let settings = Arc::new(SettingsService::new(Arc::clone(cluster)));
    let task = Arc::new(TaskService::new(Arc::clone(cluster)));
    Apis {
        index: Arc::new(Aliased::new(&book, index)),
        document: Arc::new(Aliased::new(&book, document)),
        settings: Arc::new(Aliased::new(&book, settings)),
        search: canaries.search(),
        task: Arc::new(Aliased::new(&book, task)),
        alias: Arc::new(AliasService::new(Arc::clone(cluster), book)),
        cluster: Arc::new(ClusterService::new(Arc::clone(cluster))),
        canary: canaries.api(),
        feed: Arc::new(feed),
        sink: Arc::new(sinks),
    }
}

fn http_options(config: &Config) -> HttpOptions {
    HttpOptions {
        master_key: config.auth.master_key.as_ref().map(|key| miroir_http::Secret::new(key.expose())),
        admin_key: config.auth.admin_key.as_ref().map(|key| miroir_http::Secret::new(key.expose())),
        max_body_bytes: config.server.max_body_bytes,
        max_concurrent_requests: config.server.max_concurrent_requests as usize,
        request_timeout: config.server.request_timeout(),
        max_connections: crate::file_limit::connections(config.server.max_connections),
        header_timeout: config.server.header_timeout(),
        body_timeout: config.server.body_timeout(),
        write_timeout: config.server.write_timeout(),
        // Request ids that the server makes are unique across restarts and instances.
        request_id_prefix: UuidIds::default().unique_id(),
        ..HttpOptions::default()
    }
}
