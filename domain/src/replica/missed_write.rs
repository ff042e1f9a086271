//! The effect on a replica of a write that did not reach it.

use super::ReplicaState;
use crate::placement::Placement;
use crate::task::{Task, TaskKind};
use crate::topology::Topology;
use crate::{IndexUid, NodeId, Shard, ShardSet};

/// A write that did not reach a node.
#[derive(Debug, Clone, Copy)]
pub struct MissedWrite<'a> {
    /// The type of its task.
    pub kind: TaskKind,
    /// The index.
    pub index: &'a IndexUid,
    /// The number of shards of the index.
    pub shard_count: u32,
    /// The node.
    pub node: &'a NodeId,
    /// The shards of the write that the node keeps.
    pub shards: &'a ShardSet,
    /// True if the write creates the index or changes its settings, whatever its type.
    pub brings_settings: bool,
}

impl<'a> MissedWrite<'a> {
    /// Creates the miss of `task`, a write to `index`, by `node`, which keeps `shards` of it.
    pub fn of_task(
        task: &Task,
        index: &'a IndexUid,
        shard_count: u32,
        node: &'a NodeId,
        shards: &'a ShardSet,
    ) -> Self {
        let brings_settings = task.settings_version().is_some();
        Self { kind: task.kind, index, shard_count, node, shards, brings_settings }
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
    ) -> ReplicaState {
        let missed = if self.writes_documents() {
            self.shards_of_others(topology, placement, may_have)
        } else {
            ShardSet::default()
        };
        let others_have = topology.nodes().any(|other| other != self.node && may_have(other));
        ReplicaState {
            missed,
            suspect: ShardSet::default(),
            settings: self.concerns_settings() && others_have,
        }
    }

    fn writes_documents(&self) -> bool {
        !matches!(self.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation)
    }

    fn concerns_settings(&self) -> bool {
        let by_type =
            matches!(self.kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation | TaskKind::IndexDeletion);
        self.brings_settings || by_type
    }

    /// Returns the shards of the write of which another replica has the write, or may have it.
    fn shards_of_others(
        &self,
        topology: &Topology,
        placement: &Placement,
        may_have: &dyn Fn(&NodeId) -> bool,
    ) -> ShardSet {
        let has_other = |shard: &Shard| {
            let mut replicas =
                topology.groups().iter().flat_map(|group| placement.replicas(*shard, group.id));
            replicas.any(|replica| replica != self.node && may_have(replica))
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
    fn effect(kind: TaskKind, brings_settings: bool, others: &[&str]) -> ReplicaState {
        let (topology, placement) = cluster();
        let (index, node) = ("films".parse().unwrap(), "a".parse().unwrap());
        let shards = placement.shards_of(&node);
        let miss = MissedWrite { kind, index: &index, shard_count: 8, node: &node, shards, brings_settings };
        miss.effect(&topology, &placement, &|node| others.contains(&node.as_str()))
    }

    #[test]
    fn effect_is_the_shards_that_another_replica_has() {
        let (_, placement) = cluster();
        let shards_of = |name: &str| placement.shards_of(&name.parse().unwrap()).clone();
        let kind = TaskKind::DocumentAdditionOrUpdate;
        assert_eq!(effect(kind, false, &["c", "d"]).missed, shards_of("a"));
        assert_eq!(effect(kind, false, &["c"]).missed, shards_of("a").intersection(&shards_of("c")));
        // `b` keeps other shards than `a`, since both are of one group.
        assert!(effect(kind, false, &["b"]).is_in_sync());
    }

    #[test]
    fn effect_is_nothing_where_no_other_node_has_the_write() {
        for kind in [TaskKind::DocumentDeletion, TaskKind::SettingsUpdate, TaskKind::IndexDeletion] {
            assert!(effect(kind, true, &[]).is_in_sync(), "{kind:?}");
            assert!(effect(kind, true, &["a"]).is_in_sync(), "{kind:?}");
        }
    }

    #[test]
    fn effect_on_settings_needs_no_common_shard() {
        for (kind, brings_settings, settings) in [
            (TaskKind::SettingsUpdate, false, true),
            (TaskKind::IndexCreation, false, true),
            (TaskKind::IndexDeletion, false, true),
            (TaskKind::DocumentAdditionOrUpdate, true, true),
            (TaskKind::DocumentAdditionOrUpdate, false, false),
        ] {
            assert_eq!(effect(kind, brings_settings, &["b"]).settings, settings, "{kind:?}");
        }
    }

    #[test]
    fn effect_of_a_change_of_settings_leaves_documents_alone() {
        for kind in [TaskKind::SettingsUpdate, TaskKind::IndexCreation] {
            assert!(effect(kind, true, &["c", "d"]).missed.is_empty(), "{kind:?}");
        }
        assert!(!effect(TaskKind::IndexDeletion, false, &["c", "d"]).missed.is_empty());
    }
}
