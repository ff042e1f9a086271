//! Finds the outcome of writes whose response was lost.
//!
//! A node task is pending while it is not known whether the node accepted the write: the connection broke,
//! the response was late, or Miroir itself died in between. The write is not sent again, since the node may
//! have it. Instead the reconciler lists the node's tasks of that index, and recognizes the write by the
//! marker that it, or its marker task, carries. If two listings, 10 s apart, do not have it, the node never
//! registered it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::index::FIRST_SETTINGS_VERSION;
use miroir_domain::quorum::WriteVerdict;
use miroir_domain::replica::{Difference, ReplicaMark};
use miroir_domain::task::marker::{Found, find_marked};
use miroir_domain::task::{Event, NodeTaskReport, NodeTaskState, Task, TaskKind};
use miroir_domain::{NodeId, PhysicalUid, TaskUid, Timestamp};
use miroir_ports::error_chain;
use miroir_ports::outbound::NodeError;
use tokio::time::Instant;

use crate::cluster::Cluster;

/// The time between the first listing without the write and the second one, which decides. It is the time
/// that a node may take to register a request that it has received; a busy node was seen to take more than
/// two seconds. A write that is given up too early is on the node after all, while its task says that it
/// never arrived.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// The time between the begins of two writes within which they may enter the write queues in either order.
const TOGETHER: Duration = Duration::from_millis(250);

/// Resolves pending node tasks.
pub struct Reconciler {
    cluster: Arc<Cluster>,
    /// The time of the first listing without the write, for each pending node task.
    first_listings: HashMap<(TaskUid, NodeId), Instant>,
}

/// The outcomes of pending node tasks of one task that are known now.
#[derive(Default)]
pub struct Resolution {
    /// The outcomes.
    pub events: Vec<Event>,
    /// The marks that follow from them, but not from the change of the task.
    pub marks: Vec<ReplicaMark>,
}

/// The listings of one round. A node lists its tasks of an index once, for all writes that are searched.
#[derive(Default)]
struct Listings {
    listed: HashMap<(NodeId, PhysicalUid), Option<Vec<NodeTaskReport>>>,
}

impl Listings {
    /// Returns the tasks of `index` on `node` since `since`, or since the time of the first call in this
    /// round. Returns `None` if the node does not respond. The caller begins with the oldest task.
    async fn of(
        &mut self,
        cluster: &Cluster,
        index: &PhysicalUid,
        node: &NodeId,
        since: Timestamp,
    ) -> Option<&[NodeTaskReport]> {
        let listed = match self.listed.entry((node.clone(), index.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let response = cluster.nodes.tasks_since(node, index, since).await;
                let failed =
                    |error: &NodeError| tracing::debug!("cannot search for a write: {}", error_chain(error));
                unknown.insert(response.inspect_err(failed).ok())
            }
        };
        listed.as_deref()
    }
}

impl Reconciler {
    /// Creates a reconciler without earlier listings.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, first_listings: HashMap::new() }
    }

    /// Returns the outcomes of the pending node tasks of `tasks`, as far as they can be known now.
    pub async fn resolve(&mut self, tasks: &[Task]) -> HashMap<TaskUid, Resolution> {
        let mut all = HashMap::new();
        let mut listings = Listings::default();
        for task in tasks {
            // The run that sends a task knows more about it than its node does.
            if self.cluster.order.is_sending(task.uid) {
                continue;
            }
            let resolution = self.resolve_one(task, &mut listings).await;
            if !resolution.events.is_empty() {
                all.insert(task.uid, resolution);
            }
        }
        all
    }

    async fn resolve_one(&mut self, task: &Task, listings: &mut Listings) -> Resolution {
        let pending: Vec<&NodeId> = task
            .node_tasks
            .iter()
            .filter(|(_, node_task)| node_task.status == NodeTaskState::Pending)
            .map(|(node, _)| node)
            .collect();
        let mut found = Resolution::default();
        for node in &pending {
            self.find(task, node, listings, &mut found).await;
        }
        found.marks.extend(self.marks_of_unsent(task, &found.events));
        let resolved = found.events.len() == pending.len();
        // A process that died before it judged the write leaves a task without pending nodes and without a
        // verdict. So does the last pending node that was just resolved. Judging twice changes nothing.
        if resolved && !task.status.is_finished() && (!pending.is_empty() || task.node_tasks.is_empty()) {
            // The task log judges the write when it stores the event.
            found.events.push(Event::Dispatched { verdict: WriteVerdict::default() });
        }
        found
    }

    /// Returns a mark for every node if a write that creates or deletes an index reached no node: the
    /// registry may be ahead of all of them. A change of settings that reached no node is not committed.
    fn marks_of_unsent(&self, task: &Task, events: &[Event]) -> Vec<ReplicaMark> {
        let missed = events.iter().filter(|event| matches!(event, Event::NodeMissed { .. })).count();
        let creates_or_deletes =
            task.kind == TaskKind::IndexDeletion || task.settings_version() == Some(FIRST_SETTINGS_VERSION);
        if missed == 0 || missed < task.node_tasks.len() || !creates_or_deletes {
            return Vec::new();
        }
        let nodes = self.cluster.placements.topology().nodes();
        nodes
            .filter_map(|node| self.mark(task, node, Difference::of_index(), "the write reached no node"))
            .collect()
    }

    fn mark(&self, task: &Task, node: &NodeId, difference: Difference, reason: &str) -> Option<ReplicaMark> {
        let index = task.physical_index()?;
        Some(self.cluster.replicas.new_mark(&index, node, difference, Some(task.uid), reason))
    }

    /// Adds the outcome of the write of `task` on `node` to `found`, if it is known now.
    async fn find(&mut self, task: &Task, node: &NodeId, listings: &mut Listings, found: &mut Resolution) {
        let known = self.cluster.placements.topology().group_of(node).is_some();
        if known && !self.cluster.nodes.is_usable(node) {
            return;
        }
        let (Some(index), true) = (task.physical_index(), known) else {
            found.events.push(missed(node, format!("node `{node}` is no longer part of the cluster")));
            return;
        };
        let key = (task.uid, node.clone());
        // A listing before the second one is due would decide nothing.
        if self.first_listings.get(&key).is_some_and(|first| first.elapsed() < SECOND_LOOK) {
            return;
        }
        let Some(reports) = listings.of(&self.cluster, &index, node, task.created_at).await else { return };
        let Some(part) = task.node_tasks.get(node) else { return };
        let Some(marked) = find_marked(task, part, reports) else {
            found.events.extend(self.give_up_after_second_listing(key));
            return;
        };
        if self.was_overtaken(task, marked).await {
            // The other replicas accepted the two writes in their order, so this one may differ from them
            // now.
            let difference = Difference::of_shards(part.shards.clone());
            found.marks.extend(self.mark(
                task,
                node,
                difference,
                "the node took two writes in another order",
            ));
        }
        self.first_listings.remove(&key);
        let uid = marked.uid;
        tracing::info!(task = %format_args!("mtask-{}", task.uid), %node, uid, "found the node task of a write whose response was lost");
        found.events.push(Event::NodeAccepted { node: node.clone(), uid });
    }

    /// Returns whether the node accepted a write that began clearly later before this one. Two writes that
    /// begin together may enter the write queues in either order, which is the same for all nodes.
    async fn was_overtaken(&self, task: &Task, found: Found) -> bool {
        let Some(other) = found.overtaken_by else { return false };
        match self.cluster.tasks.get(other).await {
            // The clock may have been set back in between.
            Ok(Some(other)) => {
                let apart = other.created_at.as_millis().abs_diff(task.created_at.as_millis());
                Duration::from_millis(apart) >= TOGETHER
            }
            // It has ended and was pruned, so nothing says any more that the two began together.
            Ok(None) => true,
            Err(error) => {
                tracing::warn!("cannot read a task: {}", miroir_ports::error_chain(&error));
                true
            }
        }
    }

    fn give_up_after_second_listing(&mut self, key: (TaskUid, NodeId)) -> Option<Event> {
        let Some(_) = self.first_listings.remove(&key) else {
            self.first_listings.insert(key, Instant::now());
            return None;
        };
        let node = key.1;
        Some(missed(
            &node,
            format!(
                "node `{node}` never registered the write: it was not reached, or its response and the write were both lost"
            ),
        ))
    }
}

fn missed(node: &NodeId, reason: String) -> Event {
    Event::NodeMissed { node: node.clone(), error: ErrorCode::MiroirNodeUnavailable.with_message(reason) }
}
