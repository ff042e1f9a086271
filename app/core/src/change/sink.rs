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

/// What a sink is told.
#[derive(Debug, Clone)]
pub struct SinkRules {
    /// Its name.
    pub name: SinkName,
    /// The word for its kind.
    pub kind: &'static str,
    /// Whether it gets the documents themselves.
    pub documents: bool,
    /// Whether it gets the runs of canaries.
    pub canaries: bool,
    /// Whose writes it is told of.
    pub origins: BTreeSet<Origin>,
}

/// How a sink is delivered to.
#[derive(Clone)]
pub struct Delivery {
    /// Its receiver.
    pub receiver: Arc<dyn Sink>,
    /// Events in one batch at most.
    pub batch_events: u32,
    /// How long events are collected before a batch that is not full leaves.
    pub batch_delay: Duration,
    /// How long to wait after failures.
    pub backoff: Backoff,
    /// Confirmed events kept of each index, to which the sink can be rewound.
    pub keep: u64,
}

/// One configured sink, shared by those who record, deliver and ask.
pub struct SinkHandle {
    /// What it is told.
    pub rules: SinkRules,
    /// How it is delivered to; none for the feed, which readers ask.
    pub delivery: Option<Delivery>,
    /// Held while a batch is delivered and confirmed: who moves the cursor otherwise takes it first.
    pub(super) delivery_lock: tokio::sync::Mutex<()>,
    /// Wakes the deliverer when a person changed something.
    pub(super) wake: Notify,
    suppressed: AtomicU64,
    published: AtomicU64,
    failures: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// The counter of the same numbers, which outlives this handle.
    observer: Arc<dyn Observer>,
}

/// Numbers since this process started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SinkTotals {
    pub(super) suppressed: u64,
    pub(super) published: u64,
    pub(super) failures: u64,
    pub(super) last_error: Option<String>,
}

impl SinkHandle {
    /// A sink that nothing has been told yet.
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

    /// Its name, as the store knows it.
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
