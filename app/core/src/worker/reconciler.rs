//! Finds out what became of writes whose answer was lost.
//!
//! A node task is pending when it is not known whether the node accepted the write: the connection broke, the answer
//! did not come in time, or Miroir itself died in between. The write is never sent again, since the node may have
//! it. Instead the node is asked for its tasks of that index, among which its own is known by the mark that it, or its
//! forerunner, carries. A node that does not have it in two looks, some time apart, never took it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::health::NodeStatus;
use miroir_domain::quorum::judge_write;
use miroir_domain::task::marker::{Found, find_marked};
use miroir_domain::task::{Event, NodeTaskReport, NodeTaskState, Task, TaskKind};
use miroir_domain::{IndexUid, NodeId, TaskUid, Timestamp};
use miroir_ports::error_chain;
use miroir_ports::outbound::{NodeError, NodeTaskSelection};
use tokio::time::Instant;

use super::recovery::note;
use crate::cluster::Cluster;

/// How far a node's clock may be behind ours for its tasks still to be found.
const CLOCK_SKEW: Duration = Duration::from_mins(5);
/// How long after the first look in vain a second one decides: time for a request that the node has received but
/// not yet registered. A busy node was seen to take more than two seconds, and a write that is given up too early is
/// on the node after all, under a task that says it never arrived.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// How far apart two writes may begin and still change places before they are sent.
const TOGETHER: Duration = Duration::from_millis(250);

/// Resolves pending node tasks.
pub struct Reconciler {
    cluster: Arc<Cluster>,
    /// When each pending node task was first looked for in vain.
    looked: HashMap<(TaskUid, NodeId), Instant>,
}

/// What nodes said in one round: each is asked once for an index, however many of its tasks are looked for.
#[derive(Default)]
struct Listings {
    listed: HashMap<(NodeId, IndexUid), Option<Vec<NodeTaskReport>>>,
}

impl Listings {
    /// The tasks of `index` that `node` has had since `since`, or since the earlier time it was first asked for; none
    /// when it does not answer. Those who look for many tasks begin with the oldest.
    async fn of(
        &mut self,
        cluster: &Cluster,
        index: &IndexUid,
        node: &NodeId,
        since: Timestamp,
    ) -> Option<&[NodeTaskReport]> {
        let listed = match self.listed.entry((node.clone(), index.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let selection = NodeTaskSelection::IndexSince(index.clone(), since.minus(CLOCK_SKEW));
                let answer = cluster.nodes.node_tasks(node, selection, cluster.timeouts.read).await;
                let failed =
                    |error: &NodeError| tracing::debug!("looking for a lost answer: {}", error_chain(error));
                unknown.insert(answer.inspect_err(failed).ok())
            }
        };
        listed.as_deref()
    }
}

impl Reconciler {
    /// A reconciler that has looked for nothing yet.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, looked: HashMap::new() }
    }

    /// Events that say what became of the pending node tasks of `tasks`, as far as can be known now.
    pub async fn resolve(&mut self, tasks: &[Task]) -> HashMap<TaskUid, Vec<Event>> {
        let mut all = HashMap::new();
        let mut listings = Listings::default();
        for task in tasks {
            // Whoever sends a task knows more about it than its node does.
            if self.cluster.open_tasks.is_sending(task.uid) {
                continue;
            }
            let events = self.resolve_one(task, &mut listings).await;
            if !events.is_empty() {
                all.insert(task.uid, events);
            }
        }
        all
    }

    async fn resolve_one(&mut self, task: &Task, listings: &mut Listings) -> Vec<Event> {
        let pending: Vec<&NodeId> = task
            .node_tasks
            .iter()
            .filter(|(_, node_task)| node_task.status == NodeTaskState::Pending)
            .map(|(node, _)| node)
            .collect();
        let mut events = Vec::new();
        for node in &pending {
            if let Some(event) = self.look(task, node, listings).await {
                events.push(event);
            }
        }
        self.note_misses(task, &events).await;
        let resolved = events.len() == pending.len();
        // A process that died before it judged the write leaves a task with nobody pending and no verdict; so does
        // the last pending node just resolved. Judging twice changes nothing.
        if resolved && !task.status.is_finished() && (!pending.is_empty() || task.node_tasks.is_empty()) {
            events.push(self.judge(task, &events).await);
        }
        events
    }

    /// Notes which nodes now lack something that others have. When a write that makes or deletes an index, or changes
    /// its settings, reached nobody, the registry may be ahead of every node.
    async fn note_misses(&self, task: &Task, events: &[Event]) {
        let missed: BTreeSet<&NodeId> = events
            .iter()
            .filter_map(|event| match event {
                Event::NodeMissed { node, .. } => Some(node),
                _ => None,
            })
            .collect();
        if missed.is_empty() {
            return;
        }
        let shard_count = shard_count(&self.cluster, task).await;
        let may_have = |node: &NodeId| task.node_tasks.contains_key(node) && !missed.contains(node);
        for (node, node_task) in task.node_tasks.iter().filter(|(node, _)| missed.contains(node)) {
            note(&self.cluster, task, shard_count, node, &node_task.shards, &may_have);
        }
        let brings_settings = task.kind == TaskKind::IndexDeletion
            || task.node_tasks.values().any(|node_task| node_task.settings_version.is_some());
        if let (Some(index), true) =
            (&task.index_uid, brings_settings && missed.len() == task.node_tasks.len())
        {
            for node in self.cluster.topology.nodes() {
                self.cluster.stale.missed_settings(index, node);
            }
        }
    }

    async fn look(&mut self, task: &Task, node: &NodeId, listings: &mut Listings) -> Option<Event> {
        let known = self.cluster.topology.group_of(node).is_some();
        if known && self.cluster.health.status(node) == NodeStatus::Failed {
            return None;
        }
        let (Some(index), true) = (&task.index_uid, known) else {
            return Some(missed(node, format!("node `{node}` is no longer part of the cluster")));
        };
        let key = (task.uid, node.clone());
        // Between the first look and the second one nothing can be decided, so it would be in vain.
        if self.looked.get(&key).is_some_and(|first| first.elapsed() < SECOND_LOOK) {
            return None;
        }
        let reports = listings.of(&self.cluster, index, node, task.created_at).await?;
        let part = task.node_tasks.get(node)?;
        let Some(found) = find_marked(task, part, reports) else {
            return self.give_up_after_second_look(key);
        };
        if self.was_overtaken(task, found).await {
            // The other replicas took the two writes in their order, so this one may differ from them now.
            self.cluster.stale.differs(index, node, &part.shards);
        }
        self.looked.remove(&key);
        let uid = found.uid;
        tracing::info!(task = %format_args!("mtask-{}", task.uid), %node, uid, "found the node task of a lost answer");
        Some(Event::NodeAccepted { node: node.clone(), uid })
    }

    /// Whether a write that began clearly later was taken before this one. Two that begin together may stand in the
    /// lanes in either order, on all nodes alike.
    async fn was_overtaken(&self, task: &Task, found: Found) -> bool {
        let Some(other) = found.overtaken_by else { return false };
        match self.cluster.store.task_get(other).await {
            Ok(Some(other)) => other.created_at >= task.created_at.plus(TOGETHER),
            Ok(None) => false,
            Err(error) => {
                tracing::warn!("reading a task: {}", miroir_ports::error_chain(&error));
                true
            }
        }
    }

    fn give_up_after_second_look(&mut self, key: (TaskUid, NodeId)) -> Option<Event> {
        let Some(_) = self.looked.remove(&key) else {
            self.looked.insert(key, Instant::now());
            return None;
        };
        let node = key.1;
        Some(missed(
            &node,
            format!(
                "node `{node}` never registered the write: it was not reached, or its answer and the write were both lost"
            ),
        ))
    }

    async fn judge(&self, task: &Task, events: &[Event]) -> Event {
        let mut accepted: BTreeSet<&NodeId> = task
            .node_tasks
            .iter()
            .filter(|(_, node_task)| node_task.uid.is_some())
            .map(|(node, _)| node)
            .collect();
        accepted.extend(events.iter().filter_map(|event| match event {
            Event::NodeAccepted { node, .. } => Some(node),
            _ => None,
        }));
        let placement = self.cluster.placement(shard_count(&self.cluster, task).await);
        let verdict = judge_write(&self.cluster.topology, &placement, &task.touched_shards(), &|node| {
            accepted.contains(node)
        });
        Event::Dispatched { verdict }
    }
}

/// The shard count of the task's index; of an index that is gone, that of a new one.
pub(super) async fn shard_count(cluster: &Cluster, task: &Task) -> u32 {
    let Some(index) = &task.index_uid else { return cluster.shard_count };
    match cluster.store.index_get(index).await {
        Ok(Some(entry)) => entry.shard_count,
        Ok(None) => cluster.shard_count,
        Err(error) => {
            tracing::warn!("reading the registry: {}", miroir_ports::error_chain(&error));
            cluster.shard_count
        }
    }
}

fn missed(node: &NodeId, reason: String) -> Event {
    Event::NodeMissed { node: node.clone(), error: ErrorCode::MiroirNodeUnavailable.with_message(reason) }
}
