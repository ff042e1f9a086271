//! The replicas that are not in sync, `replicas`, with the last stamp (`replica_totals`) and the progress of
//! filling the table (`replica_recovery`).

use async_trait::async_trait;
use miroir_domain::replica::{ReplicaMark, ReplicaRow, ReplicaState};
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{ReplicaRecovery, ReplicaTable, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{all, change, count, one, value};
use crate::store::SqliteStore;

// The columns of `replica_get.sql` and `replica_list.sql`.
const PHYSICAL_UID: Column = Column(0, "physical_uid");
const NODE_ID: Column = Column(1, "node_id");
const STATE: Column = Column(2, "state");
const TASK: Column = Column(3, "task");
const REASON: Column = Column(4, "reason");
const SINCE_AT: Column = Column(5, "since_at");
// The columns of `replica_recovery_get.sql`.
const TERM: Column = Column(0, "term");
const OLDEST_OPEN: Column = Column(1, "oldest_open");

impl Row for ReplicaRow {
    const TABLE: &'static str = "replicas";
    const KEY: &'static [Column] = &[PHYSICAL_UID, NODE_ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            index: reader.name_always(PHYSICAL_UID)?,
            node: reader.name_always(NODE_ID)?,
            state: reader.json_always(STATE)?,
            task: reader.get::<Option<u32>>(TASK)?.map(TaskUid),
            reason: reader.get(REASON)?,
            since: reader.time_always(SINCE_AT)?,
        })
    }
}

#[async_trait]
impl ReplicaTable for SqliteStore {
    async fn replica_mark(&self, marks: &[ReplicaMark]) -> Result<(), StoreError> {
        let marks = marks.to_vec();
        self.write(move |connection| mark_all(connection, &marks)).await
    }

    async fn replica_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<ReplicaRow>, StoreError> {
        let (index, node) = (index.clone(), node.clone());
        self.read(move |connection| get(connection, &index, &node)).await
    }

    async fn replica_repaired(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        seen: &ReplicaState,
    ) -> Result<(), StoreError> {
        let (index, node, seen) = (index.clone(), node.clone(), seen.clone());
        self.write(move |connection| {
            let Some(row) = get(connection, &index, &node)? else { return Ok(()) };
            if let Some(row) = row.repaired(&seen) {
                return put(connection, &row);
            }
            let key = (index.as_str(), node.as_str());
            change(connection, include_str!("sql/replica_delete.sql"), key)?;
            Ok(())
        })
        .await
    }

    async fn replica_forget(&self, index: &PhysicalUid) -> Result<u64, StoreError> {
        let index = index.clone();
        self.write(move |connection| {
            change(connection, include_str!("sql/replica_forget.sql"), [index.as_str()])
        })
        .await
    }

    async fn replica_list(
        &self,
        after: Option<(PhysicalUid, NodeId)>,
        limit: u32,
    ) -> Result<Vec<ReplicaRow>, StoreError> {
        // Every name is after the empty text.
        let after = after.map_or_else(String::new, |(index, node)| format!("{index}:{node}"));
        self.read(move |connection| all(connection, include_str!("sql/replica_list.sql"), (&after, limit)))
            .await
    }

    async fn replica_recovery_get(&self) -> Result<Option<ReplicaRecovery>, StoreError> {
        self.read(|connection| {
            value(connection, include_str!("sql/replica_recovery_get.sql"), (), |row| {
                let reader = Reader { table: "replica_recovery", key: &"1", row };
                let oldest_open = TaskUid(reader.get(OLDEST_OPEN)?);
                Ok(ReplicaRecovery { term: reader.counter(TERM)?, oldest_open })
            })
        })
        .await
    }

    async fn replica_recovery_put(&self, recovery: ReplicaRecovery) -> Result<(), StoreError> {
        self.write(move |connection| {
            let params = (recovery.term.cast_signed(), recovery.oldest_open.0);
            change(connection, include_str!("sql/replica_recovery_upsert.sql"), params)?;
            Ok(())
        })
        .await
    }
}

/// Stores marks. The put of a task uses it as well.
pub(crate) fn mark_all(connection: &Connection, marks: &[ReplicaMark]) -> Result<(), Failure> {
    for mark in marks {
        let row = get(connection, &mark.index, &mark.node)?;
        put(connection, &ReplicaRow::marked(row, mark, next_stamp(connection)?))?;
    }
    Ok(())
}

/// Takes the next stamp, in the transaction that uses it.
fn next_stamp(connection: &Connection) -> Result<u64, Failure> {
    let stamp = value(connection, include_str!("sql/replica_next_stamp.sql"), (), |row| count(row, 0))?;
    Ok(stamp.ok_or_else(|| StoreError::corrupt("replica_totals", "1", "the row is missing"))?)
}

fn get(connection: &Connection, index: &PhysicalUid, node: &NodeId) -> Result<Option<ReplicaRow>, Failure> {
    one(connection, include_str!("sql/replica_get.sql"), (index.as_str(), node.as_str()))
}

fn put(connection: &Connection, row: &ReplicaRow) -> Result<(), Failure> {
    let state = to_json(&row.state)?;
    let key = (row.index.as_str(), row.node.as_str());
    let task = row.task.map(|task| task.0);
    let params = (key.0, key.1, state, task, row.reason.as_str(), row.since.as_millis());
    change(connection, include_str!("sql/replica_upsert.sql"), params)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let all = [PHYSICAL_UID, NODE_ID, STATE, TASK, REASON, SINCE_AT];
        assert_columns(include_str!("sql/replica_get.sql"), &all);
        assert_columns(include_str!("sql/replica_list.sql"), &all);
        assert_columns(include_str!("sql/replica_recovery_get.sql"), &[TERM, OLDEST_OPEN]);
    }
}
