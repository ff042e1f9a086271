//! Looks up what is the case at one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_domain::NodeId;
use miroir_domain::change::SinkState;
use miroir_domain::coverage::Coverage;
use miroir_domain::health::NodeStatus;
use miroir_domain::task::{TaskQuery, TaskStatus};
use miroir_ports::inbound::{ApiError, SinkApi as _, SinkView};
use miroir_ports::outbound::JobDepth;
use prometheus::{Result, TextEncoder};

use super::page::{Page, number};
use super::{CANARY_STATUSES, Metrics, lock, process};
use crate::change::SinkService;
use crate::cluster::Cluster;

/// How long a scrape waits for the store: well below the ten seconds that Prometheus waits for a scrape.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// Every word for a node's status.
const NODE_STATUSES: [(NodeStatus, &str); 3] =
    [(NodeStatus::Healthy, "healthy"), (NodeStatus::Degraded, "degraded"), (NodeStatus::Failed, "failed")];

/// Every metric in the text format of Prometheus.
pub(super) async fn text(metrics: &Metrics) -> String {
    let cluster = lock(&metrics.cluster).upgrade();
    let page = Page::new();
    let described = describe(metrics, &page).and_then(|()| match &cluster {
        Some(cluster) => describe_cluster(&page, cluster),
        None => Ok(()),
    });
    report(described);
    if let Some(cluster) = &cluster {
        report(describe_store(&page, cluster).await);
    }
    let mut families = metrics.registry.gather();
    families.extend(page.families());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    let mut text = String::new();
    report(TextEncoder::new().encode_utf8(&families, &mut text));
    text
}

/// What cannot be shown is a mistake in this code; the rest is shown all the same.
fn report(result: Result<()>) {
    if let Err(error) = result {
        tracing::error!("some metrics cannot be shown: {error}");
    }
}

/// What needs no cluster.
fn describe(metrics: &Metrics, page: &Page) -> Result<()> {
    let version = [env!("CARGO_PKG_VERSION").to_owned()];
    page.gauges("miroir_build_info", "The version of Miroir; always 1.", ["version"], [(version, 1.0)])?;
    process::describe(page, metrics.started_at)?;
    if let Some(canaries) = lock(&metrics.canaries).upgrade() {
        let statuses = canaries.statuses();
        let of = |status| statuses.iter().filter(|other| **other == status).count() as u64;
        let counts = CANARY_STATUSES.map(|status| ([status.as_str().to_owned()], number(of(status))));
        page.gauges("miroir_canaries", "Canaries, by what their last run here came to.", ["status"], counts)?;
    }
    if let Some(sqlite) = lock(&metrics.sqlite).upgrade() {
        let stats = sqlite.stats();
        page.counter("miroir_sqlite_commits_total", "Groups of changes committed.", number(stats.groups))?;
        page.counter(
            "miroir_sqlite_changes_total",
            "Changes in those groups: by the number of commits, the size of the writer's batches.",
            number(stats.operations),
        )?;
        page.gauge("miroir_sqlite_wal_bytes", "Size of the write-ahead log.", number(stats.wal_bytes))?;
    }
    Ok(())
}

/// What the cluster has in memory.
fn describe_cluster(page: &Page, cluster: &Cluster) -> Result<()> {
    let stale = cluster.stale.all();
    let (mut up, mut states, mut latencies, mut busy, mut lacking) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for node in cluster.topology.nodes() {
        let Some(seen) = cluster.health.snapshot(node) else { continue };
        let name = || node.as_str().to_owned();
        up.push(([name()], f64::from(seen.status != NodeStatus::Failed)));
        states.extend(
            NODE_STATUSES.map(|(status, word)| ([name(), word.to_owned()], f64::from(seen.status == status))),
        );
        latencies.extend(seen.latency_us.map(|micros| ([name()], number(micros) / 1e6)));
        busy.push(([name()], number(seen.in_flight)));
        lacking.push(([name()], number(stale.iter().filter(|(_, other)| other == node).count() as u64)));
    }
    page.gauges("miroir_node_up", "Whether the node is used (1) or failed (0).", ["node"], up)?;
    page.gauges(
        "miroir_node_state",
        "1 for the state the node is in, 0 for the others.",
        ["node", "state"],
        states,
    )?;
    page.gauges(
        "miroir_node_latency_seconds",
        "Moving average of the node's answer time.",
        ["node"],
        latencies,
    )?;
    page.gauges("miroir_node_requests_in_flight", "Calls on their way to the node.", ["node"], busy)?;
    page.gauges(
        "miroir_node_stale_indexes",
        "Indexes of which the node lacks writes or settings.",
        ["node"],
        lacking,
    )?;
    describe_shards(page, cluster)
}

fn describe_shards(page: &Page, cluster: &Cluster) -> Result<()> {
    let placement = cluster.placement(cluster.shard_count);
    let of_use = |node: &NodeId| cluster.health.status(node) != NodeStatus::Failed;
    let coverage = Coverage::of(&cluster.topology, &placement, of_use);
    let gauge = |name, help, shards: u32| page.gauge(name, help, f64::from(shards));
    gauge("miroir_shards_covered", "Shards that some node in use has.", coverage.covered)?;
    gauge("miroir_shards_degraded", "Covered shards with a replica on a failed node.", coverage.degraded)?;
    gauge(
        "miroir_shards_uncovered",
        "Shards that no node in use has: they cannot be read.",
        coverage.uncovered,
    )?;
    gauge(
        "miroir_shards_unwritable",
        "Shards without a write quorum of nodes in use: writes to them are refused.",
        coverage.unwritable,
    )
}

/// What the store says. A store that does not answer in time makes its gauges absent, not wrong.
async fn describe_store(page: &Page, cluster: &Cluster) -> Result<()> {
    let found = match tokio::time::timeout(STORE_PATIENCE, Found::look_up(cluster)).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::debug!("metrics of the store: {}", miroir_ports::error_chain(&error));
            None
        }
        Err(_) => None,
    };
    page.gauge(
        "miroir_store_up",
        "Whether the task store answered this scrape (1); if not (0), the metrics that it holds are absent.",
        f64::from(found.is_some()),
    )?;
    found.map_or(Ok(()), |found| found.describe(page))
}

/// What the store holds that is shown.
struct Found {
    tasks: Vec<(TaskStatus, u64)>,
    oldest_unfinished: Duration,
    jobs: JobDepth,
    sinks: Vec<SinkView>,
}

impl Found {
    /// A fixed number of reads, each of a cost that does not depend on how many tasks there are, and four for each sink.
    async fn look_up(cluster: &Cluster) -> std::result::Result<Self, ApiError> {
        let store = &cluster.store;
        let mut tasks = Vec::new();
        for status in TaskStatus::ALL {
            let statuses = Some(BTreeSet::from([status]));
            let query = TaskQuery { statuses, limit: 0, ..TaskQuery::default() };
            tasks.push((status, store.task_list(&query).await?.total));
        }
        let oldest = store.task_list_unfinished(None, 1).await?;
        let now = cluster.clock.now();
        let oldest_unfinished = oldest.first().map_or(Duration::ZERO, |task| now.since(task.created_at));
        let jobs = store.job_depth().await?;
        let (clock, changes) = (cluster.clock.clone(), cluster.changes.clone());
        let sinks = SinkService::new(store.clone(), clock, changes).sink_list().await?;
        Ok(Self { tasks, oldest_unfinished, jobs, sinks })
    }

    fn describe(&self, page: &Page) -> Result<()> {
        let tasks = self.tasks.iter().map(|(status, count)| ([status.as_str().to_owned()], number(*count)));
        page.gauges("miroir_tasks", "Tasks in the store, by status.", ["status"], tasks)?;
        page.gauge(
            "miroir_oldest_unfinished_task_age_seconds",
            "How long ago the oldest task that has not ended was enqueued; 0 when all have.",
            self.oldest_unfinished.as_secs_f64(),
        )?;
        let JobDepth { queued, claimed } = self.jobs;
        let jobs = [(["queued".to_owned()], number(queued)), (["claimed".to_owned()], number(claimed))];
        page.gauges("miroir_jobs", "Jobs that wait or are worked on.", ["state"], jobs)?;
        self.describe_sinks(page)
    }

    fn describe_sinks(&self, page: &Page) -> Result<()> {
        let gauge = |name: &str, help: &str, value: fn(&SinkView) -> f64| {
            let values = self.sinks.iter().map(|sink| ([sink.name.clone()], value(sink)));
            page.gauges(name, help, ["sink"], values)
        };
        gauge(
            "miroir_cdc_active",
            "Whether the sink is delivered to (1), or paused or disabled (0).",
            |sink| f64::from(sink.state == SinkState::Active),
        )?;
        gauge("miroir_cdc_lag_events", "Change events that wait for the sink.", |sink| number(sink.lag))?;
        gauge(
            "miroir_cdc_backlog_events",
            "Change events held for the sink, delivered ones among them.",
            |sink| number(sink.backlog_events),
        )?;
        gauge("miroir_cdc_backlog_bytes", "Bytes of those events.", |sink| number(sink.backlog_bytes))?;
        let dropped = self.sinks.iter().map(|sink| (sink.name.clone(), sink.dropped));
        let help = "Change events dropped for lack of room before the sink confirmed them, ever.";
        page.counters("miroir_cdc_dropped_total", help, "sink", dropped)
    }
}
