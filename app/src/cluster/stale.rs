//! Which nodes lack something of an index that others have: reads avoid them while they can.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use miroir_domain::replica::{MissedWrite, ReplicaState};
use miroir_domain::{IndexUid, NodeId, ShardSet};

/// What each node is known to lack. Kept in memory; rebuilt at start from the tasks that named missing nodes.
#[derive(Debug, Default)]
pub struct StaleNodes {
    lacks: Mutex<HashMap<IndexUid, HashMap<NodeId, ReplicaState>>>,
}

impl StaleNodes {
    /// `node` missed a write to `shards` of `index`.
    pub fn missed_write(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.lock()
            .entry(index.clone())
            .or_default()
            .entry(node.clone())
            .or_default()
            .missed
            .extend(shards.iter());
    }

    /// The documents of `node` in `shards` of `index` differ, and no task says why: it took writes in another order
    /// than its fellows, or was given the index anew.
    pub fn differs(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.lock()
            .entry(index.clone())
            .or_default()
            .entry(node.clone())
            .or_default()
            .suspect
            .extend(shards.iter());
    }

    /// The tasks say that `node` missed writes to no other shards of `index` than these.
    pub fn missed_no_more_than(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.amend(index, node, |lack| *lack = std::mem::take(lack).missed_at_most(shards));
    }

    /// `node` may lack settings of `index`, or the index itself.
    pub fn missed_settings(&self, index: &IndexUid, node: &NodeId) {
        self.lock().entry(index.clone()).or_default().entry(node.clone()).or_default().settings = true;
    }

    /// `node` has the settings of `index`.
    pub fn settings_mended(&self, index: &IndexUid, node: &NodeId) {
        self.amend(index, node, |lack| *lack = std::mem::take(lack).settings_repaired());
    }

    /// `node` has all documents of these shards of `index`.
    pub fn documents_mended(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.amend(index, node, |lack| *lack = std::mem::take(lack).documents_repaired(shards));
    }

    /// `node` lacks nothing of `index` any more.
    pub fn mended(&self, index: &IndexUid, node: &NodeId) {
        self.amend(index, node, |lack| *lack = ReplicaState::default());
    }

    /// The index is gone, and what was missed of it with it.
    pub fn forget(&self, index: &IndexUid) {
        self.lock().remove(index);
    }

    /// Whether `node` lacks anything of `index`.
    pub fn is_stale(&self, index: &IndexUid, node: &NodeId) -> bool {
        self.lock().get(index).is_some_and(|nodes| nodes.contains_key(node))
    }

    /// What `node` lacks of `index`.
    pub fn lack(&self, index: &IndexUid, node: &NodeId) -> Option<ReplicaState> {
        self.lock().get(index).and_then(|nodes| nodes.get(node)).cloned()
    }

    /// Every index and node that lacks something.
    pub fn all(&self) -> BTreeSet<(IndexUid, NodeId)> {
        let lacks = self.lock();
        lacks
            .iter()
            .flat_map(|(index, nodes)| nodes.keys().map(|node| (index.clone(), node.clone())))
            .collect()
    }

    fn amend(&self, index: &IndexUid, node: &NodeId, change: impl FnOnce(&mut ReplicaState)) {
        let mut lacks = self.lock();
        let Some(nodes) = lacks.get_mut(index) else { return };
        if let Some(lack) = nodes.get_mut(node) {
            change(lack);
            if lack.is_in_sync() {
                nodes.remove(node);
            }
        }
        if nodes.is_empty() {
            lacks.remove(index);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IndexUid, HashMap<NodeId, ReplicaState>>> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        self.lacks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl super::Cluster {
    /// Remembers the effect of a missed write on the node's replica. The nodes for which `may_have` is true have the
    /// write, or may have it.
    pub fn note_miss(&self, miss: &MissedWrite<'_>, may_have: &dyn Fn(&NodeId) -> bool) {
        let effect = miss.effect(&self.topology, &self.placement(miss.shard_count), may_have);
        if effect.settings {
            self.stale.missed_settings(miss.index, miss.node);
        }
        if !effect.missed.is_empty() {
            self.stale.missed_write(miss.index, miss.node, &effect.missed);
        }
    }
}
