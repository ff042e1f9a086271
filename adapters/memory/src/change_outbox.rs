//! The change event outbox.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::{InvalidRow, check_json};
use miroir_ports::outbound::{
    ChangeBacklog, ChangeOutbox, ChangePage, ChangePosition, NewChange, StoreError,
};

use crate::data::Data;
use crate::outbox::Sequence;
use crate::store::MemoryStore;

impl Data {
    /// Appends changes. The put of a task uses it as well.
    pub(crate) fn append(&mut self, changes: Vec<NewChange>, budget_bytes: u64) {
        for change in changes {
            let outbox = self.outboxes.entry(change.sink_name.clone()).or_default();
            outbox.append(change);
            outbox.trim(budget_bytes);
        }
    }
}

/// Refuses bodies that cannot be stored.
pub(crate) fn check(changes: &[NewChange]) -> Result<(), InvalidRow> {
    changes.iter().try_for_each(|change| check_json("the body of a change", &change.body))
}

#[async_trait]
impl ChangeOutbox for MemoryStore {
    async fn change_append(&self, changes: Vec<NewChange>, budget_bytes: u64) -> Result<(), StoreError> {
        check(&changes)?;
        self.data()?.append(changes, budget_bytes);
        Ok(())
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
        let sequence = outbox.and_then(|outbox| outbox.sequences.get(index)).copied().unwrap_or_default();
        let changes = outbox
            .into_iter()
            .flat_map(|outbox| &outbox.held)
            .filter(|held| &held.index == index && held.change.seq > after)
            .take(limit as usize)
            .map(|held| held.change.clone())
            .collect();
        Ok(ChangePage { changes, trimmed_to: sequence.trimmed_to, last_seq: sequence.last_seq })
    }

    async fn change_acknowledge(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        keep: u64,
    ) -> Result<u64, StoreError> {
        let mut data = self.data()?;
        let Some(outbox) = data.outboxes.get_mut(sink) else { return Ok(0) };
        let Some(sequence) = outbox.sequences.get_mut(index) else { return Ok(0) };
        let seq = seq.min(sequence.last_seq);
        sequence.delivered_to = sequence.delivered_to.max(seq);
        let before = outbox.held.len();
        let gone_to = seq.saturating_sub(keep);
        outbox.held.retain(|held| &held.index != index || held.change.seq > gone_to);
        Ok((before - outbox.held.len()) as u64)
    }

    async fn change_positions(&self, sink: &str) -> Result<Vec<ChangePosition>, StoreError> {
        let data = self.data()?;
        let sequences = data.outboxes.get(sink).into_iter().flat_map(|outbox| &outbox.sequences);
        let position = |(index, sequence): (&IndexUid, &Sequence)| ChangePosition {
            index_uid: index.clone(),
            trimmed_to: sequence.trimmed_to,
            last_seq: sequence.last_seq,
        };
        Ok(sequences.map(position).collect())
    }

    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError> {
        let data = self.data()?;
        Ok(data.outboxes.get(sink).map_or_else(ChangeBacklog::default, |outbox| ChangeBacklog {
            events: outbox.held.len() as u64,
            bytes: outbox.bytes(),
            lost: outbox.lost,
        }))
    }
}
