//! Metrics: what happened is counted as it happens, what is the case is looked up when it is asked for.
//!
//! There is one [`Metrics`] for each running Miroir. It outlives what it watches: a cluster that is made anew is
//! [watched](Metrics::watch_cluster) in the place of the one before, and one that is gone leaves nothing behind, because
//! its gauges are made afresh at every scrape.
//!
//! No label takes its value from a client: routes are templates, nodes and sinks are named by the configuration, and the
//! rest are words of this code. `docs/metrics.md` lists every metric; a test holds it and what is exported together.
//!
//! | file | what it does |
//! |---|---|
//! | `family` | makes families of counters, by name |
//! | `http`, `node`, `store`, `sink` | counts requests, calls to nodes, calls to the store, what sinks were told |
//! | `page` | a scrape's own gauges |
//! | `scrape` | looks up what is the case: nodes, shards, canaries, the store |
//! | `process` | the process, as the kernel sees it |

mod family;
mod http;
mod node;
mod page;
mod process;
mod scrape;
mod sink;
mod store;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::canary::CanaryStatus;
use miroir_ports::inbound::{Exposition, MetricsApi};
use miroir_ports::outbound::{Nodes, TaskStore};
use miroir_sqlite::SqliteStore;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TEXT_FORMAT};

use crate::canary::Executor;
use crate::cluster::Cluster;

use family::Families;
use http::HttpMetrics;
use node::{MeteredNodes, NodeMetrics};
use sink::SinkMetrics;
use store::{MeteredStore, StoreMetrics};

pub use sink::SinkCounters;

/// Nodes asked for one search: from one to more than any sensible cluster has.
const FAN_OUT: [f64; 11] = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0, 128.0];
/// Every word for the outcome of a canary's run.
const CANARY_STATUSES: [CanaryStatus; 3] = [CanaryStatus::Pass, CanaryStatus::Fail, CanaryStatus::Error];

/// The metrics of one running Miroir.
pub struct Metrics {
    registry: Registry,
    started_at: Timestamp,
    http: HttpMetrics,
    nodes: NodeMetrics,
    store: StoreMetrics,
    sinks: SinkMetrics,
    fan_out: Histogram,
    searches_degraded: IntCounter,
    canary_runs: IntCounterVec,
    alias_flips: IntCounter,
    leases: IntGaugeVec,
    instances: IntGauge,
    cluster: Mutex<Weak<Cluster>>,
    canaries: Mutex<Weak<Executor>>,
    sqlite: Mutex<Weak<SqliteStore>>,
    /// Those who asked for a scrape so far.
    asked: AtomicU64,
    /// The last scrape and how many had asked when it began; held while there is one.
    last: tokio::sync::Mutex<Option<(u64, String)>>,
}

impl Metrics {
    /// Metrics of a Miroir that started at `started_at`, all of them zero. An error is a mistake in this code: a name or a
    /// label that Prometheus does not take.
    pub fn new(started_at: Timestamp) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let families = Families(&registry);
        let canary_runs = families.counters(
            "miroir_canary_runs_total",
            "Runs of canaries, by what they came to.",
            &["verdict"],
        )?;
        for status in CANARY_STATUSES {
            canary_runs.with_label_values(&[status.as_str()]);
        }
        let instances = families.gauge(
            "miroir_instances",
            "Live instances of Miroir on the same store, as this one sees them.",
        )?;
        instances.set(1);
        Ok(Self {
            started_at,
            http: HttpMetrics::new(&families)?,
            nodes: NodeMetrics::new(&families)?,
            store: StoreMetrics::new(&families)?,
            sinks: SinkMetrics::new(&families)?,
            fan_out: families.histogram(
                "miroir_search_fan_out_nodes",
                "Nodes asked for one search of one index.",
                &FAN_OUT,
            )?,
            searches_degraded: families
                .counter("miroir_searches_degraded_total", "Searches answered without some shards.")?,
            canary_runs,
            alias_flips: families.counter(
                "miroir_alias_flips_total",
                "Aliases that were pointed at other indexes; a swap counts both.",
            )?,
            leases: families.gauges(
                "miroir_lease_held",
                "Whether this instance holds the lease of a role (1) or not (0).",
                &["role"],
            )?,
            instances,
            cluster: Mutex::default(),
            canaries: Mutex::default(),
            sqlite: Mutex::default(),
            asked: AtomicU64::new(0),
            last: tokio::sync::Mutex::default(),
            registry,
        })
    }

    /// Shows the nodes, shards, sinks and store of `cluster` from now on, for as long as it lives.
    pub fn watch_cluster(&self, cluster: &Arc<Cluster>) {
        *lock(&self.cluster) = Arc::downgrade(cluster);
    }

    /// Shows how the canaries of `executor` fare from now on, for as long as it lives.
    pub fn watch_canaries(&self, executor: &Arc<Executor>) {
        *lock(&self.canaries) = Arc::downgrade(executor);
    }

    /// Shows the writer and the log of `store` from now on, for as long as it is open.
    pub fn watch_sqlite(&self, store: &Arc<SqliteStore>) {
        *lock(&self.sqlite) = Arc::downgrade(store);
    }

    /// `store`, each call of which is counted under the word for its backend.
    pub fn metered_store(
        self: &Arc<Self>,
        store: Arc<dyn TaskStore>,
        backend: &'static str,
    ) -> Arc<dyn TaskStore> {
        self.store.begin(backend);
        Arc::new(MeteredStore::new(store, Arc::clone(self), backend))
    }

    /// `nodes`, each call of which is counted.
    pub fn metered_nodes(self: &Arc<Self>, nodes: Arc<dyn Nodes>) -> Arc<dyn Nodes> {
        Arc::new(MeteredNodes::new(nodes, Arc::clone(self)))
    }

    /// The counters of the sink that the configuration calls `name`.
    pub fn sink(&self, name: &str) -> SinkCounters {
        self.sinks.of(name)
    }

    /// So many nodes were asked for a search of one index.
    pub fn search_asked(&self, nodes: usize) {
        // Clusters have fewer nodes than 2^32.
        self.fan_out.observe(f64::from(u32::try_from(nodes).unwrap_or(u32::MAX)));
    }

    /// A search was answered without some shards.
    pub fn search_degraded(&self) {
        self.searches_degraded.inc();
    }

    /// A canary ran.
    pub fn canary_ran(&self, verdict: CanaryStatus) {
        self.canary_runs.with_label_values(&[verdict.as_str()]).inc();
    }

    /// So many aliases were pointed elsewhere.
    pub fn aliases_flipped(&self, aliases: u64) {
        self.alias_flips.inc_by(aliases);
    }

    /// This instance holds the lease of `role`, or does not any more. A role is a word of this code or a name of the
    /// configuration, never of a client.
    pub fn lease_held(&self, role: &str, held: bool) {
        self.leases.with_label_values(&[role]).set(i64::from(held));
    }

    /// So many instances live on the same store, this one among them.
    pub fn instances(&self, count: usize) {
        self.instances.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

#[async_trait]
impl MetricsApi for Metrics {
    async fn exposition(&self) -> Exposition {
        // Who had to wait for another's scrape that began after it asked gets that one's answer: however many ask, the
        // store is asked by one at a time.
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut last = self.last.lock().await;
        let text = match &*last {
            Some((begun, text)) if *begun > turn => text.clone(),
            _ => {
                let begun = self.asked.load(Ordering::SeqCst);
                let text = scrape::text(self).await;
                *last = Some((begun, text.clone()));
                text
            }
        };
        Exposition { content_type: TEXT_FORMAT, text }
    }
}

/// What is guarded is replaced whole, so a panic elsewhere cannot have left it half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
