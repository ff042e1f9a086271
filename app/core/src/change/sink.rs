//! One configured sink.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_domain::SinkName;
use miroir_domain::change::Origin;
use miroir_ports::outbound::{Observer, Occurrence, Sink};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Backoff;

/// The events that a sink receives.
#[derive(Debug, Clone)]
pub struct SinkRules {
    /// Its name.
    pub name: SinkName,
    /// The name of its kind.
    pub kind: &'static str,
    /// True if it receives the documents themselves.
    pub documents: bool,
    /// True if it receives the runs of canaries.
    pub canaries: bool,
    /// The origins of the writes whose events it receives.
    pub origins: BTreeSet<Origin>,
}

/// The delivery to a sink.
#[derive(Clone)]
pub struct Delivery {
    /// Its receiver.
    pub receiver: Arc<dyn Sink>,
    /// Maximum number of events in one batch.
    pub batch_events: u32,
    /// The time for which events are collected before a batch that is not full is delivered.
    pub batch_delay: Duration,
    /// The waits after failed deliveries.
    pub backoff: Backoff,
    /// Number of confirmed events that are kept of each index, so that the sink can be rewound to them.
    pub keep: u64,
}

/// One configured sink, shared by the recorder, the deliverer and the services.
pub struct SinkHandle {
    /// The events that it receives.
    pub rules: SinkRules,
    /// Its delivery. `None` for the feed.
    pub delivery: Option<Delivery>,
    /// The lock of the cursor. It is held while a batch is delivered and confirmed, and while the state or
    /// the cursor is changed.
    pub(super) delivery_lock: tokio::sync::Mutex<()>,
    /// Wakes the deliverer when an operator has changed the state or the cursor.
    pub(super) wake: Notify,
    suppressed: AtomicU64,
    published: AtomicU64,
    failures: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// Counts the same events for the metrics.
    observer: Arc<dyn Observer>,
}

/// Counters since this process started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SinkTotals {
    pub(super) suppressed: u64,
    pub(super) published: u64,
    pub(super) failures: u64,
    pub(super) last_error: Option<String>,
}

impl SinkHandle {
    /// Makes a sink whose counters are 0.
    pub fn new(rules: SinkRules, delivery: Option<Delivery>, observer: Arc<dyn Observer>) -> Self {
        Self {
            rules,
            delivery,
            delivery_lock: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            suppressed: AtomicU64::new(0),
            published: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            last_error: Mutex::default(),
            observer,
        }
    }

    /// Returns its name, which is its key in the store.
    pub fn name(&self) -> &str {
        self.rules.name.as_str()
    }

    pub(super) fn totals(&self) -> SinkTotals {
        SinkTotals {
            suppressed: self.suppressed.load(Ordering::Relaxed),
            published: self.published.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            last_error: self.last_error.lock().clone(),
        }
    }

    pub(super) fn count_suppressed(&self, events: usize) {
        self.suppressed.fetch_add(events as u64, Ordering::Relaxed);
        self.observer.observe(Occurrence::ChangesSuppressed { sink: &self.rules.name, events });
    }

    pub(super) fn count_published(&self, events: usize) {
        self.published.fetch_add(events as u64, Ordering::Relaxed);
        self.observer.observe(Occurrence::ChangesPublished { sink: &self.rules.name, events });
        *self.last_error.lock() = None;
    }

    pub(super) fn count_failure(&self, reason: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.observer.observe(Occurrence::DeliveryFailed { sink: &self.rules.name });
        *self.last_error.lock() = Some(reason);
    }
}
