//! Changing a task's row: load, let the domain decide, store on condition, again if someone was faster.

use miroir_domain::TaskUid;
use miroir_domain::task::{Effect, Event, Task};
use miroir_ports::outbound::{Clock, Put, StoreError, TaskStore};

/// How often a row may be changed under our hands before we give up. Each round means that another writer got on.
const ATTEMPTS: u32 = 64;

/// Applies `events` to `task` and stores it; when its row has changed meanwhile, to the changed row. Events say what
/// happened, not what to write, so applying them to a newer row is right. Events that change nothing write nothing.
pub async fn amend_task(
    store: &dyn TaskStore,
    clock: &dyn Clock,
    task: Task,
    events: &[Event],
) -> Result<Task, StoreError> {
    let uid = task.uid;
    let mut current = task;
    for _ in 0..ATTEMPTS {
        let (next, effects) = apply_all(current.clone(), events, clock)?;
        if next == current {
            return Ok(current);
        }
        let stored = Task { version: next.version + 1, ..next.clone() };
        match store.task_put(next).await? {
            Put::Stored => {
                log_effects(&stored, &effects);
                return Ok(stored);
            }
            Put::Conflict => current = reload(store, uid).await?,
        }
    }
    Err(StoreError::InvalidInput(format!("task {uid} changed {ATTEMPTS} times while it was being changed")))
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
