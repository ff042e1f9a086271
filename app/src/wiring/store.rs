//! The task store, opened as the configuration says.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context as _;
use backon::Retryable as _;
use miroir_core::instance::Handles;
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{StoreError, TaskStore, WriterProbe, WriterStats};
use miroir_prometheus::Metrics;
use miroir_redis::{RedisOptions, RedisStore};
use miroir_sqlite::{SqliteOptions, SqliteStore};

use super::retry::OPENING;
use super::store_lock::StoreLock;
use crate::config::{self, RedisConfig, StoreBackend, StoreConfig};

/// An open store.
pub struct OpenStore {
    /// The store.
    pub store: Arc<dyn TaskStore>,
    /// The processes that can reach it.
    pub sharing: Sharing,
    /// The statistics of its writer, if it has a writer of its own.
    pub writer: Option<Arc<dyn WriterProbe>>,
}

/// The writer of a SQLite store. It does not keep the store open.
struct SqliteWriter(Weak<SqliteStore>);

impl WriterProbe for SqliteWriter {
    fn writer_stats(&self) -> Option<WriterStats> {
        let stats = self.0.upgrade()?.stats();
        let (groups, changes, wal_bytes) = (stats.groups, stats.operations, stats.wal_bytes);
        Some(WriterStats { groups, changes, wal_bytes })
    }
}

/// The processes that can reach a store.
pub enum Sharing {
    /// This process alone.
    Alone {
        /// The lock of a store in a file. Dropping it releases the store.
        _lock: Option<StoreLock>,
    },
    /// This instance and others.
    Shared {
        /// Makes handles of the store. Each has a fence of its own.
        handles: Handles,
    },
}

/// Waits until the server of the configured store responds, if it is a server. Calls `waiting` with the
/// reason each time that it has not responded for some seconds.
pub async fn wait_for_store<F: Future<Output = ()>>(
    config: &StoreConfig,
    mut waiting: impl FnMut(String) -> F,
) -> anyhow::Result<()> {
    if config.backend != StoreBackend::Redis {
        return Ok(());
    }
    let options = redis_options(&config.redis)?;
    loop {
        match RedisStore::open(options.clone()).await {
            Err(error) if error.retryable() => {
                let reason = miroir_ports::error_chain(&error);
                waiting(format!("cannot open the task store {}: {reason}", options.printable_url())).await;
            }
            // Another error is that of the attempt which follows.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

/// Opens the configured store. Retries for a short time if it is unavailable.
pub async fn open_store(config: &StoreConfig, metrics: &Arc<Metrics>) -> anyhow::Result<OpenStore> {
    match config.backend {
        StoreBackend::Memory => {
            tracing::warn!("the task store is in memory: all tasks are lost when this process ends");
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
    let store =
        (|| SqliteStore::open(options.clone())).retry(OPENING).when(StoreError::retryable).notify(log_retry);
    let store = Arc::new(store.await.with_context(cannot)?);
    let writer: Arc<dyn WriterProbe> = Arc::new(SqliteWriter(Arc::downgrade(&store)));
    let store = metrics.metered_store(store, config.backend.as_str());
    Ok(OpenStore { store, sharing: Sharing::Alone { _lock: Some(lock) }, writer: Some(writer) })
}

/// Returns the options of the configured Redis server.
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
    let store =
        (|| RedisStore::open(options.clone())).retry(OPENING).when(StoreError::retryable).notify(log_retry);
    let store = store.await.with_context(cannot)?;
    let (metrics, backend) = (Arc::clone(metrics), config.backend.as_str());
    let handles: Handles = Arc::new(move || metrics.metered_store(Arc::new(store.handle()), backend));
    Ok(OpenStore { store: handles(), sharing: Sharing::Shared { handles }, writer: None })
}

fn log_retry(error: &StoreError, pause: Duration) {
    let (error, pause_ms) = (miroir_ports::error_chain(error), pause.as_millis());
    tracing::warn!(error, pause_ms, "cannot open the task store; trying again");
}
