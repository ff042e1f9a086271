//! The model: what an answer may show, given the writes before it and beside it.
//!
//! Each document has three registers: its presence, the version that replaced it last, and the patch that
//! changed it last. Each index has two: its presence and its settings. A write has an interval, from its
//! request to its response, and ends when its task has. The value of a register is right if some write made
//! it that began before the answer was complete, and no write that certainly came later had ended before the
//! question was asked.

use std::collections::BTreeMap;
use std::time::Duration;

use miroir_domain::TaskUid;

use crate::plan::{CLIENTS, DOCUMENTS, INDEXES, KINDS};

/// The value of a register that nothing has set.
pub const NONE: u64 = 0;

/// The effect of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Replaces documents by those of a version.
    Put(u64),
    /// Sets the patch of documents.
    Update(u64),
    /// Deletes documents.
    Delete,
    /// Deletes the documents of a kind.
    DeleteKind(u64),
    /// Deletes all documents.
    DeleteAll,
    /// Creates the index.
    CreateIndex,
    /// Deletes the index.
    DeleteIndex,
    /// Sets the settings.
    Settings(u64),
    /// Points the alias at the index.
    Flip,
}

/// The outcome of a write, as far as its client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is not known yet.
    Open,
    /// Its task succeeded.
    Succeeded,
    /// It may have been applied, in part or as a whole.
    Maybe,
    /// It was not applied.
    Void,
}

/// One write.
#[derive(Debug, Clone)]
pub struct Write {
    /// The index.
    pub index: usize,
    /// The effect.
    pub effect: Effect,
    /// The tick of the request.
    pub start: u64,
    /// The tick of the response. A write without one may come after every later write.
    pub returned: Option<u64>,
    /// The tick and the time at which its task ended.
    pub ended: Option<(u64, Duration)>,
    /// The outcome.
    pub outcome: Outcome,
    /// Its task.
    pub task: Option<TaskUid>,
}

/// The part of the world that a read is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// The presence of a document: 1 or [`NONE`].
    Document(u64),
    /// The version that replaced a document last.
    Version(u64),
    /// The patch that changed a document last.
    Patch(u64),
    /// The presence of the index: 1 or [`NONE`].
    Index,
    /// The settings.
    Settings,
    /// The target of the alias, plus 1.
    Alias,
}

/// The question of a read: when it was asked and answered.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The tick of the question.
    pub asked: u64,
    /// Writes that ended later than this count as concurrent. It is the time of the question, or earlier for
    /// an instance that hears of things later.
    pub settled: Duration,
    /// The tick of the answer.
    pub answered: u64,
}

/// All writes of a history.
#[derive(Debug, Default)]
pub struct Model {
    tick: u64,
    writes: Vec<Write>,
    of_document: BTreeMap<(usize, u64), Vec<usize>>,
    of_index: [Vec<usize>; INDEXES.len()],
    flips: Vec<usize>,
}

/// A version or patch that no other write has.
pub type Version = u64;

impl Model {
    /// Returns the next tick.
    pub fn tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// Returns the window of a read after every write and every fault.
    pub fn last_window(&mut self) -> Window {
        Window { asked: self.tick(), settled: Duration::MAX, answered: self.tick() }
    }

    /// Begins a write. `effect` gets a version that no other write has.
    pub fn begin(
        &mut self,
        index: usize,
        documents: &[u64],
        effect: impl FnOnce(Version) -> Effect,
    ) -> (usize, Effect) {
        let (id, start) = (self.writes.len(), self.tick());
        let effect = effect(id as u64 + 1);
        match effect {
            Effect::Put(_) | Effect::Update(_) | Effect::Delete => {
                for document in documents {
                    self.of_document.entry((index, *document)).or_default().push(id);
                }
                self.of_index[index].push(id);
            }
            Effect::Flip => self.flips.push(id),
            _ => {
                for document in all_documents() {
                    self.of_document.entry((index, document)).or_default().push(id);
                }
                self.of_index[index].push(id);
            }
        }
        self.writes.push(Write {
            index,
            effect,
            start,
            returned: None,
            ended: None,
            outcome: Outcome::Open,
            task: None,
        });
        (id, effect)
    }

    /// Returns a write, to change it.
    pub fn write(&mut self, id: usize) -> &mut Write {
        &mut self.writes[id]
    }

    /// Returns all writes.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Returns the writes whose tasks have not ended.
    pub fn open_tasks(&self) -> Vec<(usize, TaskUid)> {
        let open = self.writes.iter().enumerate().filter(|(_, write)| write.outcome == Outcome::Open);
        open.filter_map(|(id, write)| Some((id, write.task?))).collect()
    }

    /// Ends a write.
    pub fn end(&mut self, id: usize, outcome: Outcome, now: Duration) {
        let tick = self.tick();
        let write = &mut self.writes[id];
        write.outcome = outcome;
        write.ended = Some((tick, now));
    }

    /// Returns whether a register may have a value in a window.
    pub fn may_be(&self, index: usize, register: Register, value: u64, window: Window) -> bool {
        let writes = self.about(index, register);
        let is_initial = value == NONE;
        let never_set = || !writes.iter().any(|after| self.certainly_over(*after, register, None, window));
        if is_initial && never_set() {
            return true;
        }
        writes.iter().any(|id| {
            let write = &self.writes[*id];
            write.outcome != Outcome::Void
                && write.start < window.answered
                && self.can_make(write, register, value, window)
                && !writes.iter().any(|after| self.certainly_over(*after, register, Some(write), window))
        })
    }

    fn about(&self, index: usize, register: Register) -> &[usize] {
        match register {
            Register::Document(id) | Register::Version(id) | Register::Patch(id) => {
                self.of_document.get(&(index, id)).map_or(&[], Vec::as_slice)
            }
            Register::Index | Register::Settings => &self.of_index[index],
            Register::Alias => &self.flips,
        }
    }

    /// Returns whether `write` can have made this value.
    fn can_make(&self, write: &Write, register: Register, value: u64, window: Window) -> bool {
        match (value_of(write, register), write.effect, register) {
            (Some(made), ..) => made == value,
            (
                None,
                Effect::DeleteKind(kind),
                Register::Document(id) | Register::Version(id) | Register::Patch(id),
            ) => {
                value == NONE && {
                    let answered = write.ended.map_or(window.answered, |(tick, _)| tick);
                    let before = Window { asked: write.start, settled: Duration::MAX, answered };
                    self.versions(write.index, id).any(|version| {
                        kind_of(version, id) == kind
                            && self.may_be(write.index, Register::Version(id), version, before)
                    })
                }
            }
            _ => false,
        }
    }

    fn versions(&self, index: usize, document: u64) -> impl Iterator<Item = u64> + '_ {
        self.about(index, Register::Version(document)).iter().filter_map(|id| match self.writes[*id].effect {
            Effect::Put(version) => Some(version),
            _ => None,
        })
    }

    /// Returns whether the write `after` certainly came after `before` (or after nothing at all) and sets the
    /// register, and had ended before the question.
    fn certainly_over(
        &self,
        after: usize,
        register: Register,
        before: Option<&Write>,
        window: Window,
    ) -> bool {
        let after = &self.writes[after];
        let has_ended = after.outcome == Outcome::Succeeded
            && after.ended.is_some_and(|(tick, at)| tick < window.asked && at <= window.settled);
        if !has_ended {
            return false;
        }
        let is_later = before.is_none_or(|before| before.returned.is_some_and(|tick| tick < after.start));
        is_later
            && match (value_of(after, register), after.effect, register, before.map(|before| before.effect)) {
                (Some(_), ..) => true,
                (None, Effect::DeleteKind(kind), Register::Version(id), Some(Effect::Put(version))) => {
                    kind_of(version, id) == kind
                }
                _ => false,
            }
    }
}

/// Returns the value that a write gives a register, whatever was there, or `None` if it depends or does not.
#[expect(clippy::match_same_arms, reason = "a table of the registers, read row by row")]
fn value_of(write: &Write, register: Register) -> Option<u64> {
    use Effect::{CreateIndex, Delete, DeleteAll, DeleteIndex, DeleteKind, Flip, Put, Settings, Update};
    match (register, write.effect) {
        (Register::Document(_), Put(_) | Update(_)) => Some(1),
        (Register::Version(_), Put(version)) => Some(version),
        (Register::Patch(_), Update(version)) => Some(version),
        (Register::Patch(_), Put(_)) => Some(NONE),
        (
            Register::Document(_) | Register::Version(_) | Register::Patch(_),
            Delete | DeleteAll | DeleteIndex,
        ) => Some(NONE),
        (Register::Index, Put(_) | Update(_) | CreateIndex | Settings(_)) => Some(1),
        (Register::Index | Register::Settings, DeleteIndex) => Some(NONE),
        (Register::Settings, Settings(version)) => Some(version),
        (Register::Alias, Flip) => Some(write.index as u64 + 1),
        (
            _,
            Put(_) | Update(_) | Delete | DeleteKind(_) | DeleteAll | CreateIndex | DeleteIndex | Settings(_)
            | Flip,
        ) => None,
    }
}

/// Returns the kind of a document of a version.
pub fn kind_of(version: Version, document: u64) -> u64 {
    (version + document) % KINDS
}

/// Returns the number of every document.
pub fn all_documents() -> impl Iterator<Item = u64> {
    0..CLIENTS as u64 * DOCUMENTS
}

/// Returns the numbers of the documents of a client, from `first` on and round again.
pub fn documents_of(client: usize, first: u64, count: u64) -> Vec<u64> {
    (0..count).map(|step| client as u64 * DOCUMENTS + (first + step) % DOCUMENTS).collect()
}
