//! Conditional changes of a task's row.

use miroir_domain::TaskUid;
use miroir_domain::task::{Effect, Event, Task, TaskStatus};
use miroir_ports::outbound::{Clock, Put, StoreError, TaskStore};

use super::TaskLog;

/// The number of attempts to change a row that other writers change at the same time. Each attempt that
/// fails means that another writer succeeded.
const ATTEMPTS: u32 = 64;

impl TaskLog {
    /// Applies `events` to `task` and stores it. If its row has changed in between, applies them to the
    /// changed row. Events say what happened, and not what to write, so they are true of a newer row as
    /// well. Events that change nothing write nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Contended`] if the row keeps changing.
    pub async fn amend(&self, task: Task, events: &[Event]) -> Result<Task, StoreError> {
        let uid = task.uid;
        let mut current = task;
        for _ in 0..ATTEMPTS {
            let (next, effects) = apply_all(current.clone(), events, self.clock.as_ref())?;
            if next == current {
                return Ok(current);
            }
            let stored = Task { version: next.version + 1, ..next.clone() };
            match self.put(next, &effects).await? {
                Put::Stored => {
                    log_effects(&stored, &effects);
                    return Ok(stored);
                }
                Put::Conflict => current = reload(self.store.as_ref(), uid).await?,
            }
        }
        Err(StoreError::Contended(format!("task {uid} changed {ATTEMPTS} times while it was being changed")))
    }

    /// Stores the task. If it ends in success, stores the events of its changes in the same unit.
    async fn put(&self, task: Task, effects: &[Effect]) -> Result<Put, StoreError> {
        let succeeded = effects.contains(&Effect::Finished(TaskStatus::Succeeded));
        if !succeeded || !self.changes.is_on() {
            return self.store.task_put(task).await;
        }
        let Some(changes) = self.store.task_changes(task.uid).await? else {
            return self.store.task_put(task).await;
        };
        let events = self.changes.of_task(&task, &changes);
        let count = events.len();
        let budget = self.changes.options.budget_bytes;
        let put = self.store.change_append_with_task(task, events, budget).await?;
        if put == Put::Stored {
            self.changes.notify(count);
        }
        Ok(put)
    }
}

fn apply_all(task: Task, events: &[Event], clock: &dyn Clock) -> Result<(Task, Vec<Effect>), StoreError> {
    let mut task = task;
    let mut effects = Vec::new();
    for event in events {
        let (next, more) = task
            .apply(event.clone(), clock.now())
            .map_err(|invalid| StoreError::InvalidInput(invalid.to_string()))?;
        task = next;
        effects.extend(more);
    }
    Ok((task, effects))
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
