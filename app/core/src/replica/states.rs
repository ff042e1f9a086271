//! The states of the replicas in this term.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miroir_domain::replica::{MissedWrite, ReplicaState};
use miroir_domain::{IndexUid, NodeId, ShardSet};
use parking_lot::Mutex;

use super::ReportedStates;
use crate::placement::Placements;

/// The states of all replicas. They are kept in memory, and rebuilt from the tasks when a term begins.
///
/// A replica without a state is in sync.
#[derive(Debug)]
pub struct ReplicaStates {
    stale: Mutex<HashMap<IndexUid, HashMap<NodeId, ReplicaState>>>,
    is_recovered: AtomicBool,
    reported: Arc<ReportedStates>,
}

impl ReplicaStates {
    /// Creates states that are not recovered yet. Reads avoid the replicas in `reported` as well.
    pub fn new(reported: Arc<ReportedStates>) -> Self {
        Self { stale: Mutex::default(), is_recovered: AtomicBool::new(false), reported }
    }

    /// Records that the states have been rebuilt from the store.
    pub fn set_recovered(&self) {
        self.is_recovered.store(true, Ordering::Release);
    }

    /// Returns whether the states have been rebuilt from the store.
    pub fn is_recovered(&self) -> bool {
        self.is_recovered.load(Ordering::Acquire)
    }

    /// Records the effect of a missed write on the node's replica. `may_have` returns true for the nodes
    /// that have the write, or may have it. A write that no other replica has cannot be repaired, so it is
    /// not recorded.
    pub fn record(
        &self,
        miss: &MissedWrite<'_>,
        placements: &Placements,
        may_have: &dyn Fn(&NodeId) -> bool,
    ) {
        let effect = miss.effect(placements.topology(), &placements.of(miss.shard_count), may_have);
        if effect.settings {
            self.missed_settings(miss.index, miss.node);
        }
        if !effect.missed.is_empty() {
            let missed = |state: &mut ReplicaState| state.missed.extend(effect.missed.iter());
            self.change(miss.index, miss.node, missed);
        }
    }

    /// Records that settings of `index`, or the index itself, may be missing on `node`.
    pub fn missed_settings(&self, index: &IndexUid, node: &NodeId) {
        self.change(index, node, |state| state.settings = true);
    }

    /// Records that the documents of `node` in `shards` of `index` may differ from those of the other
    /// replicas, though no task names a missed write: the node took writes in another order, or was given
    /// the index anew.
    pub fn differs(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.change(index, node, |state| state.suspect.extend(shards.iter()));
    }

    /// Records that the tasks name no missed writes of `node` to shards of `index` other than `shards`.
    pub fn missed_at_most(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.repair(index, node, |state| state.missed_at_most(shards));
    }

    /// Records that `node` has the settings of `index`.
    pub fn settings_repaired(&self, index: &IndexUid, node: &NodeId) {
        self.repair(index, node, ReplicaState::settings_repaired);
    }

    /// Records that `node` has all documents of `shards` of `index`.
    pub fn documents_repaired(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) {
        self.repair(index, node, |state| state.documents_repaired(shards));
    }

    /// Records that the replica of `index` on `node` is in sync.
    pub fn repaired(&self, index: &IndexUid, node: &NodeId) {
        self.repair(index, node, |_| ReplicaState::default());
    }

    /// Removes the states of a deleted index.
    pub fn forget(&self, index: &IndexUid) {
        self.stale.lock().remove(index);
    }

    /// Returns whether the replica of `index` on `node` is stale.
    pub fn is_stale(&self, index: &IndexUid, node: &NodeId) -> bool {
        self.stale.lock().get(index).is_some_and(|nodes| nodes.contains_key(node))
    }

    /// Returns the state of the replica of `index` on `node`.
    pub fn state(&self, index: &IndexUid, node: &NodeId) -> ReplicaState {
        self.stale.lock().get(index).and_then(|nodes| nodes.get(node)).cloned().unwrap_or_default()
    }

    /// Returns every stale replica.
    pub fn stale(&self) -> BTreeSet<(IndexUid, NodeId)> {
        let stale = self.stale.lock();
        stale
            .iter()
            .flat_map(|(index, nodes)| nodes.keys().map(|node| (index.clone(), node.clone())))
            .collect()
    }

    /// Returns the part of the cost of a read that comes from the state of the replica, its own or reported.
    pub fn cost(&self, index: &IndexUid, node: &NodeId) -> u64 {
        // More than the cost of any healthy or degraded node: a slow response is better than an incomplete
        // one.
        const STALE: u64 = 1 << 50;
        if self.is_stale(index, node) || self.reported.is_stale(index, node) { STALE } else { 0 }
    }

    fn change(&self, index: &IndexUid, node: &NodeId, change: impl FnOnce(&mut ReplicaState)) {
        let mut stale = self.stale.lock();
        change(stale.entry(index.clone()).or_default().entry(node.clone()).or_default());
    }

    /// Changes the state of a stale replica, and removes it if the replica is in sync then.
    fn repair(&self, index: &IndexUid, node: &NodeId, repair: impl FnOnce(ReplicaState) -> ReplicaState) {
        let mut stale = self.stale.lock();
        let Some(nodes) = stale.get_mut(index) else { return };
        if let Some(state) = nodes.get_mut(node) {
            *state = repair(std::mem::take(state));
            if state.is_in_sync() {
                nodes.remove(node);
            }
        }
        if nodes.is_empty() {
            stale.remove(index);
        }
    }
}
