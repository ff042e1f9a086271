//! Conditional changes of a task's row, stored with what follows from them.

use miroir_domain::quorum::WriteVerdict;
use miroir_domain::replica::ReplicaMark;
use miroir_domain::task::{Effect, Event, Task, TaskStatus};
use miroir_domain::{ShardSet, TaskUid};
use miroir_ports::outbound::{Consequences, NewChange, Put, StoreError, TaskStore};

use super::TaskLog;
use super::decision::{Decision, Purpose};

/// The number of attempts to change a row that other writers change at the same time. Each attempt that
/// fails means that another writer succeeded.
const ATTEMPTS: u32 = 64;

impl TaskLog {
    /// Applies `events` to `task` and stores it with what follows from the change. If its row has changed in
    /// between, applies them to the changed row. Events say what happened, and not what to write, so they are
    /// true of a newer row as well. Events that change nothing write nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Contended`] if the row keeps changing.
    pub async fn amend(&self, task: Task, events: &[Event]) -> Result<Task, StoreError> {
        self.amend_and_mark(task, events, &[]).await
    }

    /// Does the same as [`TaskLog::amend`], and stores `marks` as well, which follow from the events but not
    /// from the change of the task. They are not stored if the events change nothing.
    pub async fn amend_and_mark(
        &self,
        task: Task,
        events: &[Event],
        marks: &[ReplicaMark],
    ) -> Result<Task, StoreError> {
        let (task, _) = self.change(task, events, marks, Purpose::Store).await?;
        Ok(task)
    }

    /// Does the same as [`TaskLog::amend`], and returns the verdict for the client, about the `touched`
    /// of `shard_count` shards and over the nodes that have accepted the write so far. If the write
    /// succeeded, it counts as acknowledged from now on.
    pub async fn settle(
        &self,
        task: Task,
        events: &[Event],
        touched: &ShardSet,
        shard_count: u32,
    ) -> Result<(Task, WriteVerdict), StoreError> {
        let purpose = Purpose::Answer { touched, shard_count };
        let (task, verdict) = self.change(task, events, &[], purpose).await?;
        Ok((task, verdict.unwrap_or_default()))
    }

    async fn change(
        &self,
        task: Task,
        events: &[Event],
        marks: &[ReplicaMark],
        purpose: Purpose<'_>,
    ) -> Result<(Task, Option<WriteVerdict>), StoreError> {
        let uid = task.uid;
        let mut current = task;
        for _ in 0..ATTEMPTS {
            let Decision { next, effects, marks, verdict } =
                self.decide(&current, events, marks, purpose).await?;
            if next == current {
                return Ok((current, verdict));
            }
            let stored = Task { version: next.version + 1, ..next.clone() };
            match self.put(next, &effects, marks).await? {
                Put::Stored => {
                    self.replicas.note_resolved(&stored);
                    log_effects(&stored, &effects);
                    return Ok((stored, verdict));
                }
                Put::Conflict => current = reload(self.store.as_ref(), uid).await?,
            }
        }
        Err(StoreError::Contended(format!("task {uid} changed {ATTEMPTS} times while it was being changed")))
    }

    /// Returns the task after `events`, if they end it.
    pub async fn ended_by(&self, task: &Task, events: &[Event]) -> Result<Option<Task>, StoreError> {
        let Decision { next, .. } = self.decide(task, events, &[], Purpose::Preview).await?;
        Ok(Some(next).filter(|next| next.status.is_finished() && !task.status.is_finished()))
    }

    /// Stores `marks` and those that follow from the change of `task` by `events`, without the change.
    pub async fn mark_missed(
        &self,
        task: &Task,
        events: &[Event],
        marks: &[ReplicaMark],
    ) -> Result<(), StoreError> {
        let Decision { marks, .. } = self.decide(task, events, marks, Purpose::Store).await?;
        if marks.is_empty() { Ok(()) } else { self.replicas.mark(&marks).await }
    }

    /// Stores the task with `marks` and, if it ends, with the settings that it has changed and, in success,
    /// the events of its changes.
    async fn put(&self, task: Task, effects: &[Effect], marks: Vec<ReplicaMark>) -> Result<Put, StoreError> {
        let changes = self.events(&task, effects).await?;
        let settings = if effects.is_empty() { None } else { self.settings.after(&task).await? };
        if marks.is_empty() && changes.is_empty() && settings.is_none() {
            return self.store.task_put(task).await;
        }
        let count = changes.len();
        let budget_bytes = self.changes.options.budget_bytes;
        let consequences = Consequences { marks: marks.clone(), changes, budget_bytes, settings };
        let put = self.store.task_put_with(task, consequences).await?;
        if put == Put::Stored {
            // Again: a repair that began in between has not seen them in the store.
            self.replicas.note(&marks);
            self.changes.notify(count);
        }
        Ok(put)
    }

    /// Returns the events of the changes of a task that ends in success.
    async fn events(&self, task: &Task, effects: &[Effect]) -> Result<Vec<NewChange>, StoreError> {
        if !effects.contains(&Effect::Finished(TaskStatus::Succeeded)) || !self.changes.is_on() {
            return Ok(Vec::new());
        }
        let changes = self.store.task_changes(task.uid).await?;
        Ok(changes.map_or_else(Vec::new, |changes| self.changes.of_task(task, &changes)))
    }
}

async fn reload(store: &dyn TaskStore, uid: TaskUid) -> Result<Task, StoreError> {
    store
        .task_get(uid)
        .await?
        .ok_or_else(|| StoreError::InvalidInput(format!("task {uid} was deleted while it was being changed")))
}

fn log_effects(task: &Task, effects: &[Effect]) {
    for Effect::Finished(status) in effects {
        tracing::debug!(
            task = %format_args!("mtask-{}", task.uid),
            status = status.as_str(),
            kind = task.kind.as_str(),
            "task finished"
        );
    }
}
