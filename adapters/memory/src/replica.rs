//! The replicas that are not in sync.

use std::ops::Bound;

use async_trait::async_trait;
use miroir_domain::replica::{ReplicaMark, ReplicaRow, ReplicaState};
use miroir_domain::{NodeId, PhysicalUid};
use miroir_ports::outbound::{ReplicaRecovery, ReplicaTable, StoreError};

use crate::data::Data;
use crate::store::MemoryStore;

/// Returns the key of a replica, by which rows are listed.
fn key(index: &PhysicalUid, node: &NodeId) -> String {
    format!("{index}:{node}")
}

impl Data {
    /// Stores marks. The put of a task uses it as well.
    pub(crate) fn replica_mark(&mut self, marks: &[ReplicaMark]) {
        for mark in marks {
            self.last_replica_stamp += 1;
            let key = key(&mark.index, &mark.node);
            let row = ReplicaRow::marked(self.replicas.remove(&key), mark, self.last_replica_stamp);
            self.replicas.insert(key, row);
        }
    }
}

#[async_trait]
impl ReplicaTable for MemoryStore {
    async fn replica_mark(&self, marks: &[ReplicaMark]) -> Result<(), StoreError> {
        self.data()?.replica_mark(marks);
        Ok(())
    }

    async fn replica_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<ReplicaRow>, StoreError> {
        Ok(self.data()?.replicas.get(&key(index, node)).cloned())
    }

    async fn replica_repaired(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        seen: &ReplicaState,
    ) -> Result<(), StoreError> {
        let (mut data, key) = (self.data()?, key(index, node));
        if let Some(row) = data.replicas.remove(&key).and_then(|row| row.repaired(seen)) {
            data.replicas.insert(key, row);
        }
        Ok(())
    }

    async fn replica_forget(&self, index: &PhysicalUid) -> Result<u64, StoreError> {
        let mut data = self.data()?;
        let before = data.replicas.len();
        data.replicas.retain(|_, row| &row.index != index);
        Ok((before - data.replicas.len()) as u64)
    }

    async fn replica_list(
        &self,
        after: Option<(PhysicalUid, NodeId)>,
        limit: u32,
    ) -> Result<Vec<ReplicaRow>, StoreError> {
        let start = after.map_or(Bound::Unbounded, |(index, node)| Bound::Excluded(key(&index, &node)));
        let data = self.data()?;
        let rows = data.replicas.range((start, Bound::Unbounded)).map(|(_, row)| row.clone());
        Ok(rows.take(limit as usize).collect())
    }

    async fn replica_recovery_get(&self) -> Result<Option<ReplicaRecovery>, StoreError> {
        Ok(self.data()?.replica_recovery)
    }

    async fn replica_recovery_put(&self, recovery: ReplicaRecovery) -> Result<(), StoreError> {
        self.data()?.replica_recovery = Some(recovery);
        Ok(())
    }
}
