//! The change event outbox.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::task::Task;
use miroir_ports::outbound::{
    Change, ChangeBacklog, ChangeOutbox, ChangePage, NewChange, Put, StoreError, check_json,
};

use crate::MemoryStore;

/// What waits for one sink, oldest first, and what the sink was told of before.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
    marks: BTreeMap<IndexUid, Marks>,
    lost: u64,
}

#[derive(Debug)]
struct Waiting {
    index: IndexUid,
    change: Change,
    bytes: u64,
}

/// The last number of an index, and the last that was dropped.
#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    last_seq: u64,
    trimmed_to: u64,
}

impl Outbox {
    fn append(&mut self, new: NewChange) {
        let marks = self.marks.entry(new.index_uid.clone()).or_default();
        marks.last_seq += 1;
        let change = Change { seq: marks.last_seq, body: new.body };
        let bytes = change.body.to_string().len() as u64;
        self.waiting.push_back(Waiting { index: new.index_uid, change, bytes });
    }

    fn trim(&mut self, budget_bytes: u64) {
        while self.bytes() > budget_bytes
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.lost += 1;
            self.marks.entry(oldest.index).or_default().trimmed_to = oldest.change.seq;
        }
    }

    fn bytes(&self) -> u64 {
        self.waiting.iter().map(|waiting| waiting.bytes).sum()
    }
}

#[async_trait]
impl ChangeOutbox for MemoryStore {
    async fn change_append_with_task(
        &self,
        task: Task,
        changes: Vec<NewChange>,
        budget_bytes: u64,
    ) -> Result<Put, StoreError> {
        for change in &changes {
            check_json("the body of a change", &change.body)?;
        }
        let mut data = self.data()?;
        if data.task_put(task)? == Put::Conflict {
            return Ok(Put::Conflict);
        }
        for change in changes {
            let outbox = data.outboxes.entry(change.sink_name.clone()).or_default();
            outbox.append(change);
            outbox.trim(budget_bytes);
        }
        Ok(Put::Stored)
    }

    async fn change_peek(
        &self,
        sink: &str,
        index: &IndexUid,
        after: u64,
        limit: u32,
    ) -> Result<ChangePage, StoreError> {
        let data = self.data()?;
        let outbox = data.outboxes.get(sink);
        let marks = outbox.and_then(|outbox| outbox.marks.get(index)).copied().unwrap_or_default();
        let changes = outbox
            .into_iter()
            .flat_map(|outbox| &outbox.waiting)
            .filter(|waiting| &waiting.index == index && waiting.change.seq > after)
            .take(limit as usize)
            .map(|waiting| waiting.change.clone())
            .collect();
        Ok(ChangePage { changes, trimmed_to: marks.trimmed_to, last_seq: marks.last_seq })
    }

    async fn change_acknowledge(&self, sink: &str, index: &IndexUid, seq: u64) -> Result<u64, StoreError> {
        let mut data = self.data()?;
        let Some(outbox) = data.outboxes.get_mut(sink) else { return Ok(0) };
        let before = outbox.waiting.len();
        outbox.waiting.retain(|waiting| &waiting.index != index || waiting.change.seq > seq);
        Ok((before - outbox.waiting.len()) as u64)
    }

    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError> {
        let data = self.data()?;
        Ok(data.outboxes.get(sink).map_or_else(ChangeBacklog::default, |outbox| ChangeBacklog {
            events: outbox.waiting.len() as u64,
            bytes: outbox.bytes(),
            lost: outbox.lost,
        }))
    }
}
