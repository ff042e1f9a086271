//! The events of one sink.

use std::collections::{BTreeMap, VecDeque};

use miroir_domain::IndexUid;
use miroir_ports::outbound::{Change, NewChange};

/// The events of one sink, oldest first, and the numbers of each of its indexes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) held: VecDeque<Held>,
    pub(crate) sequences: BTreeMap<IndexUid, Sequence>,
    pub(crate) lost: u64,
}

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) index: IndexUid,
    pub(crate) change: Change,
    pub(crate) bytes: u64,
}

/// The last number of an index, the last that was dropped, and the last that was delivered.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sequence {
    pub(crate) last_seq: u64,
    pub(crate) trimmed_to: u64,
    pub(crate) delivered_to: u64,
}

impl Outbox {
    pub(crate) fn append(&mut self, new: NewChange) {
        let sequence = self.sequences.entry(new.index_uid.clone()).or_default();
        sequence.last_seq += 1;
        let change = Change { seq: sequence.last_seq, body: new.body };
        let bytes = change.body.to_string().len() as u64;
        self.held.push_back(Held { index: new.index_uid, change, bytes });
    }

    pub(crate) fn trim(&mut self, budget_bytes: u64) {
        while self.bytes() > budget_bytes
            && let Some(oldest) = self.held.pop_front()
        {
            let sequence = self.sequences.entry(oldest.index).or_default();
            sequence.trimmed_to = oldest.change.seq;
            self.lost += u64::from(oldest.change.seq > sequence.delivered_to);
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.held.iter().map(|held| held.bytes).sum()
    }
}
