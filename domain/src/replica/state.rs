//! The state of one replica and its transitions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Shard, ShardSet};

/// A difference of one node's replica of an index from the other replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Shards whose documents may differ: the node missed writes to them, or they are suspect.
    pub shards: ShardSet,
    /// True if the settings are stale.
    pub settings: bool,
    /// True if the node may not have the index, or may still have an index that was deleted.
    pub index: bool,
}

impl Difference {
    /// Returns the difference of the documents of `shards`.
    pub fn of_shards(shards: ShardSet) -> Self {
        Self { shards, ..Self::default() }
    }

    /// Returns the difference of the settings.
    pub fn of_settings() -> Self {
        Self { settings: true, ..Self::default() }
    }

    /// Returns the difference of the index itself.
    pub fn of_index() -> Self {
        Self { index: true, ..Self::default() }
    }

    /// Returns whether there is no difference.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The known differences of one node's replica of an index from the other replicas. The default is in sync.
///
/// Each difference has a stamp: a number that no other mark has. A repair removes only the differences with
/// the stamps that it has seen before it began, so a write that the node misses during the repair stays on
/// record.
///
/// # Examples
///
/// ```
/// use miroir_domain::replica::{Difference, ReplicaState};
/// use miroir_domain::{Shard, ShardSet};
///
/// let shards = |numbers: &[u32]| numbers.iter().copied().map(Shard).collect::<ShardSet>();
/// let state = ReplicaState::default().marked(&Difference::of_shards(shards(&[1, 2])), 7);
///
/// // A repair begins, and meanwhile the node misses a write to shard 2.
/// let seen = state.clone();
/// let state = state.marked(&Difference::of_shards(shards(&[2])), 8);
/// assert_eq!(state.repaired(&seen).shard_set(), shards(&[2]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaState {
    /// The shards whose documents may differ, each with its stamp.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shards: BTreeMap<Shard, u64>,
    /// The stamp of the difference of the settings, if they are stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<u64>,
    /// The stamp of the difference of the index itself, if the node may not have it, or may still have an
    /// index that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

impl ReplicaState {
    /// Returns whether no difference is known.
    pub fn is_in_sync(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the shards whose documents may differ.
    pub fn shard_set(&self) -> ShardSet {
        self.shards.keys().copied().collect()
    }

    /// Returns whether the node has the index with its settings.
    pub fn has_settings(&self) -> bool {
        self.settings.is_none() && self.index.is_none()
    }

    /// Returns the state with the differences of `difference` under `stamp`, which replaces their stamps.
    #[must_use]
    pub fn marked(mut self, difference: &Difference, stamp: u64) -> Self {
        self.shards.extend(difference.shards.iter().map(|shard| (shard, stamp)));
        if difference.settings {
            self.settings = Some(stamp);
        }
        if difference.index {
            self.index = Some(stamp);
        }
        self
    }

    /// Returns the state without the differences of `seen`. One that has another stamp than in `seen` stays.
    #[must_use]
    pub fn repaired(mut self, seen: &Self) -> Self {
        self.shards.retain(|shard, stamp| seen.shards.get(shard) != Some(stamp));
        self.settings = self.settings.filter(|stamp| seen.settings != Some(*stamp));
        self.index = self.index.filter(|stamp| seen.index != Some(*stamp));
        self
    }

    /// Returns the part of the state that is about the documents of `shards`.
    #[must_use]
    pub fn of_shards(&self, shards: &ShardSet) -> Self {
        let of_shards = self.shards.iter().filter(|(shard, _)| shards.contains(**shard));
        Self { shards: of_shards.map(|(shard, stamp)| (*shard, *stamp)).collect(), ..Self::default() }
    }

    /// Returns the part of the state that is about the index itself and its settings.
    #[must_use]
    pub fn of_settings(&self) -> Self {
        Self { shards: BTreeMap::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(numbers: &[u32]) -> ShardSet {
        numbers.iter().copied().map(Shard).collect()
    }

    fn everything() -> Difference {
        Difference { shards: shards(&[1, 2]), settings: true, index: true }
    }

    #[test]
    fn marks_add_up_and_replace_stamps() {
        let state = ReplicaState::default().marked(&everything(), 3);
        assert_eq!((state.shard_set(), state.settings, state.index), (shards(&[1, 2]), Some(3), Some(3)));
        let state = state.marked(&Difference::of_shards(shards(&[2, 5])), 4);
        assert_eq!(state.shards, BTreeMap::from([(Shard(1), 3), (Shard(2), 4), (Shard(5), 4)]));
        let state = state.marked(&Difference::of_settings(), 5).marked(&Difference::of_index(), 6);
        assert_eq!((state.settings, state.index), (Some(5), Some(6)));
        assert_eq!(state.clone().marked(&Difference::default(), 7), state);
    }

    #[test]
    fn repair_removes_what_it_has_seen_and_nothing_newer() {
        let seen = ReplicaState::default().marked(&everything(), 3);
        assert!(seen.clone().repaired(&seen).is_in_sync());
        let newer = seen.clone().marked(&everything(), 4);
        assert_eq!(newer.clone().repaired(&seen), newer);
        assert_eq!(seen.clone().repaired(&ReplicaState::default()), seen);
        for part in [Difference::of_shards(shards(&[2])), Difference::of_settings(), Difference::of_index()] {
            let left = seen.clone().marked(&part, 4).repaired(&seen);
            assert_eq!(left, ReplicaState::default().marked(&part, 4));
        }
    }

    #[test]
    fn parts_divide_a_state() {
        let state = ReplicaState::default().marked(&everything(), 3);
        let settings = Difference { index: true, ..Difference::of_settings() };
        assert_eq!(
            state.of_shards(&shards(&[2, 9])),
            ReplicaState::default().marked(&Difference::of_shards(shards(&[2])), 3)
        );
        assert_eq!(state.of_settings(), ReplicaState::default().marked(&settings, 3));
        assert!(!state.has_settings() && state.of_shards(&shards(&[1])).has_settings());
    }

    #[test]
    fn json_is_short_and_read_back() {
        let state = ReplicaState::default().marked(&everything(), 3);
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(text, r#"{"shards":{"1":3,"2":3},"settings":3,"index":3}"#);
        assert_eq!(serde_json::from_str::<ReplicaState>(&text).unwrap(), state);
        assert_eq!(serde_json::to_string(&ReplicaState::default()).unwrap(), "{}");
    }
}
