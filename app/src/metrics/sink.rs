//! What sinks were told.

use prometheus::{IntCounter, IntCounterVec, Result};

use super::family::Families;

/// What is counted of sinks, each by the name the configuration gives it.
pub(super) struct SinkMetrics {
    published: IntCounterVec,
    failures: IntCounterVec,
    suppressed: IntCounterVec,
}

impl SinkMetrics {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let counters = |name, help| families.counters(name, help, &["sink"]);
        Ok(Self {
            published: counters("miroir_cdc_published_total", "Change events that the sink confirmed.")?,
            failures: counters("miroir_cdc_delivery_failures_total", "Batches that the sink did not take.")?,
            suppressed: counters(
                "miroir_cdc_suppressed_total",
                "Change events that the sink is not told of because of their origin.",
            )?,
        })
    }

    pub(super) fn of(&self, name: &str) -> SinkCounters {
        let of = |counters: &IntCounterVec| counters.with_label_values(&[name]);
        SinkCounters {
            published: of(&self.published),
            failures: of(&self.failures),
            suppressed: of(&self.suppressed),
        }
    }
}

/// The counters of one sink.
#[derive(Debug, Clone)]
pub struct SinkCounters {
    pub(crate) published: IntCounter,
    pub(crate) failures: IntCounter,
    pub(crate) suppressed: IntCounter,
}
