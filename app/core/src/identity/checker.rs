//! Checks nodes, with each probe and with each new connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::NodeId;
use miroir_domain::identity::{NodeFacts, Verdict};
use miroir_ports::outbound::{ConnectionGuard, NodeError, NodeInspector};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::known::{KnownIdentity, StoreIdentity};
use crate::node::HealthTracker;

/// The result of the last check of a node that responded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The facts.
    pub facts: NodeFacts,
    /// The verdict, or `None` while the identity of the store is not known.
    pub verdict: Option<Verdict>,
}

/// The checker of the nodes' identities. A node that does not pass is failed until it does.
pub struct NodeChecker {
    inspector: Arc<dyn NodeInspector>,
    identity: Arc<KnownIdentity>,
    health: Arc<HealthTracker>,
    timeout: Duration,
    nodes: BTreeMap<NodeId, Checked>,
}

/// The checks of one node.
#[derive(Default)]
struct Checked {
    /// Numbers the requests for a check, and the checks, in their order.
    next: AtomicU64,
    /// The number of the last check, with its outcome. It is locked during a check.
    last: tokio::sync::Mutex<Option<(u64, Result<(), NodeError>)>>,
    finding: Mutex<Option<Finding>>,
}

impl NodeChecker {
    /// Creates a checker of the nodes of `health`, in which it records the outcomes. A check takes `timeout`
    /// at most.
    pub fn new(
        inspector: Arc<dyn NodeInspector>,
        identity: Arc<KnownIdentity>,
        health: Arc<HealthTracker>,
        timeout: Duration,
    ) -> Self {
        let nodes = health.nodes().map(|node| (node.clone(), Checked::default())).collect();
        Self { inspector, identity, health, timeout, nodes }
    }

    /// Returns the inspector.
    pub fn inspector(&self) -> &dyn NodeInspector {
        self.inspector.as_ref()
    }

    /// Returns the identity that nodes are compared with.
    pub fn identity(&self) -> &KnownIdentity {
        &self.identity
    }

    /// Returns the tracker of the nodes' health.
    pub fn health(&self) -> &Arc<HealthTracker> {
        &self.health
    }

    /// Returns the nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.keys()
    }

    /// Returns the result of the last check to which the node responded.
    pub fn finding(&self, node: &NodeId) -> Option<Finding> {
        self.nodes.get(node)?.finding.lock().clone()
    }

    /// Returns the result of the last check to which the node responded. If the identity was not known then,
    /// the node is checked again.
    pub async fn judged(&self, node: &NodeId) -> Option<Finding> {
        let finding = self.finding(node)?;
        if finding.verdict.is_some() {
            return Some(finding);
        }
        // The outcome is in the finding.
        let _ = self.check(node).await;
        self.finding(node)
    }

    /// Checks a node by a check that begins after this call. Calls that wait for the same check share it.
    ///
    /// # Errors
    ///
    /// Returns the error of a node that does not respond, and an unreachable one for a node that must not be
    /// used.
    pub async fn check(&self, node: &NodeId) -> Result<(), NodeError> {
        let Some(checked) = self.nodes.get(node) else {
            return Err(NodeError::unreachable(node, "it is not configured"));
        };
        let asked = checked.next.fetch_add(1, Ordering::SeqCst);
        let mut last = checked.last.lock().await;
        if let Some((begun, outcome)) = last.as_ref()
            && *begun > asked
        {
            return outcome.clone();
        }
        let begun = checked.next.fetch_add(1, Ordering::SeqCst);
        let outcome = self.run(node, checked).await;
        *last = Some((begun, outcome.clone()));
        outcome
    }

    async fn run(&self, node: &NodeId, checked: &Checked) -> Result<(), NodeError> {
        let begun = Instant::now();
        // Read before the node is: a write that is acknowledged meanwhile may be missing in the facts.
        let acknowledged = self.health.acknowledged(node);
        let (row, facts) = loop {
            let row = self.identity.node(node);
            let remembered = row.as_ref().and_then(|row| row.newest_task.as_ref()).map(|task| task.uid);
            let facts = match self.inspector.node_inspect(node, remembered, self.timeout).await {
                Ok(facts) => facts,
                Err(error) => {
                    self.health.record_check(node, Err(&error));
                    return Err(error);
                }
            };
            // The facts are compared with the row for which they were read. If the node was taken in
            // meanwhile, they may be of its former data.
            if self.identity.node(node).map(|row| row.incarnation)
                == row.as_ref().map(|row| row.incarnation.clone())
            {
                break (row, facts);
            }
        };
        let verdict = match self.identity.judge(node, row.as_ref(), &facts) {
            Some(Verdict::Trusted) if has_fewer_tasks(&facts, acknowledged) => Some(Verdict::RolledBack),
            verdict => verdict,
        };
        let refusal = match &verdict {
            Some(verdict) => reason_against(verdict),
            // Beside a leader of an older Miroir, which makes no markers, the node is used as that one does.
            None if self.identity.store() == StoreIdentity::Older && facts.marker.is_none() => None,
            None => Some("the identity of the cluster is not known yet".to_owned()),
        };
        *checked.finding.lock() = Some(Finding { facts, verdict });
        self.health.record_latency(node, begun.elapsed());
        self.health.record_check(node, Ok(refusal.clone()));
        match refusal {
            None => Ok(()),
            Some(reason) => Err(NodeError::unreachable(node, reason)),
        }
    }
}

/// Returns whether the node has fewer tasks than the number it has acknowledged.
fn has_fewer_tasks(facts: &NodeFacts, acknowledged: u64) -> bool {
    facts.newest_task.as_ref().map_or(0, |task| u64::from(task.uid) + 1) < acknowledged
}

/// Returns the reason for which a node must not be used, if the verdict has one.
fn reason_against(verdict: &Verdict) -> Option<String> {
    match verdict {
        // The data is right. The leader writes the marker in the background.
        Verdict::Trusted | Verdict::Unmarked(_) => None,
        Verdict::Emptied => Some("it has no data, and has to be taken in by the leader first".to_owned()),
        Verdict::RolledBack => {
            Some("its data is of an earlier time, and has to be examined by the leader first".to_owned())
        }
        Verdict::Refused(refusal) => Some(refusal.to_string()),
    }
}

#[async_trait]
impl ConnectionGuard for NodeChecker {
    async fn admit(&self, node: &NodeId) -> Result<(), NodeError> {
        self.check(node).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use miroir_domain::health::{HealthThresholds, NodeStatus};
    use miroir_domain::identity::{AcceptedTopology, ClusterRow, NodeMarker, NodeRow, SeenTask};
    use miroir_domain::{PhysicalUid, TaskUid, Timestamp};
    use miroir_system::ManualClock;

    use super::*;

    /// A node with so many tasks, whose inspection takes a second.
    #[derive(Default)]
    struct Inspected {
        inspections: AtomicUsize,
        tasks: Mutex<u32>,
    }

    #[async_trait]
    impl NodeInspector for Inspected {
        async fn node_inspect(
            &self,
            _: &NodeId,
            remembered: Option<u32>,
            _: Duration,
        ) -> Result<NodeFacts, NodeError> {
            self.inspections.fetch_add(1, Ordering::SeqCst);
            let tasks = *self.tasks.lock();
            let seen = |uid: u32| SeenTask { uid, enqueued_at: format!("at {uid}") };
            let facts = NodeFacts {
                version: "1.50.0".to_owned(),
                marker: Some("miroir:1 cluster=c node=n incarnation=i".to_owned()),
                has_documents: false,
                newest_task: tasks.checked_sub(1).map(seen),
                remembered_task: remembered.filter(|uid| *uid < tasks).map(seen),
            };
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(facts)
        }
        async fn node_mark(&self, _: &NodeId, _: &NodeMarker, _: Duration) -> Result<(), NodeError> {
            panic!("a check does not mark")
        }
        async fn node_newest_write(&self, _: &NodeId, _: Duration) -> Result<Option<TaskUid>, NodeError> {
            panic!("a check does not search for writes")
        }
        async fn node_indexes(&self, _: &NodeId, _: Duration) -> Result<Vec<PhysicalUid>, NodeError> {
            panic!("a check does not list indexes")
        }
        async fn node_delete_index(&self, _: &NodeId, _: &PhysicalUid, _: Duration) -> Result<(), NodeError> {
            panic!("a check does not delete")
        }
    }

    fn node() -> NodeId {
        "n".parse().unwrap()
    }

    fn row(newest_task: Option<u32>) -> NodeRow {
        let newest_task = newest_task.map(|uid| SeenTask { uid, enqueued_at: format!("at {uid}") });
        let incarnation = Some("i".parse().unwrap());
        NodeRow { node: node(), incarnation, newest_task, updated_at: Timestamp::from_millis(0) }
    }

    fn checker() -> (Arc<Inspected>, Arc<NodeChecker>) {
        let identity = Arc::new(KnownIdentity::default());
        let (id, topology) = ("c".parse().unwrap(), AcceptedTopology::default());
        let cluster = ClusterRow { id, epoch: 1, topology, version: 1 };
        identity.replace(StoreIdentity::Known(cluster), vec![row(None)]);
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let health = Arc::new(HealthTracker::new([node()], HealthThresholds::default(), clock));
        let inspected = Arc::new(Inspected::default());
        let checker = NodeChecker::new(inspected.clone(), identity, health, Duration::from_secs(2));
        (inspected, Arc::new(checker))
    }

    #[tokio::test(start_paused = true)]
    async fn calls_share_a_check_that_begins_after_them_and_no_earlier_one() {
        let (inspected, checker) = checker();
        let check = || {
            let checker = Arc::clone(&checker);
            tokio::spawn(async move { checker.check(&node()).await })
        };
        let first = check();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(inspected.inspections.load(Ordering::SeqCst), 1);
        // These may concern a connection that was opened after the first check read something.
        let later: Vec<_> = (0..10).map(|_| check()).collect();
        first.await.unwrap().unwrap();
        for one in later {
            one.await.unwrap().unwrap();
        }
        assert_eq!(inspected.inspections.load(Ordering::SeqCst), 2);
    }

    /// The leader stores a newer task of the node while a check is under way.
    #[tokio::test(start_paused = true)]
    async fn facts_are_compared_with_the_row_for_which_they_were_read() {
        let (inspected, checker) = checker();
        *inspected.tasks.lock() = 5;
        checker.identity().note_node(row(Some(3)));
        let checking = tokio::spawn({
            let checker = Arc::clone(&checker);
            async move { checker.check(&node()).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        checker.identity().note_node(row(Some(4)));
        checking.await.unwrap().unwrap();
        assert_eq!(checker.finding(&node()).unwrap().verdict, Some(Verdict::Trusted));
    }

    #[tokio::test(start_paused = true)]
    async fn node_with_fewer_tasks_than_it_acknowledged_is_rolled_back() {
        let (inspected, checker) = checker();
        *inspected.tasks.lock() = 5;
        checker.health().record_acknowledged(&node(), 4);
        checker.check(&node()).await.unwrap();
        // Acknowledged during the next check, which does not see it yet.
        let checking = tokio::spawn({
            let checker = Arc::clone(&checker);
            async move { checker.check(&node()).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        checker.health().record_acknowledged(&node(), 5);
        checking.await.unwrap().unwrap();
        let error = checker.check(&node()).await.unwrap_err();
        assert!(matches!(error, NodeError::Unreachable { .. }));
        assert_eq!(checker.finding(&node()).unwrap().verdict, Some(Verdict::RolledBack));
        assert_eq!(checker.health().status(&node()), NodeStatus::Failed);
        checker.health().forget_acknowledged(&node());
        checker.check(&node()).await.unwrap();
        assert_eq!(checker.health().status(&node()), NodeStatus::Healthy);
    }

    #[tokio::test(start_paused = true)]
    async fn node_is_refused_while_the_identity_is_unknown() {
        let (_, checker) = checker();
        checker.identity().replace(StoreIdentity::Unknown, Vec::new());
        assert!(checker.check(&node()).await.is_err());
        assert_eq!(checker.health().status(&node()), NodeStatus::Failed);
        let stranger = "stranger".parse().unwrap();
        assert!(checker.check(&stranger).await.is_err(), "it is not configured");
    }
}
