//! Requests of clients and operators.

use miroir_http::{ObservedRequest, RequestObserver};
use prometheus::{HistogramVec, IntCounterVec, IntGauge, Result};

use super::Metrics;
use super::family::{CALL_SECONDS, Families};

/// What is counted of requests.
pub(super) struct HttpMetrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
}

impl HttpMetrics {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let labels = ["method", "route", "status"];
        Ok(Self {
            requests: families.counters("miroir_http_requests_total", "Requests that are over.", &labels)?,
            durations: families.histograms(
                "miroir_http_request_duration_seconds",
                "How long requests took, until the answer began.",
                &labels,
                &CALL_SECONDS,
            )?,
            in_flight: families
                .gauge("miroir_http_requests_in_flight", "Requests that are not answered yet.")?,
        })
    }
}

impl RequestObserver for Metrics {
    fn request_began(&self) {
        self.http.in_flight.inc();
    }

    fn request_ended(&self, request: ObservedRequest<'_>) {
        let ObservedRequest { route, method, status, duration } = request;
        let status = status.to_string();
        let labels = [method, route, status.as_str()];
        self.http.in_flight.dec();
        self.http.requests.with_label_values(&labels).inc();
        self.http.durations.with_label_values(&labels).observe(duration.as_secs_f64());
    }
}
