//! The gauges of one scrape. They live as long as the scrape, so that series of removed nodes and sinks
//! disappear.

use prometheus::{Counter, Gauge, GaugeVec, IntCounterVec, Opts, Registry, Result, proto};

/// The metrics of one scrape.
pub(super) struct Page(Registry);

impl Page {
    pub(super) fn new() -> Self {
        Self(Registry::new())
    }

    /// Adds a gauge.
    pub(super) fn gauge(&self, name: &str, help: &str, value: f64) -> Result<()> {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        self.0.register(Box::new(gauge))
    }

    /// Adds gauges, one for each list of labels.
    pub(super) fn gauges<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([String; N], f64)>,
    ) -> Result<()> {
        let gauges = GaugeVec::new(Opts::new(name, help), &labels)?;
        for (labels, value) in values {
            gauges.with_label_values(&labels).set(value);
        }
        self.0.register(Box::new(gauges))
    }

    /// Adds a counter whose value is kept elsewhere.
    pub(super) fn counter(&self, name: &str, help: &str, value: f64) -> Result<()> {
        let counter = Counter::new(name, help)?;
        counter.inc_by(value);
        self.0.register(Box::new(counter))
    }

    /// Adds counters whose values are kept elsewhere, one for each value of a label.
    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) -> Result<()> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        for (label, value) in values {
            counters.with_label_values(&[label]).inc_by(value);
        }
        self.0.register(Box::new(counters))
    }

    pub(super) fn families(&self) -> Vec<proto::MetricFamily> {
        self.0.gather()
    }
}

/// Converts a count to a value of Prometheus. Beyond 2^53 the last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}
