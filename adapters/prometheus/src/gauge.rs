//! The gauges of one page.

use miroir_domain::canary::CanaryStatus;
use miroir_domain::change::SinkState;
use miroir_domain::coverage::Coverage;
use miroir_domain::health::NodeStatus;
use miroir_ports::inbound::{Gauges, NodeGauges, SinkView, StoreGauges};
use miroir_ports::outbound::{JobDepth, WriterStats};
use prometheus::Result;

use crate::page::{Page, number};

/// Adds `gauges` to `page`.
pub(super) fn describe(page: &Page, gauges: &Gauges) -> Result<()> {
    let version = [env!("CARGO_PKG_VERSION").to_owned()];
    page.gauges("miroir_build_info", "The version of Miroir; always 1.", ["version"], [(version, 1.0)])?;
    let of = |status| gauges.canaries.iter().filter(|other| **other == status).count() as u64;
    let canaries = CanaryStatus::ALL.map(|status| ([status.as_str().to_owned()], number(of(status))));
    page.gauges(
        "miroir_canaries",
        "Canaries by the verdict of their last run on this instance.",
        ["status"],
        canaries,
    )?;
    if let Some(writer) = gauges.writer {
        describe_writer(page, writer)?;
    }
    describe_nodes(page, &gauges.nodes)?;
    describe_shards(page, gauges.shards)?;
    page.gauge(
        "miroir_store_up",
        "1 if the task store responded to this scrape, else 0; at 0 the metrics read from it are absent.",
        f64::from(gauges.store.is_some()),
    )?;
    gauges.store.as_ref().map_or(Ok(()), |store| describe_store(page, store))
}

fn describe_writer(page: &Page, writer: WriterStats) -> Result<()> {
    page.counter(
        "miroir_sqlite_commits_total",
        "Commits, each of a group of changes.",
        number(writer.groups),
    )?;
    page.counter(
        "miroir_sqlite_changes_total",
        "Changes in all commits; divided by the number of commits, the mean size of a group.",
        number(writer.changes),
    )?;
    page.gauge("miroir_sqlite_wal_bytes", "Size of the write-ahead log of SQLite.", number(writer.wal_bytes))
}

fn describe_nodes(page: &Page, nodes: &[NodeGauges]) -> Result<()> {
    let gauge = |name: &str, help: &str, value: &dyn Fn(&NodeGauges) -> Option<f64>| {
        let values = nodes.iter().filter_map(|node| Some(([node.view.id.to_string()], value(node)?)));
        page.gauges(name, help, ["node"], values)
    };
    gauge("miroir_node_up", "1 while the node is in use, 0 while it is failed.", &|node| {
        Some(f64::from(node.view.status.is_usable()))
    })?;
    let states = nodes.iter().flat_map(|node| {
        NodeStatus::ALL.map(|status| {
            ([node.view.id.to_string(), status.as_str().to_owned()], f64::from(node.view.status == status))
        })
    });
    page.gauges(
        "miroir_node_state",
        "1 for the current state of the node, 0 for the other states.",
        ["node", "state"],
        states,
    )?;
    gauge("miroir_node_latency_seconds", "Moving average of the response time of the node.", &|node| {
        Some(number(node.view.latency_us?) / 1e6)
    })?;
    gauge("miroir_node_requests_in_flight", "Calls to the node in flight.", &|node| {
        Some(number(node.view.in_flight))
    })?;
    gauge("miroir_node_stale_indexes", "Indexes for which the node misses writes or settings.", &|node| {
        Some(number(node.stale_indexes))
    })
}

fn describe_shards(page: &Page, coverage: Coverage) -> Result<()> {
    let gauge = |name, help, shards: u32| page.gauge(name, help, f64::from(shards));
    gauge("miroir_shards_covered", "Shards with a replica on a node in use.", coverage.covered)?;
    gauge("miroir_shards_degraded", "Covered shards with a replica on a failed node.", coverage.degraded)?;
    gauge(
        "miroir_shards_uncovered",
        "Shards without a replica on a node in use: they cannot be read.",
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
        "Age of the oldest unfinished task since it was enqueued; 0 if there are none.",
        store.oldest_unfinished.as_secs_f64(),
    )?;
    page.gauge(
        "miroir_shards_below_replication_factor",
        "Shards of all indexes with a replica that is not in sync.",
        number(store.below_replication_factor),
    )?;
    let JobDepth { queued, claimed } = store.jobs;
    let jobs = [(["queued".to_owned()], number(queued)), (["claimed".to_owned()], number(claimed))];
    page.gauges("miroir_jobs", "Queued and claimed jobs.", ["state"], jobs)?;
    describe_sinks(page, &store.sinks)
}

fn describe_sinks(page: &Page, sinks: &[SinkView]) -> Result<()> {
    let gauge = |name: &str, help: &str, value: fn(&SinkView) -> f64| {
        let values = sinks.iter().map(|sink| ([sink.name.clone()], value(sink)));
        page.gauges(name, help, ["sink"], values)
    };
    gauge(
        "miroir_cdc_active",
        "1 while Miroir delivers to the sink, 0 while the sink is paused or disabled.",
        |sink| f64::from(sink.state == SinkState::Active),
    )?;
    gauge("miroir_cdc_lag_events", "Change events not yet delivered to the sink.", |sink| number(sink.lag))?;
    gauge(
        "miroir_cdc_backlog_events",
        "Change events stored for the sink, including delivered ones.",
        |sink| number(sink.backlog_events),
    )?;
    gauge("miroir_cdc_backlog_bytes", "Size of the change events stored for the sink.", |sink| {
        number(sink.backlog_bytes)
    })?;
    let dropped = sinks.iter().map(|sink| (sink.name.clone(), sink.dropped));
    let help = "Change events dropped, because the outbox was full, before the sink confirmed them.";
    page.counters("miroir_cdc_dropped_total", help, "sink", dropped)
}
