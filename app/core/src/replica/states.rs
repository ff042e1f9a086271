//! The states of the replicas, as the leader knows them: in the store, and in memory for every read and
//! write.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::replica::{Difference, ReplicaMark, ReplicaRow, ReplicaState, UNCOMPARED};
use miroir_domain::standing::Standing;
use miroir_domain::task::Task;
use miroir_domain::{NodeId, PhysicalUid, Shard, ShardSet, TaskUid, Timestamp};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{Clock, StoreError, TaskStore};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::ReportedStates;
use super::unsure::UnsureParts;
use crate::listing;

/// The cost of reading from a stale replica in addition to that of its node, more than the cost of any
/// healthy or degraded node: a slow response is better than an incomplete one.
pub const STALE_COST: u64 = 1 << 50;

/// The states of all replicas. The store has them in its table `replicas`, where the misses of a write are
/// recorded together with its task. A copy in memory, loaded when a term begins, serves reads and writes.
///
/// A replica without a row is in sync.
pub struct ReplicaStates {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    unsure: Mutex<UnsureParts>,
    deciding: Mutex<()>,
    is_recovered: watch::Sender<bool>,
    reported: Arc<ReportedStates>,
}

/// The copy in memory. Its stamps are its own, since a difference is known here before it is stored.
#[derive(Debug, Default)]
struct Known {
    rows: HashMap<PhysicalUid, HashMap<NodeId, ReplicaRow>>,
    last_stamp: u64,
}

impl Known {
    fn mark(&mut self, mark: &ReplicaMark) {
        self.last_stamp += 1;
        let nodes = self.rows.entry(mark.index.clone()).or_default();
        let row = ReplicaRow::marked(nodes.remove(&mark.node), mark, self.last_stamp);
        nodes.insert(mark.node.clone(), row);
    }

    fn repaired(&mut self, index: &PhysicalUid, node: &NodeId, seen: &ReplicaState) {
        let Some(nodes) = self.rows.get_mut(index) else { return };
        if let Some(row) = nodes.remove(node).and_then(|row| row.repaired(seen)) {
            nodes.insert(node.clone(), row);
        }
        if nodes.is_empty() {
            self.rows.remove(index);
        }
    }
}

/// The differences of a replica that a repair has seen before it began, in memory and in the store. Only
/// these are removed when it succeeds.
#[derive(Debug, Clone)]
pub struct SeenState {
    index: PhysicalUid,
    node: NodeId,
    known: ReplicaState,
    stored: ReplicaState,
}

impl SeenState {
    /// Returns the part that is about the documents of `shards`.
    #[must_use]
    pub fn of_shards(&self, shards: &ShardSet) -> Self {
        let (known, stored) = (self.known.of_shards(shards), self.stored.of_shards(shards));
        Self { known, stored, ..self.clone() }
    }

    /// Returns whether the index on the node may be missing, or be another one.
    pub fn is_index_doubtful(&self) -> bool {
        self.known.index.is_some() || self.stored.index.is_some()
    }

    /// Returns the part that is about the index itself and its settings.
    #[must_use]
    pub fn of_settings(&self) -> Self {
        Self { known: self.known.of_settings(), stored: self.stored.of_settings(), ..self.clone() }
    }
}

impl ReplicaStates {
    /// Creates states that are not recovered yet. Reads avoid the replicas in `reported` as well.
    pub fn new(store: Arc<dyn TaskStore>, clock: Arc<dyn Clock>, reported: Arc<ReportedStates>) -> Self {
        Self {
            store,
            clock,
            known: Mutex::default(),
            unsure: Mutex::default(),
            deciding: Mutex::default(),
            is_recovered: watch::Sender::new(false),
            reported,
        }
    }

    /// Makes sure that the states of another leader, if there is one, are known as far as reads rely on them.
    pub async fn refresh(&self) {
        self.reported.refresh(self.store.as_ref()).await;
    }

    /// Returns the time after which every instance knows a missed write that was stored.
    pub fn known_everywhere(&self) -> Duration {
        self.reported.known_everywhere()
    }

    /// Returns an error if reads may not rely on the topology of this instance.
    ///
    /// # Errors
    ///
    /// Refuses with 503 `miroir_store_unavailable`: see `TopologyUse::require`.
    pub fn require_topology(&self) -> Result<(), ApiError> {
        self.reported.topology().require()
    }

    /// Loads the states that the store has.
    pub async fn load(&self) -> Result<(), StoreError> {
        let rows = listing::replicas(self.store.as_ref()).await?;
        let mut known = self.known.lock();
        for row in rows {
            known.mark(&mark_of(row));
        }
        Ok(())
    }

    /// Records that the states are complete.
    pub fn set_recovered(&self) {
        self.is_recovered.send_replace(true);
    }

    /// Returns whether the states are complete.
    pub fn is_recovered(&self) -> bool {
        *self.is_recovered.borrow()
    }

    /// Waits until the states are complete.
    pub async fn recovered(&self) {
        // The sender is a field of `self`, so it is not dropped while this waits.
        let _ = self.is_recovered.subscribe().wait_for(|is_recovered| *is_recovered).await;
    }

    /// Notes marks in memory. The caller notes them before it stores them, so that a reader of the changed
    /// task finds them, and again afterwards: a repair that began in between has not seen them in the store.
    pub fn note(&self, marks: &[ReplicaMark]) {
        let mut known = self.known.lock();
        for mark in marks {
            known.mark(mark);
        }
    }

    /// Stores marks that no change of a task stores.
    pub async fn mark(&self, marks: &[ReplicaMark]) -> Result<(), StoreError> {
        let superseded = self.superseded(marks).await?;
        self.note(marks);
        for seen in superseded {
            self.repaired(&seen).await?;
        }
        self.store.replica_mark(marks).await?;
        self.note(marks);
        Ok(())
    }

    /// Returns the states of uncompared replicas whose data is gone or replaced by `marks`: equality with the
    /// others proves nothing any more, so their rows begin anew with the reason of the marks.
    async fn superseded(&self, marks: &[ReplicaMark]) -> Result<Vec<SeenState>, StoreError> {
        let mut superseded = Vec::new();
        for mark in marks.iter().filter(|mark| mark.task.is_none() && mark.reason != UNCOMPARED) {
            if self.is_uncompared(&mark.index, &mark.node) {
                superseded.push(self.see(&mark.index, &mark.node).await?);
            }
        }
        Ok(superseded)
    }

    /// Waits for the decisions about other writes. While the guard is held, the states change by no other
    /// decision: one that looks at them and marks replicas is made as a whole.
    pub fn decide(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock()
    }

    /// Notes the nodes that may lack the acknowledged write of `task`. They count as [`Standing::Unsure`]
    /// until [`ReplicaStates::note_resolved`].
    pub fn note_unsure(&self, task: &Task) {
        self.unsure.lock().note(task);
    }

    /// Notes the nodes of a task whose outcome is known.
    pub fn note_resolved(&self, task: &Task) {
        self.unsure.lock().resolve(task);
    }

    /// Returns whether a write was acknowledged while nodes were pending, and some still are.
    pub fn is_acknowledged(&self, task: TaskUid) -> bool {
        self.unsure.lock().has(task)
    }

    /// Returns the standing of the documents of a shard on a node.
    pub fn standing(&self, index: &PhysicalUid, node: &NodeId, shard: Shard) -> Standing {
        let standing = self.of_row(index, node, |row| row.standing(shard)).unwrap_or(Standing::InSync);
        let is_unsure = || self.unsure.lock().concern(index, node, shard);
        if standing == Standing::InSync && is_unsure() { Standing::Unsure } else { standing }
    }

    /// Returns whether a replica is suspect only because it has not been compared with the others.
    pub fn is_uncompared(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.of_row(index, node, ReplicaRow::is_uncompared).unwrap_or(false)
    }

    /// Stores that the replica of `index` on `node` differs, though no task names a missed write.
    pub async fn differs(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        difference: Difference,
        reason: &str,
    ) -> Result<(), StoreError> {
        if difference.is_none() {
            return Ok(());
        }
        self.mark(&[self.new_mark(index, node, difference, None, reason)]).await
    }

    /// Makes a mark of this moment, without storing it.
    pub fn new_mark(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        difference: Difference,
        task: Option<TaskUid>,
        reason: &str,
    ) -> ReplicaMark {
        ReplicaMark {
            index: index.clone(),
            node: node.clone(),
            difference,
            task,
            reason: reason.to_owned(),
            at: self.clock.now(),
        }
    }

    /// Returns the differences of a replica, for a repair that is about to begin.
    pub async fn see(&self, index: &PhysicalUid, node: &NodeId) -> Result<SeenState, StoreError> {
        // Memory first: a mark that is only in one of the two states then stays in the other.
        let known = self.state(index, node);
        let stored = self.store.replica_get(index, node).await?.map(|row| row.state).unwrap_or_default();
        Ok(SeenState { index: index.clone(), node: node.clone(), known, stored })
    }

    /// Removes the differences of `seen`, which have been repaired.
    pub async fn repaired(&self, seen: &SeenState) -> Result<(), StoreError> {
        let SeenState { index, node, known, stored } = seen;
        if !stored.is_in_sync() {
            self.store.replica_repaired(index, node, stored).await?;
        }
        self.known.lock().repaired(index, node, known);
        Ok(())
    }

    /// Records that an index is being deleted. Nodes whose replica was stale may still have the index until
    /// they have worked off the deletion, and would show its old documents in a new one of the same name.
    /// Nothing else differs any more.
    pub async fn note_deletion(&self, index: &PhysicalUid) -> Result<(), StoreError> {
        let reason = "the replica was stale when its index was deleted";
        let mark = |row: ReplicaRow| self.new_mark(index, &row.node, Difference::of_index(), None, reason);
        let marks: Vec<ReplicaMark> = self.rows_of(index).into_iter().map(mark).collect();
        if marks.is_empty() {
            return Ok(());
        }
        self.forget(index).await?;
        self.mark(&marks).await
    }

    /// Returns the rows of the stale replicas of `index`.
    pub fn rows_of(&self, index: &PhysicalUid) -> Vec<ReplicaRow> {
        self.known.lock().rows.get(index).map(|nodes| nodes.values().cloned().collect()).unwrap_or_default()
    }

    /// Restores `rows`, because the index was not deleted after all.
    pub async fn restore(&self, rows: Vec<ReplicaRow>) -> Result<(), StoreError> {
        let marks: Vec<ReplicaMark> = rows.into_iter().map(mark_of).collect();
        if marks.is_empty() { Ok(()) } else { self.mark(&marks).await }
    }

    /// Removes the states of an index that no node has.
    pub async fn forget(&self, index: &PhysicalUid) -> Result<(), StoreError> {
        self.store.replica_forget(index).await?;
        self.known.lock().rows.remove(index);
        Ok(())
    }

    /// Returns the value of `look` for the row of a replica, or `None` if the replica is in sync.
    fn of_row<T>(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        look: impl FnOnce(&ReplicaRow) -> T,
    ) -> Option<T> {
        self.known.lock().rows.get(index)?.get(node).map(look)
    }

    /// Returns whether the replica of `index` on `node` is stale.
    pub fn is_stale(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.of_row(index, node, |_| ()).is_some()
    }

    /// Returns whether `node` may not have `index`, or may still have an earlier index of that name.
    pub fn may_lack_index(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.of_row(index, node, |row| row.state.index.is_some()).unwrap_or(false)
    }

    /// Returns the state of the replica of `index` on `node`.
    pub fn state(&self, index: &PhysicalUid, node: &NodeId) -> ReplicaState {
        self.of_row(index, node, |row| row.state.clone()).unwrap_or_default()
    }

    /// Returns whether the index on `node`, or its settings, are stale, by its own state or a reported one.
    pub fn lacks_settings(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        let own = self.of_row(index, node, |row| !row.state.has_settings()).unwrap_or(false);
        own || self.reported.lacks_settings(index, node)
    }

    /// Returns the shards among `shards` whose documents on `node` may differ, by its own state or a reported
    /// one: all of them if the settings or the index itself do.
    pub fn doubtful(&self, index: &PhysicalUid, node: &NodeId, shards: &ShardSet) -> ShardSet {
        let state = self.state(index, node);
        let own = if state.has_settings() { state.shard_set().intersection(shards) } else { shards.clone() };
        own.union(&self.reported.doubtful(index, node, shards))
    }

    /// Returns whether the node may have documents of shards beside `kept`, which it kept in a former
    /// topology.
    pub fn has_foreign(&self, index: &PhysicalUid, node: &NodeId, kept: &ShardSet) -> bool {
        let is_foreign = |row: &ReplicaRow| row.state.shards.keys().any(|shard| !kept.contains(*shard));
        self.of_row(index, node, is_foreign).unwrap_or(false) || self.reported.has_foreign(index, node, kept)
    }

    /// Returns the instant since which a replica is stale, if it is.
    pub fn since(&self, index: &PhysicalUid, node: &NodeId) -> Option<Timestamp> {
        self.of_row(index, node, |row| row.since)
    }

    /// Returns every stale replica, by index and node.
    pub fn stale(&self) -> BTreeSet<(PhysicalUid, NodeId)> {
        let known = self.known.lock();
        let nodes = known.rows.values().flat_map(HashMap::values);
        nodes.map(|row| (row.index.clone(), row.node.clone())).collect()
    }

    /// Returns the row of every stale replica, by index and node.
    pub fn rows(&self) -> Vec<ReplicaRow> {
        let mut rows: Vec<ReplicaRow> =
            self.known.lock().rows.values().flat_map(HashMap::values).cloned().collect();
        rows.sort_by(|left, right| (&left.index, &left.node).cmp(&(&right.index, &right.node)));
        rows
    }

    /// Returns the part of the cost of a read that comes from the state of the replica, its own or reported.
    pub fn cost(&self, index: &PhysicalUid, node: &NodeId) -> u64 {
        if self.is_stale(index, node) || self.reported.is_stale(index, node) { STALE_COST } else { 0 }
    }
}

/// Returns the mark that makes an equal row.
fn mark_of(row: ReplicaRow) -> ReplicaMark {
    let ReplicaRow { index, node, state, task, reason, since } = row;
    let difference = Difference {
        shards: state.shard_set(),
        settings: state.settings.is_some(),
        index: state.index.is_some(),
    };
    ReplicaMark { index, node, difference, task, reason, at: since }
}

#[cfg(test)]
#[path = "states_tests.rs"]
mod tests;
