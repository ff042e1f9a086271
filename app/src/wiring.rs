//! The one place that names concrete adapters.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context as _;
use miroir_domain::NodeId;
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};
use miroir_memory::MemoryStore;
use miroir_peer::HttpPeers;
use miroir_ports::outbound::{Clock, Observer, Peers, Sink, StoreError, TaskStore, WriterProbe, WriterStats};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_sinks::{NatsOptions, NatsSink, WebhookOptions, WebhookSink};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use miroir_system::SystemClock;

use crate::config::{
    self, CdcConfig, Config, RedisConfig, Secret, SinkConfig, SinkKind, StoreBackend, StoreConfig,
};
use crate::store_lock::StoreLock;
use miroir_core::change::{Backoff, ChangeRecorder, Delivery, RecorderOptions, SinkHandle, SinkRules};
use miroir_core::cluster::{Cluster, ClusterParts, SearchPolicy};
use miroir_core::instance::Handles;
use miroir_core::node::{HealthTracker, NodePool, Timeouts};
use miroir_core::placement::Placements;
use miroir_core::replica::ReportedStates;
use miroir_prometheus::Metrics;

/// How often a store that does not open is tried again before giving up.
const OPEN_ATTEMPTS: u32 = 5;
/// The pause before the second attempt; it doubles with each.
const OPEN_PAUSE: Duration = Duration::from_millis(200);

/// An open store.
pub struct OpenStore {
    /// The store.
    pub store: Arc<dyn TaskStore>,
    /// How it is shared.
    pub sharing: Sharing,
    /// Its writer, where it has one of its own.
    pub writer: Option<Arc<dyn WriterProbe>>,
}

/// The writer of a SQLite store, for as long as the store is open.
struct SqliteWriter(Weak<SqliteStore>);

impl WriterProbe for SqliteWriter {
    fn writer_stats(&self) -> Option<WriterStats> {
        let stats = self.0.upgrade()?.stats();
        let (groups, changes, wal_bytes) = (stats.groups, stats.operations, stats.wal_bytes);
        Some(WriterStats { groups, changes, wal_bytes })
    }
}

/// Who else may be at work on a store.
pub enum Sharing {
    /// Nobody: no one else can reach it.
    Alone {
        /// A file that is locked, let go when it is dropped.
        _lock: Option<StoreLock>,
    },
    /// Other instances.
    Shared {
        /// Handles of the store, each to be fenced by itself.
        handles: Handles,
    },
}

/// Opens the configured store; one that is briefly unavailable is tried again.
pub async fn open_store(config: &StoreConfig, metrics: &Arc<Metrics>) -> anyhow::Result<OpenStore> {
    match config.backend {
        StoreBackend::Memory => {
            tracing::warn!("the task store is in memory: every task is forgotten when this process ends");
            let store = metrics.metered_store(Arc::new(MemoryStore::new()), config.backend.as_str());
            Ok(OpenStore { store, sharing: Sharing::Alone { _lock: None }, writer: None })
        }
        StoreBackend::Sqlite => open_sqlite(config, metrics).await,
        StoreBackend::Redis => open_redis(config, metrics).await,
    }
}

async fn open_sqlite(config: &StoreConfig, metrics: &Arc<Metrics>) -> anyhow::Result<OpenStore> {
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
    let writer: Arc<dyn WriterProbe> = Arc::new(SqliteWriter(Arc::downgrade(&store)));
    let store = metrics.metered_store(store, config.backend.as_str());
    Ok(OpenStore { store, sharing: Sharing::Alone { _lock: Some(lock) }, writer: Some(writer) })
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

async fn open_redis(config: &StoreConfig, metrics: &Arc<Metrics>) -> anyhow::Result<OpenStore> {
    let options = redis_options(&config.redis)?;
    let cannot = || format!("cannot open the task store {}", options.printable_url());
    let store = patiently(|| RedisStore::open(options.clone())).await.with_context(cannot)?;
    let (metrics, backend) = (Arc::clone(metrics), config.backend.as_str());
    let handles: Handles = Arc::new(move || metrics.metered_store(Arc::new(store.handle()), backend));
    Ok(OpenStore { store: handles(), sharing: Sharing::Shared { handles }, writer: None })
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
                tracing::warn!(attempt, "opening the task store: {}", miroir_ports::error_chain(&error));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    open().await
}

/// The clients, clock and counters of an instance, which stay the same from term to term.
pub struct Infrastructure {
    topology: Arc<Topology>,
    shard_count: u32,
    search_policy: SearchPolicy,
    /// The nodes.
    pub nodes: NodePool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What writes changed, for others.
    pub changes: Arc<ChangeRecorder>,
    /// The stale replicas that another instance reported.
    pub reported: Arc<ReportedStates>,
    /// The counter of what happens.
    pub observer: Arc<dyn Observer>,
}

impl Infrastructure {
    /// Makes the clients of nodes and sinks, whose calls `metrics` counts. Opens no connection.
    pub fn new(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let topology = topology(config)?;
        for sink in &config.cdc.sinks {
            metrics.register_sink(&sink.name);
        }
        let search_policy = match config.cluster.search_policy {
            config::SearchPolicy::Partial => SearchPolicy::Partial,
            config::SearchPolicy::Error => SearchPolicy::Error,
        };
        Ok(Self {
            nodes: node_pool(config, &topology, &clock, metrics)?,
            topology: Arc::new(topology),
            shard_count: config.cluster.shard_count,
            search_policy,
            changes: Arc::new(recorder(&config.cdc, &clock, &(Arc::clone(metrics) as _))?),
            clock,
            reported: Arc::default(),
            observer: Arc::clone(metrics) as _,
        })
    }

    /// Makes a cluster over `store` and `nodes`.
    pub fn cluster(&self, store: Arc<dyn TaskStore>, nodes: NodePool) -> Cluster {
        Cluster::new(ClusterParts {
            placements: Placements::new(Arc::clone(&self.topology), self.shard_count),
            nodes,
            store,
            clock: Arc::clone(&self.clock),
            search_policy: self.search_policy,
            changes: Arc::clone(&self.changes),
            reported: Arc::clone(&self.reported),
            observer: Arc::clone(&self.observer),
        })
    }
}

/// Makes the pool of the configured nodes, all of them healthy at first.
fn node_pool(
    config: &Config,
    topology: &Topology,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<NodePool> {
    let ids: Vec<NodeId> = topology.nodes().cloned().collect();
    let health = HealthTracker::new(ids, config.health.thresholds(), Arc::clone(clock));
    let urls = config.nodes.iter().map(|node| (node.id.clone(), node.url.as_str().to_owned())).collect();
    let timeouts = Timeouts {
        write: config.timeouts.write(),
        read: config.timeouts.read(),
        search: config.timeouts.search(),
    };
    let client = metrics.metered_nodes(Arc::new(nodes(config)?));
    Ok(NodePool::new(client, Arc::new(health), urls, timeouts))
}

fn nodes(config: &Config) -> anyhow::Result<MeilisearchNodes> {
    let endpoints = config.nodes.iter().map(|node| NodeEndpoint {
        id: node.id.clone(),
        url: node.url.as_str().to_owned(),
        master_key: config.node_master_key(node).map(|key| MasterKey::new(key.expose())),
    });
    let client = ClientOptions { connect_timeout: config.timeouts.connect(), ..ClientOptions::default() };
    MeilisearchNodes::new(endpoints, &client).context("cannot use the configured nodes")
}

/// How other instances are asked.
pub fn peers(config: &Config) -> anyhow::Result<Arc<dyn Peers>> {
    let peers = HttpPeers::new(config.auth.admin_key.as_ref().map(Secret::expose));
    Ok(Arc::new(peers.context("cannot ask other instances")?))
}

/// Whether the configured sinks could be used, as far as that can be told without connecting.
pub fn check_sinks(config: &CdcConfig) -> anyhow::Result<()> {
    recorder(config, &(Arc::new(SystemClock) as _), &(Arc::new(()) as _)).map(drop)
}

/// The configured sinks, and what is recorded for them.
fn recorder(
    config: &CdcConfig,
    clock: &Arc<dyn Clock>,
    observer: &Arc<dyn Observer>,
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
        Ok(Arc::new(SinkHandle::new(rules, delivery, Arc::clone(observer))))
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
