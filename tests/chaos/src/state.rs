//! The model, the sums and the sentences of a run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use miroir_e2e::Client;
use miroir_test_simulation::model::Model;
use parking_lot::Mutex;
use tokio::time::Instant;

/// The answers of reads.
#[derive(Debug, Default)]
pub struct Counts {
    /// Compared with the model.
    pub judged: AtomicU64,
    /// Marked as incomplete or old.
    pub marked: AtomicU64,
    /// Refused, or without a response.
    pub refused: AtomicU64,
}

/// A run in progress.
pub struct State {
    /// The instances of Miroir.
    pub instances: Vec<Client>,
    /// The model.
    pub model: Mutex<Model>,
    /// The answers.
    pub counts: Counts,
    /// True while clients are held up.
    is_held: AtomicBool,
    /// True once clients are to end.
    pub stop: AtomicBool,
    /// The faults that took place, by kind.
    pub faults: Mutex<BTreeMap<&'static str, u64>>,
    /// The sentences about what was wrong.
    pub violations: Mutex<Vec<String>>,
    begun: Instant,
}

impl State {
    /// Creates the state before anything has happened.
    pub fn new(instances: Vec<Client>) -> Self {
        Self {
            instances,
            model: Mutex::default(),
            counts: Counts::default(),
            is_held: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            faults: Mutex::default(),
            violations: Mutex::default(),
            begun: Instant::now(),
        }
    }

    /// Returns the time since the begin.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Notes that something was wrong.
    pub fn violate(&self, sentence: String) {
        self.note(&format!("WRONG {sentence}"));
        self.violations.lock().push(sentence);
    }

    /// Prints what happened.
    pub fn note(&self, sentence: &str) {
        eprintln!("{:>8.3} {sentence}", self.elapsed().as_secs_f64());
    }

    /// Notes a fault.
    pub fn fault(&self, kind: &'static str, about: &str) {
        self.note(&format!("{kind}: {about}"));
        *self.faults.lock().entry(kind).or_default() += 1;
    }

    /// Holds up clients, until [`Self::go_on`].
    pub fn hold(&self) {
        self.is_held.store(true, Ordering::SeqCst);
    }

    /// Lets clients ask again.
    pub fn go_on(&self) {
        self.is_held.store(false, Ordering::SeqCst);
    }

    /// Returns whether clients are held up.
    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::SeqCst)
    }

    /// Returns whether clients are to end.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
