//! The replicas that are not in sync, `replicas`.

use async_trait::async_trait;
use miroir_domain::replica::{ReplicaMark, ReplicaRow, ReplicaState};
use miroir_domain::{NodeId, PhysicalUid, TaskUid};

use super::error::StoreError;

/// The progress of filling the table from the tasks of an older Miroir, which kept missed writes in its
/// tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaRecovery {
    /// The last term of the leader whose misses are in the table. A term of an older Miroir leaves a gap.
    pub term: u64,
    /// The oldest task that was unfinished then. Misses of older tasks are in the table.
    pub oldest_open: TaskUid,
}

/// Replicas that are not in sync, by index and node. A replica in sync has no row.
///
/// Misses of a write are stored in the unit that records them in its task, by
/// [`TaskTable::task_put_with`](crate::outbound::TaskTable::task_put_with).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ReplicaTable: Send + Sync + 'static {
    /// Stores `marks`, in their order.
    ///
    /// - **REPLICA-1** Each row MUST become [`ReplicaRow::marked`] of the row before it. Concurrent marks
    ///   MUST all take effect.
    /// - **REPLICA-2** Each mark MUST get a stamp of its own, greater than every stamp given before, also
    ///   after rows were removed and after reopening. The first is 1.
    async fn replica_mark(&self, marks: &[ReplicaMark]) -> Result<(), StoreError>;

    /// Returns the row of a replica, or `None` if it is in sync.
    async fn replica_get(&self, index: &PhysicalUid, node: &NodeId)
    -> Result<Option<ReplicaRow>, StoreError>;

    /// Removes the differences of `seen` from a replica.
    ///
    /// - **REPLICA-3** The row MUST become [`ReplicaRow::repaired`] of the row before it: a difference that
    ///   was marked again since it was seen stays. Without a row nothing happens.
    async fn replica_repaired(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        seen: &ReplicaState,
    ) -> Result<(), StoreError>;

    /// Removes the rows of an index, and returns their number.
    ///
    /// - **REPLICA-4** Rows of other indexes MUST stay.
    async fn replica_forget(&self, index: &PhysicalUid) -> Result<u64, StoreError>;

    /// Returns up to `limit` rows after the replica `after`.
    ///
    /// - **REPLICA-5** They MUST be in the byte order of `index:node`, each once.
    async fn replica_list(
        &self,
        after: Option<(PhysicalUid, NodeId)>,
        limit: u32,
    ) -> Result<Vec<ReplicaRow>, StoreError>;

    /// Returns the recorded progress, or `None` before the first.
    async fn replica_recovery_get(&self) -> Result<Option<ReplicaRecovery>, StoreError>;

    /// Records the progress.
    async fn replica_recovery_put(&self, recovery: ReplicaRecovery) -> Result<(), StoreError>;
}
