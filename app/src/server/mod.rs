//! One running Miroir: adapters chosen by the configuration, wired to the services, and stopped in order.
//!
//! | module | what it does |
//! |---|---|
//! | `stage` | what requests meet at this moment |
//! | `writes`, `delivery` | the roles that need more than one part of the program |
//! | `shared` | a store that other instances share: who this one is, and the roles it campaigns for |

mod delivery;
mod shared;
mod stage;
mod writes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use miroir_http::HttpOptions;
use miroir_ports::inbound::{InstanceApi, SearchApi};
use miroir_ports::outbound::{Clock as _, Ids as _, TaskStore};
use miroir_system::{SystemClock, UuidIds};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::alias::AliasBook;
use crate::canary::{Canaries, CanaryOptions, Executor, Ownership, OwnsAll};
use crate::change::{self, Feed, FeedOptions, SinkService};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::instance::{Alone, Directory, Term};
use crate::metrics::Metrics;
use crate::wiring::{self, OpenStore, Outside, Sharing};
use crate::worker::{self, Shutdown};
use delivery::SinkDelivery;
use stage::{Stage, Standing};
use writes::Writes;

/// A Miroir that serves requests until it is stopped.
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where metrics are served without a key, if they are.
    pub metrics_address: Option<SocketAddr>,
    store: Arc<dyn TaskStore>,
    /// Let go last: after everything that works on the store has ended.
    _sharing: Sharing,
    stop_http: watch::Sender<bool>,
    stop_workers: watch::Sender<bool>,
    http: JoinHandle<()>,
    workers: JoinSet<()>,
}

/// Opens the store, starts the workers, and listens.
pub async fn start(config: Config) -> anyhow::Result<RunningServer> {
    let metrics = Arc::new(Metrics::new(SystemClock.now())?);
    let OpenStore { store, sharing } = wiring::open_store(&config.store, &metrics).await?;
    let outside = Arc::new(Outside::new(&config, &metrics)?);
    let (listener, address) = listen(config.server.address, "server.address").await?;
    let metrics_listener = match config.metrics.address {
        Some(address) => Some(listen(address, "metrics.address").await?),
        None => None,
    };
    let directory = shared::directory(&config, address, &outside);

    let (stop_workers, stopped) = watch::channel(false);
    let (stop_http, http_stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    start_probes(&config, &outside, &mut workers, &stopped);
    let program = Program { config: &config, store: &store, outside: &outside, stopped: &stopped };
    let stage = match &sharing {
        Sharing::Alone { .. } => program.start_alone(directory, &http_stopped, &mut workers).await?,
        Sharing::Shared { handles } => {
            program.start_shared(directory, handles, &http_stopped, &mut workers)?
        }
    };
    let mut http_stop = http_stopped;
    let http = tokio::spawn(miroir_http::serve(listener, stage.apis(), http_options(&config), async move {
        worker::stopped(&mut http_stop).await;
    }));
    let metrics_address = metrics_listener.as_ref().map(|(_, address)| *address);
    if let Some((listener, address)) = metrics_listener {
        let mut stopped = stopped.clone();
        let stopped = async move { worker::stopped(&mut stopped).await };
        workers.spawn(miroir_http::serve_metrics(listener, metrics, stopped));
        tracing::info!(%address, "serving metrics, to everyone");
    }
    tracing::info!(%address, nodes = config.nodes.len(), "listening");
    Ok(RunningServer {
        address,
        metrics_address,
        store,
        _sharing: sharing,
        stop_http,
        stop_workers,
        http,
        workers,
    })
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address} ({setting})"))?;
    let address = listener.local_addr().context("cannot tell the address listened on")?;
    Ok((listener, address))
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
        let workers = tokio::time::timeout_at(deadline, joined(&mut self.workers)).await;
        // Closing the store only flushes what is queued, so it is done even when time is up.
        self.store.store_close().await.context("closing the store")?;
        anyhow::ensure!(http.is_ok(), "requests were still in flight after {} ms", within.as_millis());
        anyhow::ensure!(workers.is_ok(), "workers were still busy after {} ms", within.as_millis());
        Ok(())
    }

    /// Waits until the server ends by itself, which it only does when something is badly wrong.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        (&mut self.http).await.context("the HTTP server ended badly")
    }
}

/// Waits for workers to end, and tells of those that ended badly.
async fn joined(workers: &mut JoinSet<()>) {
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            tracing::error!("a worker ended badly: {error}");
        }
    }
}

fn start_probes(config: &Config, outside: &Outside, workers: &mut JoinSet<()>, stopped: &Shutdown) {
    let mut stopped = stopped.clone();
    workers.spawn(crate::node::probe_loop(
        Arc::clone(&outside.nodes),
        crate::node::ProbeSchedule {
            interval: config.health.probe_interval(),
            timeout: config.health.probe_timeout(),
        },
        async move { worker::stopped(&mut stopped).await },
    ));
}

/// What the program is made of, while it is put together.
struct Program<'a> {
    config: &'a Config,
    store: &'a Arc<dyn TaskStore>,
    outside: &'a Arc<Outside>,
    stopped: &'a Shutdown,
}

impl Program<'_> {
    /// Begins to do everything here: nobody else can.
    async fn start_alone(
        &self,
        directory: Directory,
        http_stopped: &Shutdown,
        workers: &mut JoinSet<()>,
    ) -> anyhow::Result<Arc<Stage>> {
        for role in directory.roles() {
            self.outside.metrics.lease_held(&role.name(), true);
        }
        let instance: Arc<dyn InstanceApi> = Arc::new(Alone::new(directory));
        let ownership = Arc::new(OwnsAll(Arc::clone(self.store)));
        let (stage, canaries) = self.stage(instance, ownership, http_stopped);
        let writes = Writes::new(self.config, Arc::clone(self.outside), Arc::clone(&stage));
        let term = Term::unlimited(Arc::clone(self.store), self.stopped.clone());
        workers.spawn(writes.begin(&term).await?.finish());
        for sink in SinkDelivery::all(self.outside) {
            workers.spawn(change::deliver_loop(sink.deliverer(Arc::clone(self.store)), self.stopped.clone()));
        }
        canaries.start_workers(self.config.canary.enabled, workers, self.stopped);
        Ok(stage)
    }

    /// The stage, and the canaries that search what is on it.
    fn stage(
        &self,
        instance: Arc<dyn InstanceApi>,
        ownership: Arc<dyn Ownership>,
        http_stopped: &Shutdown,
    ) -> (Arc<Stage>, Canaries) {
        let (store, clock, changes) = (self.store, &self.outside.clock, &self.outside.changes);
        let reader: Arc<Cluster> =
            Arc::new(self.outside.cluster(Arc::clone(store), Arc::clone(&self.outside.nodes) as _));
        let book = Arc::new(AliasBook::new(Arc::clone(store)));
        let (searched, search) = stage::searched(&book, &reader);
        let search: Arc<dyn SearchApi> = Arc::new(search);
        let executor = Executor::new(
            Arc::clone(store),
            Arc::clone(&book),
            Arc::clone(&search),
            Arc::clone(clock),
            Arc::clone(changes),
            self.canary_options(),
        );
        let canaries = Canaries::new(executor, ownership, search, Arc::new(UuidIds::default()));
        let canaries = canaries.counted_in(&self.outside.metrics);
        // Before the request's own time is up.
        let feed = FeedOptions { longest_wait: self.config.server.request_timeout() / 2 };
        let standing = Standing {
            search: canaries.search(),
            canary: canaries.api(),
            feed: Arc::new(Feed::new(Arc::clone(store), Arc::clone(changes), feed, http_stopped.clone())),
            sink: Arc::new(SinkService::new(Arc::clone(store), Arc::clone(clock), Arc::clone(changes))),
            instance,
        };
        (Arc::new(Stage::new(book, standing, reader, searched)), canaries)
    }

    fn canary_options(&self) -> CanaryOptions {
        CanaryOptions {
            concurrency: self.config.canary.concurrency as usize,
            timeout: self.config.canary.timeout(),
            history: self.config.canary.history,
        }
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
        // A role of an instance that died is free after its lease, and then has to be begun.
        holder_timeout: config.instance.lease() * 4,
        // Request ids that the server makes are unique across restarts and instances.
        request_id_prefix: UuidIds::default().unique_id(),
        ..HttpOptions::default()
    }
}
