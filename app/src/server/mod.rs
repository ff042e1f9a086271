//! A running Miroir: adapters chosen by the configuration, wired to the services, and stopped in order.
//!
//! | module | contents |
//! |---|---|
//! | `assembly` | the services and workers of an instance, put together |
//! | `shared` | an instance that shares its store with others |
//! | `identity` | the identity of the cluster, compared with the configuration and followed |
//! | `delivery` | the work of the instance that delivers to a sink |

mod assembly;
mod delivery;
mod identity;
mod shared;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use miroir_core::identity::GuardedStore;
use miroir_core::infrastructure::Infrastructure;
use miroir_core::worker::join_all;
use miroir_http::HttpOptions;
use miroir_ports::outbound::{Clock as _, Ids as _, TaskStore};
use miroir_system::{SystemClock, UuidIds};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::wiring::{self, OpenStore, Sharing};
use assembly::Assembly;
use miroir_prometheus::Metrics;

/// The pause between two attempts to open a store whose server does not respond.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A Miroir that serves requests until it is stopped.
pub struct RunningServer {
    /// The address of its listener.
    pub address: SocketAddr,
    /// The address of the listener for metrics, which needs no key. `None` if there is no such listener.
    pub metrics_address: Option<SocketAddr>,
    store: Arc<dyn TaskStore>,
    /// Dropped last, after everything that works on the store has ended.
    _sharing: Sharing,
    stop_http: CancellationToken,
    stop_workers: CancellationToken,
    http: JoinHandle<()>,
    workers: JoinSet<()>,
}

/// Opens the store, starts the workers, and listens.
pub async fn start(config: Config) -> anyhow::Result<RunningServer> {
    let metrics = Arc::new(Metrics::new(SystemClock.now())?);
    let (listener, address) = listen(config.server.address, "server.address").await?;
    wait_for_store(&config, &listener).await?;
    let OpenStore { store: unguarded, sharing, writer } = wiring::open_store(&config.store, &metrics).await?;
    let infrastructure = Arc::new(wiring::infrastructure(&config, &metrics)?);
    identity::check_topology(unguarded.as_ref(), &infrastructure).await?;
    let identity = &infrastructure.identity;
    let store: Arc<dyn TaskStore> = Arc::new(GuardedStore::new(Arc::clone(&unguarded), Arc::clone(identity)));
    let metrics_listener = match config.metrics.address {
        Some(address) => Some(listen(address, "metrics.address").await?),
        None => None,
    };
    let directory = shared::directory(&config, address, &infrastructure);

    let (stop_workers, stop_http) = (CancellationToken::new(), CancellationToken::new());
    let mut workers = JoinSet::new();
    identity::follow(&sharing, unguarded, &infrastructure, &mut workers, &stop_workers).await?;
    start_probes(&config, &infrastructure, &mut workers, &stop_workers);
    // A node gets no request before it has responded once. The wait is that of one probe.
    infrastructure.nodes.health().checked().await;
    let assembly = Assembly {
        config: &config,
        store: &store,
        writer,
        metrics: &metrics,
        infrastructure: &infrastructure,
        stop_http: &stop_http,
        stop_workers: &stop_workers,
    };
    let apis = match &sharing {
        Sharing::Alone { .. } => assembly.start_alone(directory, &mut workers).await?,
        Sharing::Shared { handles } => assembly.start_shared(directory, handles, &mut workers),
    };
    let scrape = Arc::clone(&apis.metrics);
    let stopped = stop_http.clone().cancelled_owned();
    let http = tokio::spawn(miroir_http::serve(listener, Arc::new(apis), http_options(&config), stopped));
    let metrics_address = metrics_listener.as_ref().map(|(_, address)| *address);
    if let Some((listener, address)) = metrics_listener {
        let stopped = stop_workers.clone().cancelled_owned();
        workers.spawn(miroir_http::serve_metrics(listener, scrape, stopped));
        tracing::info!(%address, "serving metrics without a key");
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

/// Waits for the server of the store. Meanwhile the instance responds that it is not ready.
async fn wait_for_store(config: &Config, listener: &TcpListener) -> anyhow::Result<()> {
    let options = http_options(config);
    wiring::wait_for_store(&config.store, |reason| {
        tracing::warn!("{reason}; not ready, and trying again");
        miroir_http::serve_unready(listener, reason, &options, tokio::time::sleep(STORE_PAUSE))
    })
    .await
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address} ({setting})"))?;
    let address = listener.local_addr().context("cannot read the address of the listener")?;
    Ok((listener, address))
}

impl RunningServer {
    /// Stops accepting, finishes requests in flight, stops the workers and closes the store. Returns an error
    /// if requests or workers take longer than `within`; these are aborted.
    pub async fn stop(mut self, within: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        self.stop_http.cancel();
        let http = tokio::time::timeout_at(deadline, &mut self.http).await;
        if http.is_err() {
            self.http.abort();
        }
        self.stop_workers.cancel();
        let workers = tokio::time::timeout_at(deadline, join_all(&mut self.workers)).await;
        // Closing the store only flushes queued writes, so it is done even after a timeout.
        self.store.store_close().await.context("closing the store")?;
        anyhow::ensure!(http.is_ok(), "requests were still in flight after {} ms", within.as_millis());
        anyhow::ensure!(workers.is_ok(), "workers were still busy after {} ms", within.as_millis());
        Ok(())
    }

    /// Waits for the server to end by itself, which only a defect causes.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        (&mut self.http).await.context("the HTTP server panicked")
    }
}

impl Drop for RunningServer {
    /// Stops the server in the background, if [`RunningServer::stop`] was not called.
    fn drop(&mut self) {
        self.stop_http.cancel();
        self.stop_workers.cancel();
    }
}

fn start_probes(
    config: &Config,
    infrastructure: &Infrastructure,
    workers: &mut JoinSet<()>,
    stopped: &CancellationToken,
) {
    workers.spawn(miroir_core::identity::probe_loop(
        Arc::clone(&infrastructure.checker),
        config.health.probe_interval(),
        stopped.clone().cancelled_owned(),
    ));
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
        // The role of an instance that died is vacant after its lease, and its next holder has to start
        // first.
        holder_timeout: config.instance.lease() * 4,
        // Makes generated request ids unique across restarts and instances.
        request_id_prefix: UuidIds::default().unique_id(),
        ..HttpOptions::default()
    }
}
