//! The health of each node: its status, its latency, and its requests in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_domain::health::{HealthThresholds, NodeHealth, NodeStatus};
use miroir_domain::placement::LAST_RESORT_COST;
use miroir_domain::{NodeId, Timestamp};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Clock, NodeError};
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::{info, warn};

/// The number of responses over which the latency is averaged: each has one in this many of the weight.
const LATENCY_WINDOW: u64 = 8;

/// The assumed latency of a node that has not responded yet, in microseconds.
const UNKNOWN_LATENCY_US: u64 = 1_000;

/// The greatest wait that a cost counts, in microseconds: about six days. A power of two.
const MAX_WAIT_US: u64 = LAST_RESORT_COST >> 1;

/// The cost of a degraded node in addition to its wait: more than that of any healthy node.
const DEGRADED_COST: u64 = LAST_RESORT_COST;

/// The health of all nodes. The set of nodes is fixed at creation.
pub struct HealthTracker {
    thresholds: HealthThresholds,
    clock: Arc<dyn Clock>,
    nodes: BTreeMap<NodeId, Tracked>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Tracked {
    in_flight: Arc<AtomicU64>,
    /// The greatest uid of a task that the node acknowledged, plus one. 0 before the first.
    acknowledged: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Default, Clone)]
struct Record {
    health: NodeHealth,
    latency_us: Option<u64>,
    last_error: Option<String>,
    changed_at: Option<Timestamp>,
    /// The reason for which the node must not be used, whatever its responses.
    refusal: Option<String>,
}

impl Record {
    fn status(&self) -> NodeStatus {
        if self.refusal.is_some() { NodeStatus::Failed } else { self.health.status() }
    }
}

/// A node at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSnapshot {
    /// The status.
    pub status: NodeStatus,
    /// The number of requests in flight.
    pub in_flight: u64,
    /// The moving average of the latency, in microseconds, or `None` before the first response.
    pub latency_us: Option<u64>,
    /// The error of the last bad outcome.
    pub last_error: Option<String>,
    /// The time of the last change of the status, or `None` if it never changed.
    pub changed_at: Option<Timestamp>,
}

/// A request in flight to a node, until it is dropped.
#[derive(Debug)]
pub struct InFlight(Option<Arc<AtomicU64>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl HealthTracker {
    /// Creates a tracker for `nodes`, all of them unknown at first.
    pub fn new(
        nodes: impl IntoIterator<Item = NodeId>,
        thresholds: HealthThresholds,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let nodes = nodes.into_iter().map(|id| (id, Tracked::default())).collect();
        Self { thresholds, clock, nodes, changes: watch::Sender::new(0) }
    }

    /// Returns the nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.keys()
    }

    /// Records the outcome of a request. A refusal is a good outcome, since the node responded. A node that
    /// is not tracked is ignored.
    pub fn record(&self, node: &NodeId, outcome: Result<(), &NodeError>) {
        self.change(node, outcome.err(), |_| {});
    }

    /// Records the outcome of a check of the node's identity. `Ok` has the reason to refuse the node, if
    /// there is one: the node is then failed, whatever its responses, until a check finds none.
    pub fn record_check(&self, node: &NodeId, outcome: Result<Option<String>, &NodeError>) {
        let (error, refusal) = match outcome {
            Ok(refusal) => (None, Some(refusal)),
            Err(error) => (Some(error), None),
        };
        self.change(node, error, |record| {
            if let Some(refusal) = refusal {
                record.refusal = refusal;
            }
        });
    }

    fn change(&self, node: &NodeId, error: Option<&NodeError>, change: impl FnOnce(&mut Record)) {
        let Some(tracked) = self.nodes.get(node) else { return };
        let bad = error.filter(|error| error.is_bad_for_health());
        let (before, after, is_first_error, reason) = {
            let mut record = tracked.record.lock();
            let before = record.status();
            let is_first_error = record.last_error.is_none();
            record.health = record.health.observe(bad.is_none(), self.thresholds);
            change(&mut record);
            if let Some(reason) = bad.map(|error| error_chain(error)).or_else(|| record.refusal.clone()) {
                record.last_error = Some(reason);
            }
            let after = record.status();
            if before != after {
                record.changed_at = Some(self.clock.now());
            }
            (before, after, is_first_error && record.last_error.is_some(), record.last_error.clone())
        };
        if before == after {
            if is_first_error {
                self.notify();
            }
            return;
        }
        if after == NodeStatus::Healthy {
            info!(%node, ?before, ?after, "node status changed");
        } else {
            warn!(%node, ?before, ?after, error = reason, "node status changed");
        }
        self.notify();
    }

    /// Records the uid of a task with which the node acknowledged a write.
    pub fn record_acknowledged(&self, node: &NodeId, uid: u32) {
        if let Some(tracked) = self.nodes.get(node) {
            tracked.acknowledged.fetch_max(u64::from(uid) + 1, Ordering::SeqCst);
        }
    }

    /// Returns the number of tasks that the node has at least, by the writes it acknowledged.
    pub fn acknowledged(&self, node: &NodeId) -> u64 {
        self.nodes.get(node).map_or(0, |tracked| tracked.acknowledged.load(Ordering::SeqCst))
    }

    /// Forgets the writes that the node acknowledged, because it has other data now.
    pub fn forget_acknowledged(&self, node: &NodeId) {
        if let Some(tracked) = self.nodes.get(node) {
            tracked.acknowledged.store(0, Ordering::SeqCst);
        }
    }

    fn notify(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Records the latency of a good outcome.
    pub fn record_latency(&self, node: &NodeId, latency: Duration) {
        let Some(tracked) = self.nodes.get(node) else { return };
        let sample = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let mut record = tracked.record.lock();
        record.latency_us = Some(match record.latency_us {
            None => sample,
            Some(average) => average - average / LATENCY_WINDOW + sample / LATENCY_WINDOW,
        });
    }

    /// Counts a request to the node as in flight until the guard is dropped.
    pub fn begin(&self, node: &NodeId) -> InFlight {
        InFlight(self.nodes.get(node).map(|tracked| {
            tracked.in_flight.fetch_add(1, Ordering::Relaxed);
            tracked.in_flight.clone()
        }))
    }

    /// Returns the status of a node. A node that is not tracked is failed.
    pub fn status(&self, node: &NodeId) -> NodeStatus {
        self.nodes.get(node).map_or(NodeStatus::Failed, |tracked| tracked.record.lock().status())
    }

    /// Returns the cost of a read from a node, for the choice of a covering set, or `None` if the node serves
    /// no reads. A degraded node costs more than any healthy one.
    ///
    /// The cost is the expected wait in microseconds: the latency times the requests in flight, this one
    /// included. It is rounded up to a power of two, so that about equal nodes cost the same: the choice
    /// among them can then prefer few nodes, and does not follow every jitter.
    pub fn cost(&self, node: &NodeId) -> Option<u64> {
        let snapshot = self.snapshot(node)?;
        let latency = snapshot.latency_us.unwrap_or(UNKNOWN_LATENCY_US).max(1);
        let wait = latency.saturating_mul(snapshot.in_flight.saturating_add(1));
        let wait = wait.min(MAX_WAIT_US).next_power_of_two();
        match snapshot.status {
            NodeStatus::Healthy => Some(wait),
            NodeStatus::Degraded => Some(DEGRADED_COST + wait),
            NodeStatus::Unknown | NodeStatus::Failed => None,
        }
    }

    /// Returns the health of a node, or `None` if it is not tracked.
    pub fn snapshot(&self, node: &NodeId) -> Option<NodeSnapshot> {
        let tracked = self.nodes.get(node)?;
        let record = tracked.record.lock().clone();
        Some(NodeSnapshot {
            status: record.status(),
            in_flight: tracked.in_flight.load(Ordering::Relaxed),
            latency_us: record.latency_us,
            last_error: record.last_error,
            changed_at: record.changed_at,
        })
    }

    /// Waits until every node has responded once, or has failed to.
    pub async fn checked(&self) {
        let is_checked = |tracked: &Tracked| {
            let record = tracked.record.lock();
            record.status() != NodeStatus::Unknown || record.last_error.is_some()
        };
        let mut changes = self.changes();
        // The sender is a field of `self`, so it is not dropped while this waits.
        let _ = changes.wait_for(|_| self.nodes.values().all(is_checked)).await;
    }

    /// Returns a counter that grows with each change of a status. To wait for a status, take the receiver
    /// first, then read the status, then await `changed`: so no change in between is missed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use NodeStatus::{Degraded, Failed, Healthy};
    use miroir_domain::error::ErrorCode;
    use miroir_system::ManualClock;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn id(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// A tracker of two nodes that have not responded yet.
    fn unknown() -> (HealthTracker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        (HealthTracker::new([id("a"), id("b")], HealthThresholds::default(), clock.clone()), clock)
    }

    /// A tracker of two nodes that have responded once.
    fn tracker() -> (HealthTracker, Arc<ManualClock>) {
        let (tracker, clock) = unknown();
        tracker.record(&id("a"), Ok(()));
        tracker.record(&id("b"), Ok(()));
        (tracker, clock)
    }

    fn silence() -> NodeError {
        NodeError::unknown(&id("a"), "silence")
    }

    #[test]
    fn node_starts_unknown_and_without_history() {
        let (tracker, _) = unknown();
        assert_eq!(
            tracker.snapshot(&id("a")).unwrap(),
            NodeSnapshot {
                status: NodeStatus::Unknown,
                in_flight: 0,
                latency_us: None,
                last_error: None,
                changed_at: None
            }
        );
    }

    #[tokio::test]
    async fn checked_waits_for_the_first_outcome_of_every_node() {
        let (tracker, _) = unknown();
        let tracker = Arc::new(tracker);
        let waiter = tokio::spawn({
            let tracker = tracker.clone();
            async move { tracker.checked().await }
        });
        tracker.record(&id("a"), Ok(()));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished(), "`b` has no outcome yet");
        tracker.record(&id("b"), Err(&silence()));
        tokio::time::timeout(Duration::from_secs(5), waiter).await.unwrap().unwrap();
        assert_eq!((tracker.status(&id("b")), tracker.cost(&id("b"))), (NodeStatus::Unknown, None));
        tracker.checked().await;
    }

    #[test]
    fn bad_outcomes_degrade_then_fail_and_good_ones_recover() {
        let (tracker, clock) = tracker();
        let changes = tracker.changes();
        let mut seen = Vec::new();
        for good in [false, false, false, true, true] {
            clock.advance(Duration::from_secs(1));
            let error = silence();
            tracker.record(&id("a"), if good { Ok(()) } else { Err(&error) });
            let snapshot = tracker.snapshot(&id("a")).unwrap();
            let seconds = (snapshot.changed_at.unwrap().as_millis() - NOW) / 1_000;
            seen.push((snapshot.status, seconds, *changes.borrow()));
        }
        assert_eq!(
            seen,
            [(Degraded, 1, 3), (Degraded, 1, 3), (Failed, 3, 4), (Failed, 3, 4), (Healthy, 5, 5)]
        );
        assert_eq!(tracker.status(&id("b")), Healthy);
        let last_error = tracker.snapshot(&id("a")).unwrap().last_error.unwrap();
        assert!(last_error.contains("silence"), "{last_error}");
    }

    #[test]
    fn refusals_are_good_outcomes() {
        let (tracker, _) = tracker();
        let error = NodeError::Refused {
            node: id("a"),
            status: 404,
            error: ErrorCode::IndexNotFound.with_message("no such index"),
        };
        for _ in 0..10 {
            tracker.record(&id("a"), Err(&error));
        }
        let snapshot = tracker.snapshot(&id("a")).unwrap();
        assert_eq!((snapshot.status, snapshot.last_error), (NodeStatus::Healthy, None));
    }

    #[test]
    fn in_flight_counts_until_the_guard_is_dropped() {
        let (tracker, _) = tracker();
        let first = tracker.begin(&id("a"));
        let second = tracker.begin(&id("a"));
        assert_eq!(tracker.snapshot(&id("a")).unwrap().in_flight, 2);
        drop(first);
        assert_eq!(tracker.snapshot(&id("a")).unwrap().in_flight, 1);
        drop(second);
        assert_eq!(tracker.snapshot(&id("a")).unwrap().in_flight, 0);
    }

    #[test]
    fn latency_follows_the_answers_slowly() {
        let (tracker, _) = tracker();
        tracker.record_latency(&id("a"), Duration::from_micros(800));
        assert_eq!(tracker.snapshot(&id("a")).unwrap().latency_us, Some(800));
        tracker.record_latency(&id("a"), Duration::from_micros(1_600));
        assert_eq!(tracker.snapshot(&id("a")).unwrap().latency_us, Some(900));
        for _ in 0..100 {
            tracker.record_latency(&id("a"), Duration::from_micros(1_600));
        }
        let settled = tracker.snapshot(&id("a")).unwrap().latency_us.unwrap();
        assert!((1_590..=1_610).contains(&settled), "{settled}");
        for _ in 0..50 {
            tracker.record_latency(&id("a"), Duration::MAX);
        }
        assert!(tracker.cost(&id("a")).is_some(), "an absurd latency does not overflow");
    }

    #[test]
    fn cost_grows_with_latency_and_load_and_ends_with_trust() {
        let (tracker, _) = tracker();
        let (a, b) = (id("a"), id("b"));
        tracker.record_latency(&a, Duration::from_micros(500));
        tracker.record_latency(&b, Duration::from_micros(490));
        assert_eq!((tracker.cost(&a), tracker.cost(&b)), (Some(512), Some(512)));
        let _guards = [tracker.begin(&a), tracker.begin(&a)];
        assert_eq!(tracker.cost(&a), Some(2_048));

        // However slow and busy the healthy node is, the degraded one costs more.
        tracker.record_latency(&b, Duration::from_secs(1 << 30));
        tracker.record(&a, Err(&silence()));
        assert!(tracker.cost(&a).unwrap() > tracker.cost(&b).unwrap());
        tracker.record(&a, Err(&silence()));
        tracker.record(&a, Err(&silence()));
        assert_eq!(tracker.cost(&a), None);
    }

    #[test]
    fn unknown_node_is_failed_and_never_recorded() {
        let (tracker, _) = tracker();
        let stranger = id("stranger");
        tracker.record(&stranger, Ok(()));
        tracker.record_latency(&stranger, Duration::from_millis(1));
        drop(tracker.begin(&stranger));
        assert_eq!(tracker.status(&stranger), NodeStatus::Failed);
        assert_eq!((tracker.cost(&stranger), tracker.snapshot(&stranger)), (None, None));
    }

    #[tokio::test]
    async fn waiting_ends_when_the_node_has_recovered() {
        let (tracker, _) = tracker();
        let tracker = Arc::new(tracker);
        for _ in 0..3 {
            tracker.record(&id("a"), Err(&silence()));
        }
        let waiter = tokio::spawn({
            let tracker = tracker.clone();
            async move {
                let mut changes = tracker.changes();
                while tracker.status(&id("a")) != NodeStatus::Healthy {
                    changes.changed().await.unwrap();
                }
            }
        });
        tokio::task::yield_now().await;
        tracker.record(&id("a"), Ok(()));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        tracker.record(&id("a"), Ok(()));
        tokio::time::timeout(Duration::from_secs(5), waiter).await.unwrap().unwrap();
    }
}
