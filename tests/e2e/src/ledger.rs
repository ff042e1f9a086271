//! The persistent state of a consumer, which survives its crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Consumed change events. Clones share their entries.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

/// Entries of a ledger.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// Ids of all events.
    pub ids: BTreeSet<String>,
    /// Tasks of the events.
    pub tasks: BTreeSet<u64>,
    /// Number of events that were received again.
    pub duplicates: usize,
    /// First and last number of each reported gap.
    pub gaps: Vec<(u64, u64)>,
    /// Greatest number of each index so far.
    last: BTreeMap<String, u64>,
}

impl Ledger {
    fn with<T>(&self, access: impl FnOnce(&mut Entries) -> T) -> T {
        access(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a copy of the entries.
    pub fn entries(&self) -> Entries {
        self.with(|entries| entries.clone())
    }

    /// Returns the greatest number of `index` so far.
    pub fn last(&self, index: &str) -> Option<u64> {
        self.with(|entries| entries.last.get(index).copied())
    }

    /// Enters an event.
    ///
    /// # Panics
    ///
    /// Panics if the event neither follows the last one of its index nor is a duplicate.
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
        let (epoch, seq) = id.strip_prefix(&format!("{index}:")).unwrap().split_once(':').unwrap();
        assert_eq!(event["epoch"].to_string(), epoch);
        let seq: u64 = seq.parse().unwrap();
        if !self.ids.insert(id.to_owned()) {
            self.duplicates += 1;
            return;
        }
        assert_eq!(seq, *last + 1, "events of {index} are in order and complete");
        *last = seq;
        self.tasks.extend(event["data"]["taskUid"].as_u64());
    }
}
