//! What a consumer has on its disk: it outlives the consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// What was consumed. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

/// What a ledger comes to.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// The ids of all events.
    pub ids: BTreeSet<String>,
    /// The tasks they tell of.
    pub tasks: BTreeSet<u64>,
    /// Events that came again, recognised by their ids.
    pub duplicates: usize,
    /// First and last number of each gap that was told.
    pub gaps: Vec<(u64, u64)>,
    /// The greatest number of each index so far.
    last: BTreeMap<String, u64>,
}

impl Ledger {
    fn with<T>(&self, look: impl FnOnce(&mut Entries) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it comes to now.
    pub fn entries(&self) -> Entries {
        self.with(|entries| entries.clone())
    }

    /// The greatest number of `index` so far.
    pub fn last(&self, index: &str) -> Option<u64> {
        self.with(|entries| entries.last.get(index).copied())
    }

    /// Writes an event down, which must follow what is there, or be there already.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn enter(&self, event: &Value) {
        self.with(|entries| entries.enter(event));
    }
}

impl Entries {
    fn enter(&mut self, event: &Value) {
        let index = event["subject"].as_str().unwrap();
        let last = self.last.entry(index.to_owned()).or_default();
        if event["type"] == "io.miroir.changes.lost" {
            let (from, to) = (event["data"]["from"].as_u64().unwrap(), event["data"]["to"].as_u64().unwrap());
            if to > *last {
                assert!(from <= *last + 1, "a gap from {from}, and the last number was {last}");
                self.gaps.push((*last + 1, to));
                *last = to;
            }
            return;
        }
        let id = event["id"].as_str().unwrap();
        let seq: u64 = id.strip_prefix(&format!("{index}:")).unwrap().parse().unwrap();
        if !self.ids.insert(id.to_owned()) {
            self.duplicates += 1;
            return;
        }
        assert_eq!(seq, *last + 1, "the order of {index} is kept and nothing left out");
        *last = seq;
        self.tasks.extend(event["data"]["taskUid"].as_u64());
    }
}
