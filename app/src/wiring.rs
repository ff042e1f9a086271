//! The one place that names concrete adapters.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{Clock, Ids as _, Sink, StoreError, TaskStore};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_sinks::{NatsOptions, NatsSink, WebhookOptions, WebhookSink};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use miroir_system::{SystemClock, UuidIds};

use crate::change::{Backoff, ChangeRecorder, Delivery, RecorderOptions, SinkHandle, SinkRules};
use crate::cluster::{Cluster, ClusterParts, SearchPolicy, Timeouts};
use crate::config::{
    self, CdcConfig, Config, RedisConfig, Secret, SinkConfig, SinkKind, StoreBackend, StoreConfig,
};
use crate::instance_lease::InstanceLease;
use crate::metrics::Metrics;
use crate::node::{HealthTracker, TrackedNodes};
use crate::store_lock::StoreLock;

/// How often a store that does not open is tried again before giving up.
const OPEN_ATTEMPTS: u32 = 5;
/// The pause before the second attempt; it doubles with each.
const OPEN_PAUSE: Duration = Duration::from_millis(200);

/// The nodes, and the cluster that services see.
pub struct Outside {
    /// The nodes, with their health tracked.
    pub nodes: Arc<TrackedNodes>,
    /// What services share.
    pub cluster: Arc<Cluster>,
}

/// An open store, and what keeps other instances away from it.
pub struct OpenStore {
    /// The store.
    pub store: Arc<dyn TaskStore>,
    /// Held as long as the store is used.
    pub guard: StoreGuard,
}

/// What keeps other instances away from a store.
pub enum StoreGuard {
    /// Nothing: nobody else can reach it.
    None,
    /// A file that is locked.
    Lock {
        /// Let go when it is dropped.
        _lock: StoreLock,
    },
    /// A lease in the store itself.
    Lease(InstanceLease),
}

/// Opens the configured store; one that is briefly unavailable is tried again.
pub async fn open_store(config: &StoreConfig, metrics: &Arc<Metrics>) -> anyhow::Result<OpenStore> {
    let OpenStore { store, guard } = match config.backend {
        StoreBackend::Memory => {
            tracing::warn!("the task store is in memory: every task is forgotten when this process ends");
            OpenStore { store: Arc::new(MemoryStore::new()), guard: StoreGuard::None }
        }
        StoreBackend::Sqlite => open_sqlite(config, metrics).await?,
        StoreBackend::Redis => open_redis(&config.redis).await?,
    };
    Ok(OpenStore { store: metrics.metered_store(store, config.backend.as_str()), guard })
}

async fn open_sqlite(config: &StoreConfig, metrics: &Metrics) -> anyhow::Result<OpenStore> {
    let cannot = || format!("cannot open the task store {}", config.path.display());
    let lock = StoreLock::take(&config.path).await.with_context(cannot)?;
    let options = SqliteOptions {
        synchronous: match config.synchronous {
            config::Synchronous::Full => miroir_sqlite::Synchronous::Full,
            config::Synchronous::Normal => miroir_sqlite::Synchronous::Normal,
        },
        ..SqliteOptions::new(&config.path)
    };
    let store = Arc::new(patiently(|| SqliteStore::open(options.clone())).await.with_context(cannot)?);
    metrics.watch_sqlite(&store);
    Ok(OpenStore { store, guard: StoreGuard::Lock { _lock: lock } })
}

/// How the configured Redis server is reached.
pub fn redis_options(config: &RedisConfig) -> anyhow::Result<RedisOptions> {
    let url = config.url.as_ref().context("`store.redis.url` is not set")?;
    Ok(RedisOptions {
        prefix: config.prefix.clone(),
        cluster: config.cluster,
        connect_timeout: Duration::from_millis(config.connect_timeout_ms),
        response_timeout: Duration::from_millis(config.response_timeout_ms),
        allow_eviction: config.allow_eviction,
        ..RedisOptions::new(url.expose())
    })
}

async fn open_redis(config: &RedisConfig) -> anyhow::Result<OpenStore> {
    let options = redis_options(config)?;
    let cannot = || format!("cannot open the task store {}", options.printable_url());
    let store = patiently(|| RedisStore::open(options.clone())).await.with_context(cannot)?;
    let store: Arc<dyn TaskStore> = Arc::new(store);
    let holder = UuidIds::default().unique_id();
    let lease = InstanceLease::take(Arc::clone(&store), Arc::new(SystemClock), holder).await;
    Ok(OpenStore { store, guard: StoreGuard::Lease(lease.with_context(cannot)?) })
}

/// Opens a store, some times over while it is unavailable.
async fn patiently<S, F>(mut open: impl FnMut() -> F) -> Result<S, StoreError>
where
    F: Future<Output = Result<S, StoreError>>,
{
    let mut pause = OPEN_PAUSE;
    for attempt in 1..OPEN_ATTEMPTS {
        match open().await {
            Err(error) if error.retryable() => {
                tracing::warn!(attempt, "opening the task store: {error}");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    open().await
}

/// Makes the node clients and the cluster, which `metrics` counts and shows. Opens no connection.
pub fn connect(
    config: &Config,
    store: Arc<dyn TaskStore>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Outside> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let topology = topology(config)?;
    let endpoints = config.nodes.iter().map(|node| NodeEndpoint {
        id: node.id.clone(),
        url: node.url.as_str().to_owned(),
        master_key: config.node_master_key(node).map(|key| MasterKey::new(key.expose())),
    });
    let client = ClientOptions { connect_timeout: config.timeouts.connect(), ..ClientOptions::default() };
    let nodes = MeilisearchNodes::new(endpoints, &client).context("cannot use the configured nodes")?;
    let health = Arc::new(HealthTracker::new(
        topology.nodes().cloned().collect::<Vec<_>>(),
        config.health.thresholds(),
        Arc::clone(&clock),
    ));
    let nodes = Arc::new(TrackedNodes::new(metrics.metered_nodes(Arc::new(nodes)), Arc::clone(&health)));
    let changes = Arc::new(recorder(&config.cdc, &clock, Some(metrics))?);
    let cluster = Cluster::new(ClusterParts {
        metrics: Arc::clone(metrics),
        changes,
        topology,
        urls: config.nodes.iter().map(|node| (node.id.clone(), node.url.as_str().to_owned())).collect(),
        shard_count: config.cluster.shard_count,
        nodes: Arc::clone(&nodes) as _,
        health,
        store,
        clock,
        timeouts: Timeouts {
            write: config.timeouts.write(),
            read: config.timeouts.read(),
            search: config.timeouts.search(),
        },
        search_policy: match config.cluster.search_policy {
            config::SearchPolicy::Partial => SearchPolicy::Partial,
            config::SearchPolicy::Error => SearchPolicy::Error,
        },
    });
    let cluster = Arc::new(cluster);
    metrics.watch_cluster(&cluster);
    Ok(Outside { nodes, cluster })
}

/// Whether the configured sinks could be used, as far as that can be told without connecting.
pub fn check_sinks(config: &CdcConfig) -> anyhow::Result<()> {
    recorder(config, &(Arc::new(SystemClock) as _), None).map(drop)
}

/// The configured sinks, and what is recorded for them.
fn recorder(
    config: &CdcConfig,
    clock: &Arc<dyn Clock>,
    metrics: Option<&Arc<Metrics>>,
) -> anyhow::Result<ChangeRecorder> {
    let sinks = config.sinks.iter().map(|sink| {
        let delivery =
            receiver(sink, clock).with_context(|| format!("cannot use the sink `{}`", sink.name))?;
        let delivery = delivery.map(|receiver| Delivery {
            receiver,
            batch_events: sink.batch_events,
            batch_delay: sink.batch_delay(),
            backoff: Backoff { first: sink.retry_min(), longest: sink.retry_max() },
            keep: u64::from(config.keep_confirmed),
        });
        let rules = SinkRules {
            name: sink.name.clone(),
            kind: sink.kind.as_str(),
            documents: sink.documents,
            canaries: sink.canaries,
            origins: sink.origins.clone(),
        };
        let handle = SinkHandle::new(rules, delivery);
        Ok(Arc::new(match metrics {
            Some(metrics) => handle.counted_by(metrics.sink(sink.name.as_str())),
            None => handle,
        }))
    });
    let options = RecorderOptions { source: config.source.clone(), budget_bytes: config.outbox_bytes };
    Ok(ChangeRecorder::new(options, sinks.collect::<anyhow::Result<_>>()?))
}

/// The receiver of a sink; none for the feed. Opens no connection.
fn receiver(sink: &SinkConfig, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Arc<dyn Sink>>> {
    let url = || sink.url.as_ref().map(|url| url.expose().to_owned()).context("`url` is not set");
    let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    Ok(match sink.kind {
        SinkKind::Internal => None,
        SinkKind::Webhook => {
            let options = WebhookOptions {
                url: url()?,
                secrets: sink.secrets.iter().map(|secret| secret.expose().to_owned()).collect(),
                timeout: sink.timeout(),
                allow_private: sink.allow_private,
            };
            Some(Arc::new(WebhookSink::new(options, Arc::clone(clock))?))
        }
        SinkKind::Nats => {
            let options = NatsOptions {
                url: url()?,
                subject: sink.subject.clone(),
                user: sink.user.clone(),
                password: text(&sink.password),
                token: text(&sink.token),
                credentials_file: sink.credentials_file.clone(),
                timeout: sink.timeout(),
            };
            Some(Arc::new(NatsSink::new(options)?))
        }
    })
}

/// The configured topology. Without nodes Miroir still starts, so that its health, tasks and configuration can be
/// looked at; it serves no index and says why.
fn topology(config: &Config) -> anyhow::Result<Topology> {
    if config.nodes.is_empty() {
        tracing::warn!(
            "no nodes are configured: list your Meilisearch servers under `nodes`; until then every write and search answers 503"
        );
        return Ok(Topology::without_nodes(config.cluster.replication_factor, config.cluster.write_quorum));
    }
    config.topology().context("the configured cluster cannot work")
}
