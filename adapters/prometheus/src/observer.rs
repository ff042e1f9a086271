//! Counters of occurrences.

use miroir_domain::SinkName;
use miroir_domain::canary::CanaryStatus;
use miroir_ports::outbound::Occurrence;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Result};

use crate::family::{CALL_SECONDS, Families};

/// Buckets for the number of nodes of a search: from one to more than a sensible cluster has.
const FAN_OUT: [f64; 11] = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0, 128.0];

/// Counters of occurrences.
pub(super) struct ObservedMetrics {
    requests: IntCounterVec,
    request_durations: HistogramVec,
    requests_in_flight: IntGauge,
    fan_out: Histogram,
    searches_degraded: IntCounter,
    canary_runs: IntCounterVec,
    alias_flips: IntCounter,
    leases: IntGaugeVec,
    instances: IntGauge,
    published: IntCounterVec,
    delivery_failures: IntCounterVec,
    suppressed: IntCounterVec,
    repair_holds: Histogram,
    repair_copies: IntCounter,
    repair_failures: IntCounter,
}

impl ObservedMetrics {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let request = ["method", "route", "status"];
        let metrics = Self {
            requests: families.counters("miroir_http_requests_total", "Finished requests.", &request)?,
            request_durations: families.histograms(
                "miroir_http_request_duration_seconds",
                "Duration of requests until the response began.",
                &request,
                &CALL_SECONDS,
            )?,
            requests_in_flight: families
                .gauge("miroir_http_requests_in_flight", "Requests without a response yet.")?,
            fan_out: families.histogram(
                "miroir_search_fan_out_nodes",
                "Nodes queried for one search of one index.",
                &FAN_OUT,
            )?,
            searches_degraded: families.counter(
                "miroir_searches_degraded_total",
                "Searches whose results are missing some shards.",
            )?,
            canary_runs: families.counters(
                "miroir_canary_runs_total",
                "Runs of canaries, by verdict.",
                &["verdict"],
            )?,
            alias_flips: families.counter(
                "miroir_alias_flips_total",
                "Aliases that were given another target; a swap counts as two.",
            )?,
            leases: families.gauges(
                "miroir_lease_held",
                "1 while this instance holds the lease of the role, else 0.",
                &["role"],
            )?,
            instances: families.gauge(
                "miroir_instances",
                "Live instances of Miroir on the same store, as seen by this one.",
            )?,
            published: families.counters(
                "miroir_cdc_published_total",
                "Change events confirmed by the sink.",
                &["sink"],
            )?,
            delivery_failures: families.counters(
                "miroir_cdc_delivery_failures_total",
                "Batches of change events that the sink did not accept.",
                &["sink"],
            )?,
            suppressed: families.counters(
                "miroir_cdc_suppressed_total",
                "Change events not sent to the sink because of their origin.",
                &["sink"],
            )?,
            repair_holds: families.histogram(
                "miroir_repair_hold_seconds",
                "Times for which repair held up writes to documents, or to one node.",
                &CALL_SECONDS,
            )?,
            repair_copies: families.counter(
                "miroir_repair_documents_copied_total",
                "Documents that repair has copied to a node, or deleted there, because they differed.",
            )?,
            repair_failures: families.counter(
                "miroir_repair_failures_total",
                "Attempts to repair a replica that failed; each is repeated.",
            )?,
        };
        for status in CanaryStatus::ALL {
            metrics.canary_runs.with_label_values(&[status.as_str()]);
        }
        metrics.instances.set(1);
        Ok(metrics)
    }

    /// Exports the counters of `sink` at zero.
    pub(super) fn register_sink(&self, sink: &SinkName) {
        for counters in [&self.published, &self.delivery_failures, &self.suppressed] {
            counters.with_label_values(&[sink.as_str()]);
        }
    }

    /// Counts `occurrence`.
    pub(super) fn count(&self, occurrence: Occurrence<'_>) {
        let count_events = |counters: &IntCounterVec, sink: &SinkName, events: usize| {
            counters.with_label_values(&[sink.as_str()]).inc_by(events as u64);
        };
        match occurrence {
            Occurrence::RequestBegan => self.requests_in_flight.inc(),
            Occurrence::RequestEnded { route, method, status, duration } => {
                let status = status.to_string();
                let labels = [method, route, status.as_str()];
                self.requests_in_flight.dec();
                self.requests.with_label_values(&labels).inc();
                self.request_durations.with_label_values(&labels).observe(duration.as_secs_f64());
            }
            // Clusters have fewer nodes than 2^32.
            Occurrence::SearchFannedOut { nodes } => {
                self.fan_out.observe(f64::from(u32::try_from(nodes).unwrap_or(u32::MAX)));
            }
            Occurrence::SearchDegraded => self.searches_degraded.inc(),
            Occurrence::CanaryRan(status) => {
                self.canary_runs.with_label_values(&[status.as_str()]).inc();
            }
            Occurrence::AliasesFlipped { count } => self.alias_flips.inc_by(count),
            Occurrence::LeaseHeld { role, held } => {
                self.leases.with_label_values(&[role]).set(i64::from(held));
            }
            Occurrence::InstancesSeen { count } => {
                self.instances.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            Occurrence::ChangesPublished { sink, events } => count_events(&self.published, sink, events),
            Occurrence::ChangesSuppressed { sink, events } => {
                count_events(&self.suppressed, sink, events);
            }
            Occurrence::RepairHeld { duration } => self.repair_holds.observe(duration.as_secs_f64()),
            Occurrence::RepairCopied { documents } => self.repair_copies.inc_by(documents),
            Occurrence::RepairFailed => self.repair_failures.inc(),
            Occurrence::DeliveryFailed { sink } => count_events(&self.delivery_failures, sink, 1),
            // Steps of repair are not counted: they are for those who follow one repair.
            Occurrence::RepairReached(_) => {}
            _ => tracing::error!("an occurrence has no metric: {occurrence:?}"),
        }
    }
}
