//! The state of one replica and its transitions.

use crate::ShardSet;

/// The known differences of one node's replica of an index from the other replicas. The default is in sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplicaState {
    /// Shards of which the node missed writes.
    pub missed: ShardSet,
    /// Shards whose documents are suspect: they may differ for a reason that no task records.
    pub suspect: ShardSet,
    /// True if the settings are stale, or the index itself is missing or should be.
    pub settings: bool,
}

impl ReplicaState {
    /// Returns whether no difference is known.
    pub fn is_in_sync(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the shards whose documents may differ from those of other replicas.
    pub fn stale_shards(&self) -> ShardSet {
        self.missed.union(&self.suspect)
    }

    /// Drops missed writes to other shards than `shards`: the tasks record no others.
    #[must_use]
    pub fn missed_at_most(self, shards: &ShardSet) -> Self {
        Self { missed: self.missed.intersection(shards), ..self }
    }

    /// Drops all differences of the documents of `shards`: the node has all of them.
    #[must_use]
    pub fn documents_repaired(self, shards: &ShardSet) -> Self {
        Self { missed: self.missed.difference(shards), suspect: self.suspect.difference(shards), ..self }
    }

    /// Drops the difference of settings: the node has those of the index.
    #[must_use]
    pub fn settings_repaired(self) -> Self {
        Self { settings: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shard;

    fn shards(numbers: &[u32]) -> ShardSet {
        numbers.iter().copied().map(Shard).collect()
    }

    fn stale() -> ReplicaState {
        ReplicaState { missed: shards(&[1, 2]), suspect: shards(&[2, 3]), settings: true }
    }

    #[test]
    fn stale_shards_are_missed_or_suspect() {
        assert_eq!(stale().stale_shards(), shards(&[1, 2, 3]));
        assert_eq!(ReplicaState::default().stale_shards(), shards(&[]));
    }

    #[test]
    fn repairs_bring_a_replica_back_in_sync() {
        let documents = stale().documents_repaired(&shards(&[2]));
        assert_eq!(documents, ReplicaState { missed: shards(&[1]), suspect: shards(&[3]), settings: true });
        let whole = documents.documents_repaired(&shards(&[1, 3])).settings_repaired();
        assert!(whole.is_in_sync() && !stale().is_in_sync());
    }

    #[test]
    fn missed_at_most_keeps_what_no_task_records() {
        let kept = stale().missed_at_most(&shards(&[2, 5]));
        assert_eq!(kept, ReplicaState { missed: shards(&[2]), ..stale() });
    }
}
