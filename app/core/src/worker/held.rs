//! Tasks that do not end yet, because other instances do not know yet that a node missed them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use miroir_domain::task::{Event, Task};
use miroir_domain::{IndexUid, Shard, TaskUid};
use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::reconciler::Resolution;
use crate::task::TaskLog;

/// The tasks that wait.
pub(super) struct HeldTasks {
    wait: Duration,
    held: Mutex<HashMap<TaskUid, Held>>,
    /// The shards of the tasks that are held in this round, by index.
    shards: Mutex<HashSet<(Option<IndexUid>, Shard)>>,
}

struct Held {
    /// The instant at which the missed writes were in the store at the latest.
    since: Instant,
    /// The events that would end the task.
    events: Vec<Event>,
}

impl HeldTasks {
    /// Makes a record without tasks. Each waits for `wait`.
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, held: Mutex::default(), shards: Mutex::default() }
    }

    /// Begins a round with `tasks`: adds the events of those that wait to `found`.
    pub(super) fn recall(&self, tasks: &[Task], found: &mut HashMap<TaskUid, Resolution>) {
        let held = self.held.lock();
        if held.is_empty() {
            return;
        }
        for task in tasks {
            if let Some(one) = held.get(&task.uid) {
                found.entry(task.uid).or_default().events.splice(0..0, one.events.iter().cloned());
            }
        }
    }

    /// Forgets the shards of the round before.
    pub(super) fn begin_round(&self) {
        self.shards.lock().clear();
    }

    /// Returns whether `found` would end the task, a node missed it, and other instances may not know that
    /// yet. The missed writes are in the store then. If `in_order`, a task waits for held ones of its shards.
    pub(super) async fn must_wait(
        &self,
        tasks: &TaskLog,
        task: &Task,
        found: &Resolution,
        in_order: bool,
    ) -> Result<bool, StoreError> {
        if self.wait.is_zero() {
            return Ok(false);
        }
        let is_blocked = in_order && shards_of(task).any(|shard| self.shards.lock().contains(&shard));
        let must_wait = is_blocked || self.is_unknown(tasks, task, found).await?;
        if must_wait && in_order {
            self.shards.lock().extend(shards_of(task));
        }
        Ok(must_wait)
    }

    async fn is_unknown(&self, tasks: &TaskLog, task: &Task, found: &Resolution) -> Result<bool, StoreError> {
        if !tasks.would_end_missed(task, &found.events)? {
            return Ok(false);
        }
        let since = self.held.lock().get(&task.uid).map(|held| held.since);
        let Some(since) = since else {
            tasks.mark_missed(task, &found.events, &found.marks).await?;
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

/// Returns the shards that a task wrote to.
fn shards_of(task: &Task) -> impl Iterator<Item = (Option<IndexUid>, Shard)> {
    let shards = task.node_tasks.values().flat_map(|part| part.shards.iter());
    shards.map(|shard| (task.index_uid.clone(), shard))
}
