//! The replicas that are not in sync.
//!
//! A row is named `index:node`, by which its table is listed. Its state is JSON, as the domain writes it. The
//! scripts merge marks into it and remove differences from it, so that concurrent ones all take effect. The
//! last stamp is beside the rows, so stamps go on when the rows are gone.

use async_trait::async_trait;
use miroir_domain::replica::{Difference, ReplicaMark, ReplicaRow, ReplicaState};
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{ReplicaRecovery, ReplicaTable, StoreError};
use redis::ScriptInvocation;

use crate::call::changing;
use crate::keys::{REPLICAS, Table};
use crate::row::{Columns, Reader, to_json};
use crate::store::RedisStore;
use crate::table::{Row, fields_of};

/// The fields of the progress of filling the table.
const RECOVERY: &[&str] = &["term", "oldest_open"];

impl Row for ReplicaRow {
    const TABLE: Table = REPLICAS;
    const FIELDS: &'static [&'static str] = &["index", "node", "state", "task", "reason", "since"];

    fn name(&self) -> String {
        name(&self.index, &self.node)
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default()
            .with("index", &self.index)
            .with("node", &self.node)
            .maybe("task", self.task)
            .with("reason", &self.reason)
            .time("since", self.since)
            .json("state", &self.state)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            index: reader.parsed_always("index")?,
            node: reader.parsed_always("node")?,
            state: reader.json_always("state")?,
            task: reader.parsed("task")?.map(TaskUid),
            reason: reader.text_always("reason")?,
            since: reader.time_always("since")?,
        })
    }
}

fn name(index: &PhysicalUid, node: &NodeId) -> String {
    format!("{index}:{node}")
}

/// Returns the names of the differences, as `lua/replica.lua` expects them, between spaces.
fn names(difference: &Difference) -> String {
    let mut names: Vec<String> = difference.shards.iter().map(|shard| shard.0.to_string()).collect();
    names.extend(difference.settings.then(|| "settings".to_owned()));
    names.extend(difference.index.then(|| "index".to_owned()));
    names.join(" ")
}

/// The number of arguments of a mark.
const ARGUMENTS: usize = 6;

/// Adds the number of arguments of all marks, and then those of each, for `lua/replica_marks.lua`.
pub(crate) fn push_marks(script: &mut ScriptInvocation<'_>, marks: &[ReplicaMark]) {
    script.arg(marks.len() * ARGUMENTS);
    for mark in marks {
        script.arg(mark.index.as_str()).arg(mark.node.as_str()).arg(names(&mark.difference));
        script.arg(mark.task.map_or_else(String::new, |task| task.to_string()));
        script.arg(&mark.reason).arg(mark.at.as_millis());
    }
}

/// Returns the error of a damaged key, which a script has found before it changed anything.
pub(crate) fn damaged(name: &str) -> StoreError {
    StoreError::corrupt(REPLICAS.name, name, "the stamps cannot be decoded")
}

fn check(damage: Option<String>) -> Result<(), StoreError> {
    damage.map_or(Ok(()), |name| Err(damaged(&name)))
}

#[async_trait]
impl ReplicaTable for RedisStore {
    async fn replica_mark(&self, marks: &[ReplicaMark]) -> Result<(), StoreError> {
        let mut script =
            changing!("lua/name.lua", "lua/replica.lua", "lua/replica_marks.lua", "lua/replica_mark.lua");
        script.key(self.keys.base(REPLICAS));
        push_marks(&mut script, marks);
        check(self.change_by(REPLICAS, "of new marks", &mut script).await?)
    }

    async fn replica_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<ReplicaRow>, StoreError> {
        self.row_get(&name(index, node)).await
    }

    async fn replica_repaired(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        seen: &ReplicaState,
    ) -> Result<(), StoreError> {
        let name = name(index, node);
        let mut script = changing!("lua/replica.lua", "lua/replica_repaired.lua");
        script.key(self.keys.row(REPLICAS, &name)).key(self.keys.own(REPLICAS, "_index"));
        script.arg(&name).arg(to_json(seen)?);
        check(self.change_by(REPLICAS, &name, &mut script).await?)
    }

    async fn replica_forget(&self, index: &PhysicalUid) -> Result<u64, StoreError> {
        let mut script = changing!("lua/name.lua", "lua/replica_forget.lua");
        script.key(self.keys.own(REPLICAS, "_index")).key(self.keys.base(REPLICAS)).arg(index.as_str());
        self.change_by(REPLICAS, index.as_str(), &mut script).await
    }

    async fn replica_list(
        &self,
        after: Option<(PhysicalUid, NodeId)>,
        limit: u32,
    ) -> Result<Vec<ReplicaRow>, StoreError> {
        self.row_list(after.map(|(index, node)| name(&index, &node)), limit).await
    }

    async fn replica_recovery_get(&self) -> Result<Option<ReplicaRecovery>, StoreError> {
        let key = self.keys.own(REPLICAS, "_recovery");
        let values = self.read(REPLICAS.name, &key, &fields_of(&key, RECOVERY)).await?;
        let Some(reader) = Reader::of(REPLICAS, &key, RECOVERY, values)? else { return Ok(None) };
        let oldest_open = TaskUid(reader.parsed_always("oldest_open")?);
        Ok(Some(ReplicaRecovery { term: reader.parsed_always("term")?, oldest_open }))
    }

    async fn replica_recovery_put(&self, recovery: ReplicaRecovery) -> Result<(), StoreError> {
        let mut script = changing!("lua/replica_recovery_put.lua");
        script.key(self.keys.own(REPLICAS, "_recovery"));
        script.arg(recovery.term).arg(recovery.oldest_open.0);
        self.change_by(REPLICAS, "of the recovery", &mut script).await
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::{Shard, ShardSet};

    use super::*;

    #[test]
    fn difference_is_named_as_in_the_state() {
        let everything = Difference {
            shards: [0, 7, u32::MAX].into_iter().map(Shard).collect::<ShardSet>(),
            settings: true,
            index: true,
        };
        assert_eq!(names(&everything), "0 7 4294967295 settings index");
        assert_eq!(names(&Difference::default()), "");
    }
}
