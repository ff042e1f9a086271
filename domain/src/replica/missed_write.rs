//! The effect on a replica of a write that did not reach it.

use super::Difference;
use crate::index::FIRST_SETTINGS_VERSION;
use crate::placement::Placement;
use crate::task::{Task, TaskKind};
use crate::topology::Topology;
use crate::{NodeId, PhysicalUid, Shard, ShardSet};

/// A write that did not reach a node.
#[derive(Debug, Clone, Copy)]
pub struct MissedWrite<'a> {
    /// The type of its task.
    pub kind: TaskKind,
    /// The index.
    pub index: &'a PhysicalUid,
    /// The number of shards of the index.
    pub shard_count: u32,
    /// The node.
    pub node: &'a NodeId,
    /// The shards of the write that the node keeps.
    pub shards: &'a ShardSet,
    /// The version of the settings that a node has after the write, if the write creates the index or
    /// changes its settings, whatever its type.
    pub settings_version: Option<u64>,
}

impl<'a> MissedWrite<'a> {
    /// Creates the miss of `task`, a write to `index`, by `node`, which keeps `shards` of it.
    pub fn of_task(
        task: &Task,
        index: &'a PhysicalUid,
        shard_count: u32,
        node: &'a NodeId,
        shards: &'a ShardSet,
    ) -> Self {
        Self { kind: task.kind, index, shard_count, node, shards, settings_version: task.settings_version() }
    }

    /// Returns the differences that the miss makes between the node's replica and those of the nodes for
    /// which `may_have` is true: they have the write, or may have it.
    ///
    /// A write that no other replica has cannot be repaired, so it makes no difference.
    pub fn effect(
        &self,
        topology: &Topology,
        placement: &Placement,
        may_have: &dyn Fn(&NodeId) -> bool,
    ) -> Difference {
        let shards = if self.writes_documents() {
            self.shards_of_others(placement, may_have)
        } else {
            ShardSet::default()
        };
        let others_have = topology.nodes().any(|other| other != self.node && may_have(other));
        Difference {
            shards,
            settings: self.concerns_settings() && others_have,
            index: self.concerns_index() && others_have,
        }
    }

    fn writes_documents(&self) -> bool {
        !matches!(self.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation)
    }

    fn concerns_settings(&self) -> bool {
        let is_change = self.settings_version.is_some_and(|version| version > FIRST_SETTINGS_VERSION);
        is_change || self.kind == TaskKind::SettingsUpdate
    }

    /// Returns whether the write creates the index or deletes it.
    fn concerns_index(&self) -> bool {
        let by_type = matches!(self.kind, TaskKind::IndexCreation | TaskKind::IndexDeletion);
        by_type || self.settings_version == Some(FIRST_SETTINGS_VERSION)
    }

    /// Returns the shards of the write of which another replica has the write, or may have it.
    fn shards_of_others(&self, placement: &Placement, may_have: &dyn Fn(&NodeId) -> bool) -> ShardSet {
        let has_other = |shard: &Shard| {
            placement.all_replicas(*shard).any(|replica| replica != self.node && may_have(replica))
        };
        self.shards.iter().filter(has_other).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::fixture::grouped;

    /// Two groups of two nodes with one copy of each of eight shards.
    fn cluster() -> (Topology, Placement) {
        let topology = grouped(&[&["a", "b"], &["c", "d"]], 1);
        let placement = Placement::new(&topology, 8);
        (topology, placement)
    }

    /// The effect of a write to all shards of `a`, missed by `a`, while `others` have it.
    fn effect(kind: TaskKind, settings_version: Option<u64>, others: &[&str]) -> Difference {
        let (topology, placement) = cluster();
        let (index, node) = ("films".parse().unwrap(), "a".parse().unwrap());
        let shards = placement.shards_of(&node);
        let miss = MissedWrite { kind, index: &index, shard_count: 8, node: &node, shards, settings_version };
        miss.effect(&topology, &placement, &|node| others.contains(&node.as_str()))
    }

    #[test]
    fn effect_is_the_shards_that_another_replica_has() {
        let (_, placement) = cluster();
        let shards_of = |name: &str| placement.shards_of(&name.parse().unwrap()).clone();
        let kind = TaskKind::DocumentAdditionOrUpdate;
        assert_eq!(effect(kind, None, &["c", "d"]).shards, shards_of("a"));
        assert_eq!(effect(kind, None, &["c"]).shards, shards_of("a").intersection(&shards_of("c")));
        // `b` keeps other shards than `a`, since both are of one group.
        assert!(effect(kind, None, &["b"]).is_none());
    }

    #[test]
    fn effect_is_nothing_where_no_other_node_has_the_write() {
        for kind in [TaskKind::DocumentDeletion, TaskKind::SettingsUpdate, TaskKind::IndexDeletion] {
            assert!(effect(kind, Some(2), &[]).is_none(), "{kind:?}");
            assert!(effect(kind, Some(2), &["a"]).is_none(), "{kind:?}");
        }
    }

    #[test]
    fn effect_on_settings_and_index_needs_no_common_shard() {
        let (settings, index) = (Difference::of_settings(), Difference::of_index());
        for (kind, version, expected) in [
            (TaskKind::SettingsUpdate, None, settings.clone()),
            (TaskKind::SettingsUpdate, Some(2), settings.clone()),
            (TaskKind::SettingsUpdate, Some(1), Difference { settings: true, ..index.clone() }),
            (TaskKind::IndexCreation, None, index.clone()),
            (TaskKind::IndexCreation, Some(1), index.clone()),
            (TaskKind::IndexDeletion, None, index.clone()),
            (TaskKind::DocumentAdditionOrUpdate, Some(1), index),
            (TaskKind::DocumentAdditionOrUpdate, Some(2), settings),
            (TaskKind::DocumentAdditionOrUpdate, None, Difference::default()),
        ] {
            assert_eq!(effect(kind, version, &["b"]), expected, "{kind:?} {version:?}");
        }
    }

    #[test]
    fn effect_of_a_change_of_settings_leaves_documents_alone() {
        for kind in [TaskKind::SettingsUpdate, TaskKind::IndexCreation] {
            assert!(effect(kind, Some(1), &["c", "d"]).shards.is_empty(), "{kind:?}");
        }
        assert!(!effect(TaskKind::IndexDeletion, None, &["c", "d"]).shards.is_empty());
    }
}
