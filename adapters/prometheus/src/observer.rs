//! What happens, counted.

use miroir_domain::SinkName;
use miroir_ports::outbound::{Observer, Occurrence};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Result};

use crate::family::{CALL_SECONDS, Families};
use crate::registry::{CANARY_STATUSES, Metrics};

/// Buckets for the nodes that a search is sent to: from one to more than any sensible cluster has.
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
}

impl ObservedMetrics {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let request = ["method", "route", "status"];
        let metrics = Self {
            requests: families.counters("miroir_http_requests_total", "Requests that are over.", &request)?,
            request_durations: families.histograms(
                "miroir_http_request_duration_seconds",
                "How long requests took, until the answer began.",
                &request,
                &CALL_SECONDS,
            )?,
            requests_in_flight: families
                .gauge("miroir_http_requests_in_flight", "Requests that are not answered yet.")?,
            fan_out: families.histogram(
                "miroir_search_fan_out_nodes",
                "Nodes asked for one search of one index.",
                &FAN_OUT,
            )?,
            searches_degraded: families
                .counter("miroir_searches_degraded_total", "Searches answered without some shards.")?,
            canary_runs: families.counters(
                "miroir_canary_runs_total",
                "Runs of canaries, by what they came to.",
                &["verdict"],
            )?,
            alias_flips: families.counter(
                "miroir_alias_flips_total",
                "Aliases that were pointed at other indexes; a swap counts both.",
            )?,
            leases: families.gauges(
                "miroir_lease_held",
                "Whether this instance holds the lease of a role (1) or not (0).",
                &["role"],
            )?,
            instances: families.gauge(
                "miroir_instances",
                "Live instances of Miroir on the same store, as this one sees them.",
            )?,
            published: families.counters(
                "miroir_cdc_published_total",
                "Change events that the sink confirmed.",
                &["sink"],
            )?,
            delivery_failures: families.counters(
                "miroir_cdc_delivery_failures_total",
                "Batches that the sink did not take.",
                &["sink"],
            )?,
            suppressed: families.counters(
                "miroir_cdc_suppressed_total",
                "Change events that the sink is not told of because of their origin.",
                &["sink"],
            )?,
        };
        for status in CANARY_STATUSES {
            metrics.canary_runs.with_label_values(&[status.as_str()]);
        }
        metrics.instances.set(1);
        Ok(metrics)
    }

    pub(super) fn register_sink(&self, sink: &SinkName) {
        for counters in [&self.published, &self.delivery_failures, &self.suppressed] {
            counters.with_label_values(&[sink.as_str()]);
        }
    }
}

impl Observer for Metrics {
    fn observe(&self, occurrence: Occurrence<'_>) {
        let metrics = &self.observed;
        let count_events = |counters: &IntCounterVec, sink: &SinkName, events: usize| {
            counters.with_label_values(&[sink.as_str()]).inc_by(events as u64);
        };
        match occurrence {
            Occurrence::RequestBegan => metrics.requests_in_flight.inc(),
            Occurrence::RequestEnded { route, method, status, duration } => {
                let status = status.to_string();
                let labels = [method, route, status.as_str()];
                metrics.requests_in_flight.dec();
                metrics.requests.with_label_values(&labels).inc();
                metrics.request_durations.with_label_values(&labels).observe(duration.as_secs_f64());
            }
            // Clusters have fewer nodes than 2^32.
            Occurrence::SearchFannedOut { nodes } => {
                metrics.fan_out.observe(f64::from(u32::try_from(nodes).unwrap_or(u32::MAX)));
            }
            Occurrence::SearchDegraded => metrics.searches_degraded.inc(),
            Occurrence::CanaryRan(status) => {
                metrics.canary_runs.with_label_values(&[status.as_str()]).inc();
            }
            Occurrence::AliasesFlipped { count } => metrics.alias_flips.inc_by(count),
            Occurrence::LeaseHeld { role, held } => {
                metrics.leases.with_label_values(&[role]).set(i64::from(held));
            }
            Occurrence::InstancesSeen { count } => {
                metrics.instances.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            Occurrence::ChangesPublished { sink, events } => count_events(&metrics.published, sink, events),
            Occurrence::ChangesSuppressed { sink, events } => {
                count_events(&metrics.suppressed, sink, events);
            }
            Occurrence::DeliveryFailed { sink } => count_events(&metrics.delivery_failures, sink, 1),
            _ => tracing::error!("an occurrence has no metric: {occurrence:?}"),
        }
    }
}
