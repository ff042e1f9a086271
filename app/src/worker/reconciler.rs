//! Finds out what became of writes whose answer was lost.
//!
//! A node task is pending when it is not known whether the node accepted the write: the connection broke, the answer
//! did not come in time, or Miroir itself died in between. The write is never sent again, since the node may have
//! it. Instead the node is asked for its tasks of that index; [`super::claim`] says which of them is the one. A node
//! that does not have it in two looks, some time apart, never took it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::health::NodeStatus;
use miroir_domain::quorum::judge_write;
use miroir_domain::task::{Event, NodeTaskState, Task, TaskKind};
use miroir_domain::{NodeId, ShardSet, TaskUid};
use miroir_ports::outbound::NodeTaskSelection;
use tokio::time::Instant;

use super::claim::{Claims, Found};
use super::recovery::note;
use crate::cluster::Cluster;

/// How far a node's clock may be behind ours for its tasks still to be found.
const CLOCK_SKEW: Duration = Duration::from_mins(5);
/// How long after the first look in vain a second one decides: time for a request that the node has received but
/// not yet registered.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Resolves pending node tasks.
pub struct Reconciler {
    cluster: Arc<Cluster>,
    /// When each pending node task was first looked for in vain.
    looked: HashMap<(TaskUid, NodeId), Instant>,
}

impl Reconciler {
    /// A reconciler that has looked for nothing yet.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, looked: HashMap::new() }
    }

    /// Events that say what became of the pending node tasks of `tasks`, as far as can be known now.
    pub async fn resolve(&mut self, tasks: &[Task]) -> HashMap<TaskUid, Vec<Event>> {
        let mut all = HashMap::new();
        let mut claims = Claims::default();
        for task in tasks {
            // Whoever sends a task knows more about it than its node does.
            if self.cluster.open_tasks.is_sending(task.uid) {
                continue;
            }
            let events = self.resolve_one(task, &mut claims).await;
            if !events.is_empty() {
                all.insert(task.uid, events);
            }
        }
        all
    }

    async fn resolve_one(&mut self, task: &Task, claims: &mut Claims) -> Vec<Event> {
        let pending: Vec<&NodeId> = task
            .node_tasks
            .iter()
            .filter(|(_, node_task)| node_task.status == NodeTaskState::Pending)
            .map(|(node, _)| node)
            .collect();
        let mut events = Vec::new();
        for node in &pending {
            if let Some(event) = self.look(task, node, claims).await {
                let uid = if let Event::NodeAccepted { uid, .. } = event { Some(uid) } else { None };
                claims.settle(task, node, uid);
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

    async fn look(&mut self, task: &Task, node: &NodeId, claims: &Claims) -> Option<Event> {
        let known = self.cluster.topology.group_of(node).is_some();
        if known && self.cluster.health.status(node) == NodeStatus::Failed {
            return None;
        }
        let (Some(index), true) = (&task.index_uid, known) else {
            return Some(missed(node, format!("node `{node}` is no longer part of the cluster")));
        };
        let since = task.created_at.minus(CLOCK_SKEW);
        let selection = NodeTaskSelection::IndexSince(index.clone(), since);
        let reports = match self.cluster.nodes.node_tasks(node, selection, self.cluster.timeouts.read).await {
            Ok(reports) => reports,
            Err(error) => {
                tracing::debug!("looking for a lost answer: {error}");
                return None;
            }
        };
        match claims.find(&self.cluster, task, index, node, reports).await {
            Ok(Found::Uid(uid)) => Some(self.found(task, node, uid)),
            Ok(Found::Overtaken(uid)) => {
                // The other replicas took the two writes in their order, so this one may differ from them now.
                let shards = task.node_tasks.get(node).map(|node_task| node_task.shards.clone());
                let shard_count = shard_count(&self.cluster, task).await;
                note(&self.cluster, task, shard_count, node, &shards.unwrap_or_default(), &|_| true);
                Some(self.found(task, node, uid))
            }
            Ok(Found::TooEarly) => None,
            Ok(Found::Nothing) => self.give_up_after_second_look(task, node),
            Err(error) => {
                tracing::warn!("looking for a lost answer: {error}");
                None
            }
        }
    }

    fn found(&mut self, task: &Task, node: &NodeId, uid: u32) -> Event {
        self.looked.remove(&(task.uid, node.clone()));
        tracing::info!(task = %format_args!("mtask-{}", task.uid), %node, uid, "found the node task of a lost answer");
        Event::NodeAccepted { node: node.clone(), uid }
    }

    fn give_up_after_second_look(&mut self, task: &Task, node: &NodeId) -> Option<Event> {
        let key = (task.uid, node.clone());
        let first = *self.looked.entry(key.clone()).or_insert_with(Instant::now);
        if first.elapsed() < SECOND_LOOK {
            return None;
        }
        self.looked.remove(&key);
        Some(missed(
            node,
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
        let touched: ShardSet = task
            .node_tasks
            .values()
            .map(|node_task| &node_task.shards)
            .chain(task.node_errors.values().map(|miss| &miss.shards))
            .flat_map(ShardSet::iter)
            .collect();
        let placement = self.cluster.placement(shard_count(&self.cluster, task).await);
        let verdict =
            judge_write(&self.cluster.topology, &placement, &touched, &|node| accepted.contains(node));
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
            tracing::warn!("reading the registry: {error}");
            cluster.shard_count
        }
    }
}

fn missed(node: &NodeId, reason: String) -> Event {
    Event::NodeMissed { node: node.clone(), error: ErrorCode::MiroirNodeUnavailable.with_message(reason) }
}
