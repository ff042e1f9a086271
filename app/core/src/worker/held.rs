//! Tasks that do not end yet, although all nodes have ended their parts.
//!
//! Clients rely on a task that has ended. So it waits until every instance can know the nodes that missed it,
//! and until no earlier write can arrive on a node after it: one whose response was lost may still be on its
//! way, and would undo this one there.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use miroir_domain::task::{Event, NodeTaskState, Task};
use miroir_domain::{IndexUid, NodeId, Shard, ShardSet, TaskUid};
use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::reconciler::Resolution;
use crate::cluster::Cluster;

/// The tasks that wait.
pub(super) struct HeldTasks {
    wait: Duration,
    held: Mutex<HashMap<TaskUid, Held>>,
    round: Mutex<Round>,
}

struct Held {
    /// The instant at which the missed writes were in the store at the latest.
    since: Instant,
    /// The events that would end the task.
    events: Vec<Event>,
}

/// The findings of one round.
#[derive(Default)]
struct Round {
    /// The shards of the tasks that are held, by index.
    shards: HashSet<(Option<IndexUid>, Shard)>,
    /// The parts of writes that may still arrive, oldest first.
    unknown: Vec<Unknown>,
}

struct Unknown {
    uid: TaskUid,
    index: Option<IndexUid>,
    node: NodeId,
    /// No shards stand for the whole index.
    shards: ShardSet,
}

impl HeldTasks {
    /// Makes a record without tasks. Other instances know a missed write after `wait`.
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, held: Mutex::default(), round: Mutex::default() }
    }

    /// Forgets the findings of the round before.
    pub(super) fn begin_round(&self) {
        *self.round.lock() = Round::default();
    }

    /// Notes the next tasks of a round, oldest first: adds the events of those that wait to `found`, and
    /// remembers the parts whose outcome is still unknown.
    pub(super) fn begin(&self, cluster: &Cluster, tasks: &[Task], found: &mut HashMap<TaskUid, Resolution>) {
        let held = self.held.lock();
        let mut round = self.round.lock();
        for task in tasks {
            if let Some(one) = held.get(&task.uid) {
                found.entry(task.uid).or_default().events.splice(0..0, one.events.iter().cloned());
            }
            // The write of a run that is still sending keeps its place in the queues.
            if cluster.order.is_sending(task.uid) {
                continue;
            }
            let events = found.get(&task.uid).map(|found| found.events.as_slice()).unwrap_or_default();
            for (node, part) in &task.node_tasks {
                if part.status == NodeTaskState::Pending && !is_resolved(events, node) {
                    let (index, shards) = (task.index_uid.clone(), part.shards.clone());
                    round.unknown.push(Unknown { uid: task.uid, index, node: node.clone(), shards });
                }
            }
        }
    }

    /// Returns whether `found` would end the task too early. If `in_order`, a task also waits for held ones
    /// of its shards.
    pub(super) async fn must_wait(
        &self,
        cluster: &Cluster,
        task: &Task,
        found: &Resolution,
        in_order: bool,
    ) -> Result<bool, StoreError> {
        let is_blocked = in_order && shards_of(task).any(|shard| self.round.lock().shards.contains(&shard));
        let must_wait = is_blocked || self.would_end_early(cluster, task, found).await?;
        if must_wait && in_order {
            self.round.lock().shards.extend(shards_of(task));
        }
        Ok(must_wait)
    }

    async fn would_end_early(
        &self,
        cluster: &Cluster,
        task: &Task,
        found: &Resolution,
    ) -> Result<bool, StoreError> {
        if self.wait.is_zero() && self.round.lock().unknown.is_empty() {
            return Ok(false);
        }
        let Some(ended) = cluster.tasks.ended_by(task, &found.events).await? else { return Ok(false) };
        if self.round.lock().unknown.iter().any(|unknown| unknown.may_undo(cluster, &ended)) {
            return Ok(true);
        }
        if self.wait.is_zero() || ended.node_errors.is_empty() {
            return Ok(false);
        }
        let since = self.held.lock().get(&task.uid).map(|held| held.since);
        let Some(since) = since else {
            cluster.tasks.mark_missed(task, &found.events, &found.marks).await?;
            let held = Held { since: Instant::now(), events: found.events.clone() };
            self.held.lock().insert(task.uid, held);
            return Ok(true);
        };
        if since.elapsed() < self.wait {
            return Ok(true);
        }
        self.held.lock().remove(&task.uid);
        Ok(false)
    }
}

impl Unknown {
    /// Returns whether this part may arrive after that of `ended` on the same node, and reads rely on the
    /// node.
    fn may_undo(&self, cluster: &Cluster, ended: &Task) -> bool {
        let Some(part) = ended.node_tasks.get(&self.node) else { return false };
        if self.uid >= ended.uid || self.index != ended.index_uid || part.status != NodeTaskState::Succeeded {
            return false;
        }
        if self.shards.is_empty() || part.shards.is_empty() {
            return true;
        }
        let both = self.shards.intersection(&part.shards);
        let Some(index) = ended.physical_index() else { return false };
        !both.is_empty() && cluster.replicas.doubtful(&index, &self.node, &both) != both
    }
}

/// Returns whether `events` have the outcome of the part of `node`.
fn is_resolved(events: &[Event], node: &NodeId) -> bool {
    events.iter().any(|event| match event {
        Event::NodeAccepted { node: of, .. } | Event::NodeMissed { node: of, .. } => of == node,
        _ => false,
    })
}

/// Returns the shards that a task wrote to.
fn shards_of(task: &Task) -> impl Iterator<Item = (Option<IndexUid>, Shard)> {
    let shards = task.node_tasks.values().flat_map(|part| part.shards.iter());
    shards.map(|shard| (task.index_uid.clone(), shard))
}
