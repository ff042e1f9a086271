//! Which nodes lack something of an index that others have: reads avoid them while they can.

use std::collections::{BTreeSet, HashMap};

use miroir_domain::task::TaskKind;
use miroir_domain::{IndexUid, NodeId, Shard, ShardSet};
use parking_lot::Mutex;

/// What a node lacks of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lack {
    /// Shards of which the node missed writes.
    pub shards: ShardSet,
    /// Shards whose documents may differ for a reason that no task tells.
    pub untold: ShardSet,
    /// Whether its settings, or the index itself, may differ from what was decided.
    pub settings: bool,
}

impl Lack {
    /// The shards whose documents may differ from those of other replicas.
    pub fn all_shards(&self) -> ShardSet {
        self.shards.iter().chain(self.untold.iter()).collect()
    }
}

/// What each node is known to lack. Kept in memory; rebuilt at start from the tasks that named missing nodes.
#[derive(Debug, Default)]
pub struct StaleNodes {
    lacks: Mutex<HashMap<IndexUid, HashMap<NodeId, Lack>>>,
}

impl StaleNodes {
    /// `node` missed a write to `shards` of `index`.
    pub fn missed_write(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.lacks
            .lock()
            .entry(index.clone())
            .or_default()
            .entry(node.clone())
            .or_default()
            .shards
            .extend(shards.iter());
    }

    /// The documents of `node` in `shards` of `index` differ, and no task says why: it took writes in another order
    /// than its fellows, or was given the index anew.
    pub fn differs(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.lacks
            .lock()
            .entry(index.clone())
            .or_default()
            .entry(node.clone())
            .or_default()
            .untold
            .extend(shards.iter());
    }

    /// The tasks say that `node` missed writes to no other shards of `index` than these.
    pub fn missed_no_more_than(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.amend(index, node, |lack| {
            lack.shards = lack.shards.iter().filter(|shard| shards.contains(*shard)).collect();
        });
    }

    /// `node` may lack settings of `index`, or the index itself.
    pub fn missed_settings(&self, index: &IndexUid, node: &NodeId) {
        self.lacks.lock().entry(index.clone()).or_default().entry(node.clone()).or_default().settings = true;
    }

    /// `node` has the settings of `index`.
    pub fn settings_mended(&self, index: &IndexUid, node: &NodeId) {
        self.amend(index, node, |lack| lack.settings = false);
    }

    /// `node` has all documents of these shards of `index`.
    pub fn documents_mended(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.amend(index, node, |lack| {
            for lacked in [&mut lack.shards, &mut lack.untold] {
                *lacked = lacked.iter().filter(|shard| !shards.contains(*shard)).collect();
            }
        });
    }

    /// `node` lacks nothing of `index` any more.
    pub fn mended(&self, index: &IndexUid, node: &NodeId) {
        self.amend(index, node, |lack| *lack = Lack::default());
    }

    /// The index is gone, and what was missed of it with it.
    pub fn forget(&self, index: &IndexUid) {
        self.lacks.lock().remove(index);
    }

    /// Whether `node` lacks anything of `index`.
    pub fn is_stale(&self, index: &IndexUid, node: &NodeId) -> bool {
        self.lacks.lock().get(index).is_some_and(|nodes| nodes.contains_key(node))
    }

    /// What `node` lacks of `index`.
    pub fn lack(&self, index: &IndexUid, node: &NodeId) -> Option<Lack> {
        self.lacks.lock().get(index).and_then(|nodes| nodes.get(node)).cloned()
    }

    /// Every index and node that lacks something.
    pub fn all(&self) -> BTreeSet<(IndexUid, NodeId)> {
        let lacks = self.lacks.lock();
        lacks
            .iter()
            .flat_map(|(index, nodes)| nodes.keys().map(|node| (index.clone(), node.clone())))
            .collect()
    }

    fn amend(&self, index: &IndexUid, node: &NodeId, change: impl FnOnce(&mut Lack)) {
        let mut lacks = self.lacks.lock();
        let Some(nodes) = lacks.get_mut(index) else { return };
        if let Some(lack) = nodes.get_mut(node) {
            change(lack);
            if *lack == Lack::default() {
                nodes.remove(node);
            }
        }
        if nodes.is_empty() {
            lacks.remove(index);
        }
    }
}

/// A write that did not reach a node.
#[derive(Debug, Clone, Copy)]
pub struct Miss<'a> {
    /// The type of its task.
    pub kind: TaskKind,
    /// The index.
    pub index: &'a IndexUid,
    /// How many shards the index has.
    pub shard_count: u32,
    /// The node.
    pub node: &'a NodeId,
    /// The shards of the write that the node keeps.
    pub shards: &'a ShardSet,
    /// Whether the write creates the index or changes its settings, whatever its type.
    pub brings_settings: bool,
}

impl super::Cluster {
    /// Remembers what a node lacks that others have, or may have. What no other node has, no node is behind in, and
    /// nobody could bring it.
    pub fn note_miss(&self, miss: &Miss<'_>, may_have: &dyn Fn(&NodeId) -> bool) {
        let Miss { kind, index, node, .. } = *miss;
        let brings_settings = miss.brings_settings
            || matches!(kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation | TaskKind::IndexDeletion);
        let others_have = self.topology.nodes().any(|other| other != node && may_have(other));
        if brings_settings && others_have {
            self.stale.missed_settings(index, node);
        }
        if !matches!(kind, TaskKind::SettingsUpdate | TaskKind::IndexCreation) {
            let behind = self.shards_others_have(miss, may_have);
            if !behind.is_empty() {
                self.stale.missed_write(index, node, &behind);
            }
        }
    }

    /// The shards of a missed write that another replica has, or may have, with it.
    pub fn shards_others_have(&self, miss: &Miss<'_>, may_have: &dyn Fn(&NodeId) -> bool) -> ShardSet {
        let placement = self.placement(miss.shard_count);
        let has_other = |shard: &Shard| {
            let groups = self.topology.groups().iter();
            let mut replicas = groups.flat_map(|group| placement.replicas(*shard, group.id));
            replicas.any(|replica| replica != miss.node && may_have(replica))
        };
        miss.shards.iter().filter(has_other).collect()
    }
}
