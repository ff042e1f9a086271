//! The rows of the table `replicas`, and the marks that change them.

use super::{Difference, ReplicaState};
use crate::standing::Standing;
use crate::{NodeId, PhysicalUid, Shard, TaskUid, Timestamp};

/// A record that the replica of an index on a node differs from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaMark {
    /// The index.
    pub index: PhysicalUid,
    /// The node.
    pub node: NodeId,
    /// The difference.
    pub difference: Difference,
    /// The task of the write that made the difference, if a write did.
    pub task: Option<TaskUid>,
    /// The reason, for operators.
    pub reason: String,
    /// The instant of the mark.
    pub at: Timestamp,
}

/// One row of the table `replicas`: a replica that is not in sync. A replica in sync has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaRow {
    /// The index.
    pub index: PhysicalUid,
    /// The node.
    pub node: NodeId,
    /// The differences.
    pub state: ReplicaState,
    /// The task of the first mark, if it had one.
    pub task: Option<TaskUid>,
    /// The reason of the first mark.
    pub reason: String,
    /// The instant of the first mark: the replica is not in sync since then.
    pub since: Timestamp,
}

/// The reason of the marks by which all replicas are suspect after the task store was restored or rebuilt.
/// Such replicas are in sync if they are equal.
pub const UNCOMPARED: &str = "the task store was restored or rebuilt, and has to be compared with the nodes";

impl ReplicaRow {
    /// Returns whether the replica is suspect only because it has not been compared with the others, beside
    /// writes that it may have missed.
    pub fn is_uncompared(&self) -> bool {
        self.task.is_none() && self.reason == UNCOMPARED
    }

    /// Returns the standing of the documents of a shard. Settings do not count, since the store has them. A
    /// replica that has not been compared yet counts as in sync: no other one is better. One whose index is
    /// in doubt and nothing else gets right without a source.
    pub fn standing(&self, shard: Shard) -> Standing {
        match &self.state {
            _ if self.is_uncompared() => Standing::InSync,
            state if state.shards.contains_key(&shard) => Standing::Stale,
            state if state.index.is_some() => Standing::Unsure,
            _ => Standing::InSync,
        }
    }

    /// Returns the row after `mark`, whose differences get `stamp`. `row` is the stored row, if there is one:
    /// the task, the reason and the instant of its first mark stay.
    pub fn marked(row: Option<Self>, mark: &ReplicaMark, stamp: u64) -> Self {
        let row = row.unwrap_or_else(|| Self {
            index: mark.index.clone(),
            node: mark.node.clone(),
            state: ReplicaState::default(),
            task: mark.task,
            reason: mark.reason.clone(),
            since: mark.at,
        });
        Self { state: row.state.marked(&mark.difference, stamp), ..row }
    }

    /// Returns the row without the differences of `seen` (see [`ReplicaState::repaired`]), or `None` if the
    /// replica is in sync then.
    pub fn repaired(self, seen: &ReplicaState) -> Option<Self> {
        let state = self.state.repaired(seen);
        (!state.is_in_sync()).then_some(Self { state, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ShardSet;

    fn mark(difference: Difference, uid: u32) -> ReplicaMark {
        ReplicaMark {
            index: "films".parse().unwrap(),
            node: "a".parse().unwrap(),
            difference,
            task: Some(TaskUid(uid)),
            reason: format!("missed task {uid}"),
            at: Timestamp::from_millis(i64::from(uid)),
        }
    }

    #[test]
    fn row_keeps_the_reason_of_its_first_mark() {
        let row = ReplicaRow::marked(None, &mark(Difference::of_index(), 4), 1);
        let row = ReplicaRow::marked(Some(row), &mark(Difference::of_shards(ShardSet::all(2)), 5), 2);
        assert_eq!((row.task, row.reason.as_str()), (Some(TaskUid(4)), "missed task 4"));
        assert_eq!(row.since, Timestamp::from_millis(4));
        assert_eq!((row.state.index, row.state.shard_set()), (Some(1), ShardSet::all(2)));
    }

    #[test]
    fn row_is_gone_once_every_difference_is() {
        let row = ReplicaRow::marked(None, &mark(Difference::of_index(), 4), 1);
        let row = ReplicaRow::marked(Some(row), &mark(Difference::of_settings(), 5), 2);
        let seen = row.state.clone();
        let index_alone = ReplicaState { settings: None, ..seen.clone() };
        let left = row.clone().repaired(&index_alone).unwrap();
        assert_eq!((left.state.index, left.state.settings), (None, Some(2)));
        assert_eq!(row.repaired(&seen), None);
    }
}
