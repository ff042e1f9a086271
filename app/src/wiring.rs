//! The one place that names concrete adapters.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{Clock, TaskStore};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use miroir_system::SystemClock;

use crate::cluster::{Cluster, ClusterParts, SearchPolicy, Timeouts};
use crate::config::{self, Config, StoreBackend, StoreConfig};
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

/// Opens the configured store, with the lock that keeps other instances out; a store that is briefly unavailable is
/// tried again.
pub async fn open_store(config: &StoreConfig) -> anyhow::Result<(Arc<dyn TaskStore>, Option<StoreLock>)> {
    if config.backend == StoreBackend::Memory {
        tracing::warn!("the task store is in memory: every task is forgotten when this process ends");
        return Ok((Arc::new(MemoryStore::new()), None));
    }
    let cannot = || format!("cannot open the task store {}", config.path.display());
    let lock = StoreLock::take(&config.path).await.with_context(cannot)?;
    let options = SqliteOptions {
        synchronous: match config.synchronous {
            config::Synchronous::Full => miroir_sqlite::Synchronous::Full,
            config::Synchronous::Normal => miroir_sqlite::Synchronous::Normal,
        },
        ..SqliteOptions::new(&config.path)
    };
    let mut pause = OPEN_PAUSE;
    for attempt in 1.. {
        match SqliteStore::open(options.clone()).await {
            Ok(store) => return Ok((Arc::new(store), Some(lock))),
            Err(error) if error.retryable() && attempt < OPEN_ATTEMPTS => {
                tracing::warn!(attempt, "opening the task store: {error}");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(error).with_context(cannot),
        }
    }
    unreachable!("the loop above ends by returning")
}

/// Makes the node clients and the cluster. Opens no connection.
pub fn connect(config: &Config, store: Arc<dyn TaskStore>) -> anyhow::Result<Outside> {
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
    let nodes = Arc::new(TrackedNodes::new(Arc::new(nodes), Arc::clone(&health)));
    let cluster = Cluster::new(ClusterParts {
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
    Ok(Outside { nodes, cluster: Arc::new(cluster) })
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
