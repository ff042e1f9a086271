//! The stale replicas in the store, for reads of the instances that share it.
//!
//! Only the leader sees a node miss a write. The other instances read its records several times a second, so
//! that their reads avoid the node as well. A task that a node missed does not end before
//! [`KNOWN_EVERYWHERE`] has passed, and what an instance has read counts for less than that. So no read that
//! begins after the end of the task takes the replica for one in sync.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::replica::ReplicaRow;
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::error_chain;
use miroir_ports::outbound::{StaleReplica, StoreError, TaskStore};
use parking_lot::RwLock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::TopologyUse;
use crate::listing;

/// The pause between two readings.
const PAUSE: Duration = Duration::from_millis(200);

/// The time for which a reading counts, from its begin.
const VALID: Duration = Duration::from_millis(600);

/// The time after which every instance knows a missed write that was stored: longer than a reading counts, by
/// more than clocks can differ in it.
pub const KNOWN_EVERYWHERE: Duration = Duration::from_millis(800);

/// The stale replicas as last read.
#[derive(Debug, Default)]
pub struct ReportedStates {
    stale: RwLock<BTreeMap<(PhysicalUid, NodeId), StaleReplica>>,
    /// The begin of the last reading. `None` for an instance that does not share its store.
    read_at: RwLock<Option<Instant>>,
    /// The topology by which reads choose nodes.
    topology: TopologyUse,
    /// Held during a reading that others wait for.
    reading: tokio::sync::Mutex<()>,
}

impl ReportedStates {
    /// Creates states of which nothing was read yet, for an instance with `topology`.
    pub fn new(topology: TopologyUse) -> Self {
        Self { topology, ..Self::default() }
    }

    /// Returns the time after which every instance knows a missed write that was stored: none if the store is
    /// not shared.
    pub fn known_everywhere(&self) -> Duration {
        if self.read_at.read().is_some() { KNOWN_EVERYWHERE } else { Duration::ZERO }
    }

    /// Returns the topology by which reads choose nodes.
    pub fn topology(&self) -> &TopologyUse {
        &self.topology
    }

    /// Returns whether the node may have documents of shards beside `kept`.
    pub fn has_foreign(&self, index: &PhysicalUid, node: &NodeId, kept: &ShardSet) -> bool {
        let is_foreign = |replica: &StaleReplica| !replica.shards.difference(kept).is_empty();
        self.topology.is_former() || self.of_replica(index, node, is_foreign).unwrap_or(false)
    }

    /// Returns whether the replica of `index` on `node` was stale.
    pub fn is_stale(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.of_replica(index, node, |_| ()).is_some()
    }

    /// Returns the shards among `shards` whose documents on `node` may differ.
    pub fn doubtful(&self, index: &PhysicalUid, node: &NodeId, shards: &ShardSet) -> ShardSet {
        self.of_replica(index, node, |replica| replica.doubtful(shards)).unwrap_or_default()
    }

    /// Returns whether the index on `node`, or its settings, were stale.
    pub fn lacks_settings(&self, index: &PhysicalUid, node: &NodeId) -> bool {
        self.of_replica(index, node, |replica| replica.settings || replica.whole_index).unwrap_or(false)
    }

    /// Returns what `look` finds in a stale replica, or `None` if it was not stale. Most reads find no stale
    /// replica at all, and make no key.
    fn of_replica<T>(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        look: impl FnOnce(&StaleReplica) -> T,
    ) -> Option<T> {
        let stale = self.stale.read();
        if stale.is_empty() {
            return None;
        }
        stale.get(&(index.clone(), node.clone())).map(look)
    }

    /// Replaces everything by the stale replicas that the store has.
    pub async fn load(&self, store: &dyn TaskStore) -> Result<(), StoreError> {
        let begun = Instant::now();
        // Before the rows: those of another topology are marked before it is accepted.
        self.topology.note(store.cluster_get().await?.as_ref(), begun);
        let rows = listing::replicas(store).await?;
        let keyed = |row: ReplicaRow| ((row.index.clone(), row.node.clone()), StaleReplica::of(row));
        let stale = rows.into_iter().map(keyed).collect();
        let mut read_at = self.read_at.write();
        // A reading that began earlier and ended later knows less.
        if read_at.is_none_or(|known| known <= begun) {
            *self.stale.write() = stale;
            *read_at = Some(begun);
        }
        Ok(())
    }

    /// Reads the store if the last reading does not count any more, for example because this process was
    /// paused. If the store does not respond, reads go on with what was read last.
    pub async fn refresh(&self, store: &dyn TaskStore) {
        if self.is_valid() {
            return;
        }
        let _reading = self.reading.lock().await;
        if self.is_valid() {
            return;
        }
        if let Err(error) = self.load(store).await {
            tracing::debug!("cannot read the replica states: {}", error_chain(&error));
        }
    }

    fn is_valid(&self) -> bool {
        self.read_at.read().is_none_or(|read_at| read_at.elapsed() < VALID)
    }

    /// Adds the states that a leader knows at the end of its term: the store may be away.
    pub fn hand_over(&self, rows: Vec<ReplicaRow>) {
        let keyed = |row: ReplicaRow| ((row.index.clone(), row.node.clone()), StaleReplica::of(row));
        self.stale.write().extend(rows.into_iter().map(keyed));
    }
}

/// Reads the stale replicas of the store until `shutdown`.
pub async fn reported_state_loop(
    states: Arc<ReportedStates>,
    store: Arc<dyn TaskStore>,
    shutdown: CancellationToken,
) {
    let mut is_failing = false;
    loop {
        match states.load(store.as_ref()).await {
            Ok(()) => is_failing = false,
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!("cannot read the replica states: {}", error_chain(&error));
                }
            }
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use miroir_domain::replica::{Difference, ReplicaMark, ReplicaState};
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::ReplicaTable as _;

    use super::*;

    fn mark(node: &str) -> ReplicaMark {
        ReplicaMark {
            index: "films".parse().unwrap(),
            node: node.parse().unwrap(),
            difference: Difference::of_shards(ShardSet::all(2)),
            task: None,
            reason: "missed".to_owned(),
            at: Timestamp::from_millis(0),
        }
    }

    fn is_stale(states: &ReportedStates, node: &str) -> bool {
        let (index, node) = ("films".parse().unwrap(), node.parse().unwrap());
        assert_eq!(
            states.is_stale(&index, &node),
            states.doubtful(&index, &node, &ShardSet::all(2)) == ShardSet::all(2)
        );
        states.is_stale(&index, &node)
    }

    #[tokio::test]
    async fn reading_replaces_what_was_known_and_a_handover_adds_to_it() {
        let (states, store) = (ReportedStates::default(), MemoryStore::new());
        store.replica_mark(&[mark("a")]).await.unwrap();
        states.load(&store).await.unwrap();
        assert!(is_stale(&states, "a") && !is_stale(&states, "b"));
        states.hand_over(vec![ReplicaRow::marked(None, &mark("b"), 1)]);
        assert!(is_stale(&states, "a") && is_stale(&states, "b"));
        let row = store.replica_list(None, 10).await.unwrap().remove(0);
        let seen: ReplicaState = row.state;
        store.replica_repaired(&row.index, &row.node, &seen).await.unwrap();
        states.load(&store).await.unwrap();
        assert!(!is_stale(&states, "a") && !is_stale(&states, "b"));
    }

    #[tokio::test]
    async fn shards_that_a_node_kept_before_are_foreign() {
        let (states, store) = (ReportedStates::default(), MemoryStore::new());
        store.replica_mark(&[mark("a")]).await.unwrap();
        states.load(&store).await.unwrap();
        let index = "films".parse().unwrap();
        let has_foreign =
            |node: &str, kept: u32| states.has_foreign(&index, &node.parse().unwrap(), &ShardSet::all(kept));
        assert!(has_foreign("a", 1), "it kept both shards");
        assert!(!has_foreign("a", 2) && !has_foreign("b", 1));
    }

    /// As in an instance that was paused: its loop has not read the store for a while.
    #[tokio::test(start_paused = true)]
    async fn old_reading_is_repeated_before_it_is_used() {
        let (states, store) = (ReportedStates::default(), MemoryStore::new());
        store.replica_mark(&[mark("a")]).await.unwrap();
        states.refresh(&store).await;
        assert!(!is_stale(&states, "a"), "the store is not shared");
        states.load(&store).await.unwrap();
        store.replica_mark(&[mark("b")]).await.unwrap();
        states.refresh(&store).await;
        assert!(!is_stale(&states, "b"), "the reading still counts");
        tokio::time::advance(KNOWN_EVERYWHERE).await;
        states.refresh(&store).await;
        assert!(is_stale(&states, "b"));
    }
}
