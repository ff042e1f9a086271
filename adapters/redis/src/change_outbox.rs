//! The change event outbox.
//!
//! For each sink and index a list holds the events, oldest first, each as `place:body`. The place is counted
//! over all indexes of the sink and identifies the sink's oldest event. A sorted set holds the place of the
//! first event of each list, so finding the event to drop when the budget is exceeded costs the same however
//! many there are.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_ports::outbound::{
    Change, ChangeBacklog, ChangeOutbox, ChangePage, ChangePosition, NewChange, StoreError,
};
use redis::{ScriptInvocation, cmd};

use crate::call::{changing, script};
use crate::keys::OUTBOX;
use crate::row::to_json;
use crate::store::RedisStore;

/// The bound of the numbers of events, up to which a number of Lua is exact.
const LAST_SEQ: u64 = 1 << 53;

impl RedisStore {
    /// Adds the keys of one sink and index in the order that `lua/outbox.lua` expects.
    fn push_outbox(&self, script: &mut ScriptInvocation<'_>, sink: &str, index: &IndexUid) {
        script.key(self.keys.base(OUTBOX)).arg(sink).arg(index.as_str());
    }

    /// Adds the events for `lua/outbox_append.lua`.
    pub(crate) fn push_changes(
        &self,
        script: &mut ScriptInvocation<'_>,
        changes: &[NewChange],
        budget_bytes: u64,
    ) -> Result<(), StoreError> {
        script.key(self.keys.base(OUTBOX)).arg(budget_bytes.min(LAST_SEQ));
        for change in changes {
            check_json("the body of a change", &change.body)?;
            script.arg(&change.sink_name).arg(change.index_uid.as_str()).arg(to_json(&change.body)?);
        }
        Ok(())
    }
}

#[async_trait]
impl ChangeOutbox for RedisStore {
    async fn change_append(&self, changes: Vec<NewChange>, budget_bytes: u64) -> Result<(), StoreError> {
        let mut script =
            changing!("lua/name.lua", "lua/outbox.lua", "lua/outbox_append.lua", "lua/change_append.lua");
        self.push_changes(&mut script, &changes, budget_bytes)?;
        self.change_by(OUTBOX, "of new changes", &mut script).await
    }

    async fn change_peek(
        &self,
        sink: &str,
        index: &IndexUid,
        after: u64,
        limit: u32,
    ) -> Result<ChangePage, StoreError> {
        let mut script = script!("lua/name.lua", "lua/outbox.lua", "lua/change_peek.lua");
        self.push_outbox(&mut script, sink, index);
        script.arg(after.min(LAST_SEQ)).arg(limit);
        let (first_seq, entries, trimmed_to, last_seq): (u64, Vec<Vec<u8>>, u64, u64) =
            self.read_by(OUTBOX.name, sink, &script).await?;
        let changes = entries.iter().zip(first_seq..).map(|(entry, seq)| {
            let corrupt = |reason: &str| {
                StoreError::corrupt(OUTBOX.name, format!("{sink}:{}:{seq}", index.as_str()), reason)
            };
            let place_ends = entry
                .iter()
                .position(|byte| *byte == b':')
                .ok_or_else(|| corrupt("the entry does not have a place"))?;
            let body = serde_json::from_slice(&entry[place_ends + 1..])
                .map_err(|error| corrupt("the body cannot be decoded").with_source(error))?;
            Ok(Change { seq, body })
        });
        Ok(ChangePage { changes: changes.collect::<Result<_, StoreError>>()?, trimmed_to, last_seq })
    }

    async fn change_acknowledge(
        &self,
        sink: &str,
        index: &IndexUid,
        seq: u64,
        keep: u64,
    ) -> Result<u64, StoreError> {
        let mut script = changing!("lua/name.lua", "lua/outbox.lua", "lua/change_acknowledge.lua");
        self.push_outbox(&mut script, sink, index);
        script.arg(seq.min(LAST_SEQ)).arg(keep.min(LAST_SEQ));
        self.change_by(OUTBOX, sink, &mut script).await
    }

    async fn change_positions(&self, sink: &str) -> Result<Vec<ChangePosition>, StoreError> {
        let mut script = script!("lua/name.lua", "lua/outbox.lua", "lua/change_positions.lua");
        script.key(self.keys.base(OUTBOX)).arg(sink);
        let found: Vec<(String, u64, u64)> = self.read_by(OUTBOX.name, sink, &script).await?;
        let position = |(index, trimmed_to, last_seq): (String, u64, u64)| {
            let index_uid = index.parse::<IndexUid>().map_err(|error| {
                StoreError::corrupt(OUTBOX.name, sink, format!("the index `{index}` cannot be decoded"))
                    .with_source(error)
            })?;
            Ok(ChangePosition { index_uid, trimmed_to, last_seq })
        };
        found.into_iter().map(position).collect()
    }

    async fn change_backlog(&self, sink: &str) -> Result<ChangeBacklog, StoreError> {
        let key = self.keys.own(OUTBOX, &format!("_size:{sink}"));
        let mut command = cmd("HMGET");
        command.arg(&key).arg(&["events", "bytes", "lost"]);
        let (events, bytes, lost): (Option<u64>, Option<u64>, Option<u64>) =
            self.read(OUTBOX.name, &key, &command).await?;
        Ok(ChangeBacklog {
            events: events.unwrap_or_default(),
            bytes: bytes.unwrap_or_default(),
            lost: lost.unwrap_or_default(),
        })
    }
}
