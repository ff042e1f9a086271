//! Watches of the writes to an index, and holds of the writes to some of its documents.
//!
//! A repair copies documents while writes go on. It must know which documents were written between the moment
//! that it read one and the moment that its copy took its place in a write queue, since such a copy may undo
//! the write. A watch notes that for each write in the step in which the write takes its own places.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use miroir_domain::IndexUid;
use miroir_domain::document::DocumentId;
use miroir_domain::write::Reach;
use tokio_util::sync::CancellationToken;

/// The ids that a watch remembers. Beyond them it knows only that something was written.
const REMEMBERED: usize = 100_000;

/// The watches and holds of all indexes.
#[derive(Debug, Default)]
pub(super) struct Watches {
    logs: HashMap<IndexUid, BTreeMap<u64, Log>>,
    holds: HashMap<IndexUid, BTreeMap<u64, Held>>,
    last_key: u64,
}

/// The writes that one watch has seen.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The number of the last write.
    position: u64,
    entries: VecDeque<(u64, Reach)>,
    ids: usize,
    /// The position up to which the ids of writes are forgotten, because there were too many.
    forgotten: u64,
}

#[derive(Debug)]
struct Held {
    ids: BTreeSet<DocumentId>,
    released: CancellationToken,
}

/// The documents that writes since some position of a watch may have changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Written {
    ids: HashSet<DocumentId>,
    everything: bool,
    /// True if some of the ids that were named are forgotten.
    is_partial: bool,
}

impl Written {
    /// Returns whether a document may have been written.
    pub fn contains(&self, id: &DocumentId) -> bool {
        self.everything || self.ids.contains(id)
    }

    /// Returns whether a write may have named a document.
    pub fn names(&self, id: &DocumentId) -> bool {
        self.is_partial || self.ids.contains(id)
    }
}

impl Watches {
    pub(super) fn begin(&mut self, index: &IndexUid) -> u64 {
        self.last_key += 1;
        self.logs.entry(index.clone()).or_default().insert(self.last_key, Log::default());
        self.last_key
    }

    pub(super) fn end(&mut self, index: &IndexUid, key: u64) {
        if let Some(logs) = self.logs.get_mut(index) {
            logs.remove(&key);
            if logs.is_empty() {
                self.logs.remove(index);
            }
        }
    }

    pub(super) fn is_watched(&self, index: &IndexUid) -> bool {
        self.logs.contains_key(index)
    }

    /// Returns what `look` finds in the log of a watch.
    pub(super) fn look<T: Default>(
        &mut self,
        index: &IndexUid,
        key: u64,
        look: impl FnOnce(&mut Log) -> T,
    ) -> T {
        // A log is there until its watch ends it.
        self.logs.get_mut(index).and_then(|logs| logs.get_mut(&key)).map(look).unwrap_or_default()
    }

    pub(super) fn note(&mut self, index: &IndexUid, reach: &Reach) {
        for log in self.logs.get_mut(index).into_iter().flat_map(BTreeMap::values_mut) {
            log.note(reach);
        }
    }

    pub(super) fn hold(&mut self, index: &IndexUid, ids: BTreeSet<DocumentId>) -> u64 {
        self.last_key += 1;
        let held = Held { ids, released: CancellationToken::new() };
        self.holds.entry(index.clone()).or_default().insert(self.last_key, held);
        self.last_key
    }

    pub(super) fn release(&mut self, index: &IndexUid, key: u64) {
        let Some(holds) = self.holds.get_mut(index) else { return };
        if let Some(held) = holds.remove(&key) {
            held.released.cancel();
        }
        if holds.is_empty() {
            self.holds.remove(index);
        }
    }

    /// Returns the signal for which a write of this reach waits, if its documents are held.
    pub(super) fn holding(&self, index: &IndexUid, reach: &Reach) -> Option<CancellationToken> {
        let keeps = |held: &&Held| match reach {
            Reach::Nothing => false,
            Reach::Documents { ids, .. } => held.ids.iter().any(|id| ids.contains(id)),
            Reach::Everything => true,
        };
        let held = self.holds.get(index)?.values().find(keeps)?;
        Some(held.released.clone())
    }
}

impl Log {
    fn note(&mut self, reach: &Reach) {
        self.position += 1;
        match reach {
            Reach::Nothing => return,
            Reach::Documents { ids, .. } => self.ids += ids.len(),
            Reach::Everything => {}
        }
        if self.ids > REMEMBERED {
            self.entries.clear();
            self.ids = 0;
            self.forgotten = self.position;
            self.entries.push_back((self.position, Reach::Everything));
        } else {
            self.entries.push_back((self.position, reach.clone()));
        }
    }

    pub(super) fn position(&mut self) -> u64 {
        self.position
    }

    /// Returns what was written after `position`.
    pub(super) fn since(&mut self, position: u64) -> Written {
        let mut written = Written { is_partial: position < self.forgotten, ..Written::default() };
        for (_, reach) in self.entries.iter().filter(|(number, _)| *number > position) {
            match reach {
                Reach::Documents { ids, .. } => written.ids.extend(ids.iter().cloned()),
                Reach::Everything => written.everything = true,
                Reach::Nothing => {}
            }
        }
        written
    }

    /// Returns the documents that were replaced or deleted after `position`.
    pub(super) fn replaced_since(&mut self, position: u64) -> HashSet<DocumentId> {
        let after = self.entries.iter().filter(|(number, _)| *number > position);
        let whole = after.filter_map(|(_, reach)| match reach {
            Reach::Documents { ids, whole: true } => Some(ids),
            _ => None,
        });
        whole.flatten().cloned().collect()
    }

    /// Forgets the writes up to `position`.
    pub(super) fn forget(&mut self, position: u64) {
        while self.entries.front().is_some_and(|(number, _)| *number <= position) {
            if let Some((_, Reach::Documents { ids, .. })) = self.entries.pop_front() {
                self.ids -= ids.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(numbers: std::ops::Range<usize>) -> BTreeSet<DocumentId> {
        numbers.map(|number| DocumentId::from_json(&json!(number)).unwrap()).collect()
    }

    fn id(number: usize) -> DocumentId {
        ids(number..number + 1).pop_first().unwrap()
    }

    #[test]
    fn log_knows_what_was_written_since_each_position() {
        let mut log = Log::default();
        log.note(&Reach::Documents { ids: ids(1..2), whole: true });
        log.note(&Reach::Nothing);
        log.note(&Reach::Documents { ids: ids(2..3), whole: false });
        assert_eq!(log.position(), 3);
        assert!(log.since(0).contains(&id(1)) && log.since(0).contains(&id(2)));
        assert!(!log.since(1).contains(&id(1)) && log.since(2).contains(&id(2)));
        assert_eq!(log.since(3), Written::default());
        assert_eq!(log.replaced_since(0), HashSet::from([id(1)]));
        log.note(&Reach::Everything);
        assert!(log.since(3).contains(&id(9)) && !log.since(3).names(&id(9)));
        log.forget(3);
        assert!(!log.since(0).names(&id(2)) && log.since(0).contains(&id(2)));
        log.forget(4);
        assert_eq!((log.since(0), log.ids), (Written::default(), 0));
    }

    #[test]
    fn log_of_too_many_ids_knows_that_anything_may_be_written() {
        let mut log = Log::default();
        for _ in 0..3 {
            log.note(&Reach::Documents { ids: ids(0..REMEMBERED / 2), whole: true });
        }
        assert!(log.since(2).contains(&id(REMEMBERED)) && log.entries.len() == 1);
        assert!(log.since(2).names(&id(1)) && !log.since(3).names(&id(1)));
        assert!(log.replaced_since(0).is_empty());
        assert!(!log.since(3).contains(&id(1)));
    }
}
