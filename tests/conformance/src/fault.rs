//! The wrapper that makes a store fail, and histories that must stay correct under it.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskQuery};
use miroir_fault::{Chance, Fault, FaultyStore, Script};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{Outcome, Put, StoreError, TaskStore, TaskTable as _};

use crate::sample::{any_task, at};

fn outcome<T>(result: Result<T, StoreError>) -> Option<Outcome> {
    match result {
        Ok(_) => None,
        Err(StoreError::Unavailable { outcome, .. }) => Some(outcome),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_has_its_effect() {
    let inner: Arc<dyn TaskStore> = Arc::new(MemoryStore::new());
    let script = Arc::new(Script::default());
    let store = FaultyStore::new(Arc::clone(&inner), Arc::clone(&script) as _);
    let span = Duration::from_secs(3);
    let faults = [
        (Fault::NotApplied, Some(Outcome::NotApplied), 0),
        (Fault::LostBefore, Some(Outcome::Unknown), 0),
        (Fault::LostAfter, Some(Outcome::Unknown), 1),
        (Fault::Delay(span), None, 2),
        (Fault::None, None, 3),
    ];
    let begun = tokio::time::Instant::now();
    for (fault, expected, stored) in faults {
        script.then("task_create", [fault]);
        assert_eq!(outcome(store.task_create(any_task(), at(1)).await), expected, "{fault:?}");
        let total = inner.task_list(&TaskQuery::default()).await.unwrap().total;
        assert_eq!(total, stored, "{fault:?}");
    }
    assert_eq!(begun.elapsed(), span);
}

/// Counts up in `custom_metadata`, as a caller must do that reads before it repeats a call whose outcome is
/// unknown.
async fn count_up(store: &FaultyStore, uid: TaskUid, caller: u32) {
    let marked = |task: &Task| format!("{}{caller};", task.custom_metadata.clone().unwrap_or_default());
    let mine = |task: &Task| {
        let text = task.custom_metadata.clone().unwrap_or_default();
        text.split(';').any(|part| part == caller.to_string())
    };
    loop {
        let Ok(Some(task)) = store.task_get(uid).await else { continue };
        if mine(&task) {
            return;
        }
        let next = Task { custom_metadata: Some(marked(&task)), ..task };
        if matches!(store.task_put(next).await, Ok(Put::Stored)) {
            return;
        }
    }
}

/// STORE-3: conditional writes that are repeated after a lost response are applied once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_repeated_after_lost_responses_are_applied_once() {
    let inner: Arc<dyn TaskStore> = Arc::new(MemoryStore::new());
    let uid = inner.task_create(any_task(), at(1)).await.unwrap().uid;
    let before = inner.task_get(uid).await.unwrap().unwrap();
    inner.task_put(Task { custom_metadata: None, ..before }).await.unwrap();
    let store = Arc::new(FaultyStore::new(Arc::clone(&inner), Arc::new(Chance::new(11, 3))));
    let callers = (0..40).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { count_up(&store, uid, caller).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let text = inner.task_get(uid).await.unwrap().unwrap().custom_metadata.unwrap();
    let mut callers: Vec<u32> = text.split_terminator(';').map(|caller| caller.parse().unwrap()).collect();
    callers.sort_unstable();
    assert_eq!(callers, (0..40).collect::<Vec<_>>());
}
