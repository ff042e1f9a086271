//! The gauges of one page.

use miroir_domain::change::SinkState;
use miroir_domain::coverage::Coverage;
use miroir_domain::health::NodeStatus;
use miroir_ports::inbound::{Gauges, NodeGauges, SinkView, StoreGauges};
use miroir_ports::outbound::{JobDepth, WriterStats};
use prometheus::Result;

use crate::page::{Page, number};
use crate::registry::CANARY_STATUSES;

/// Every status of a node, with its word.
const NODE_STATUSES: [(NodeStatus, &str); 3] =
    [(NodeStatus::Healthy, "healthy"), (NodeStatus::Degraded, "degraded"), (NodeStatus::Failed, "failed")];

/// Adds `gauges` to `page`.
pub(super) fn describe(page: &Page, gauges: &Gauges) -> Result<()> {
    let version = [env!("CARGO_PKG_VERSION").to_owned()];
    page.gauges("miroir_build_info", "The version of Miroir; always 1.", ["version"], [(version, 1.0)])?;
    let of = |status| gauges.canaries.iter().filter(|other| **other == status).count() as u64;
    let canaries = CANARY_STATUSES.map(|status| ([status.as_str().to_owned()], number(of(status))));
    page.gauges("miroir_canaries", "Canaries, by what their last run here came to.", ["status"], canaries)?;
    if let Some(writer) = gauges.writer {
        describe_writer(page, writer)?;
    }
    describe_nodes(page, &gauges.nodes)?;
    describe_shards(page, gauges.shards)?;
    page.gauge(
        "miroir_store_up",
        "Whether the task store answered this scrape (1); if not (0), the metrics that it holds are absent.",
        f64::from(gauges.store.is_some()),
    )?;
    gauges.store.as_ref().map_or(Ok(()), |store| describe_store(page, store))
}

fn describe_writer(page: &Page, writer: WriterStats) -> Result<()> {
    page.counter("miroir_sqlite_commits_total", "Groups of changes committed.", number(writer.groups))?;
    page.counter(
        "miroir_sqlite_changes_total",
        "Changes in those groups: by the number of commits, the size of the writer's batches.",
        number(writer.changes),
    )?;
    page.gauge("miroir_sqlite_wal_bytes", "Size of the write-ahead log.", number(writer.wal_bytes))
}

fn describe_nodes(page: &Page, nodes: &[NodeGauges]) -> Result<()> {
    let gauge = |name: &str, help: &str, value: &dyn Fn(&NodeGauges) -> Option<f64>| {
        let values = nodes.iter().filter_map(|node| Some(([node.view.id.to_string()], value(node)?)));
        page.gauges(name, help, ["node"], values)
    };
    gauge("miroir_node_up", "Whether the node is used (1) or failed (0).", &|node| {
        Some(f64::from(node.view.status != NodeStatus::Failed))
    })?;
    let states = nodes.iter().flat_map(|node| {
        NODE_STATUSES.map(|(status, word)| {
            ([node.view.id.to_string(), word.to_owned()], f64::from(node.view.status == status))
        })
    });
    page.gauges(
        "miroir_node_state",
        "1 for the state the node is in, 0 for the others.",
        ["node", "state"],
        states,
    )?;
    gauge("miroir_node_latency_seconds", "Moving average of the node's answer time.", &|node| {
        Some(number(node.view.latency_us?) / 1e6)
    })?;
    gauge("miroir_node_requests_in_flight", "Calls on their way to the node.", &|node| {
        Some(number(node.view.in_flight))
    })?;
    gauge("miroir_node_stale_indexes", "Indexes of which the node lacks writes or settings.", &|node| {
        Some(number(node.stale_indexes))
    })
}

fn describe_shards(page: &Page, coverage: Coverage) -> Result<()> {
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

fn describe_store(page: &Page, store: &StoreGauges) -> Result<()> {
    let tasks = store.tasks.iter().map(|(status, count)| ([status.as_str().to_owned()], number(*count)));
    page.gauges("miroir_tasks", "Tasks in the store, by status.", ["status"], tasks)?;
    page.gauge(
        "miroir_oldest_unfinished_task_age_seconds",
        "How long ago the oldest task that has not ended was enqueued; 0 when all have.",
        store.oldest_unfinished.as_secs_f64(),
    )?;
    let JobDepth { queued, claimed } = store.jobs;
    let jobs = [(["queued".to_owned()], number(queued)), (["claimed".to_owned()], number(claimed))];
    page.gauges("miroir_jobs", "Jobs that wait or are worked on.", ["state"], jobs)?;
    describe_sinks(page, &store.sinks)
}

fn describe_sinks(page: &Page, sinks: &[SinkView]) -> Result<()> {
    let gauge = |name: &str, help: &str, value: fn(&SinkView) -> f64| {
        let values = sinks.iter().map(|sink| ([sink.name.clone()], value(sink)));
        page.gauges(name, help, ["sink"], values)
    };
    gauge("miroir_cdc_active", "Whether the sink is delivered to (1), or paused or disabled (0).", |sink| {
        f64::from(sink.state == SinkState::Active)
    })?;
    gauge("miroir_cdc_lag_events", "Change events that wait for the sink.", |sink| number(sink.lag))?;
    gauge(
        "miroir_cdc_backlog_events",
        "Change events held for the sink, delivered ones among them.",
        |sink| number(sink.backlog_events),
    )?;
    gauge("miroir_cdc_backlog_bytes", "Bytes of those events.", |sink| number(sink.backlog_bytes))?;
    let dropped = sinks.iter().map(|sink| (sink.name.clone(), sink.dropped));
    let help = "Change events dropped for lack of room before the sink confirmed them, ever.";
    page.counters("miroir_cdc_dropped_total", help, "sink", dropped)
}
