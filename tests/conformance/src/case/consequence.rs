//! Tasks that are put with their consequences: marks of replicas and change events.

use std::sync::Arc;

use miroir_domain::ShardSet;
use miroir_domain::replica::{Difference, ReplicaMark, ReplicaState};
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::{Consequences, Put, StoreError, TaskStore};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::change::{change, numbers};
use super::replica::{mark, names, shards, state};
use crate::harness::Harness;
use crate::sample::{create, physical};

fn consequences(marks: Vec<ReplicaMark>) -> Consequences {
    let changes = vec![change("s", "films", 10_000_000), change("s", "films", 10_000_001)];
    Consequences { marks, changes, budget_bytes: 100, settings: None }
}

fn of_two_nodes(task: &Task) -> Consequences {
    let marks = ["a", "b"]
        .map(|node| ReplicaMark { task: Some(task.uid), ..mark("films", node, Difference::of_index()) });
    consequences(marks.into())
}

async fn assert_nothing_stored(store: &Arc<dyn TaskStore>, task: &Task) {
    assert_eq!(store.task_get(task.uid).await.unwrap().as_ref(), Some(task));
    assert!(names(store).await.is_empty());
    assert!(numbers(store, "s", "films").await.is_empty());
}

/// TASK-13, OUTBOX-1.
pub(crate) async fn marks_and_events_appear_with_their_task_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    for stale in
        [Task { version: 9, ..task.clone() }, Task { uid: miroir_domain::TaskUid(7), ..task.clone() }]
    {
        let put = store.task_put_with(stale, of_two_nodes(&task)).await.unwrap();
        assert_eq!(put, Put::Conflict);
        assert_nothing_stored(&store, &task).await;
    }
    let ended = Task { status: TaskStatus::Succeeded, ..task.clone() };
    assert_eq!(store.task_put_with(ended.clone(), of_two_nodes(&task)).await.unwrap(), Put::Stored);
    let ended = Task { version: 2, ..ended };
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(ended.clone()));
    assert_eq!(names(&store).await, ["films:a", "films:b"]);
    assert_eq!(state(&store, "films", "b").await.index, Some(2), "a conflict takes no stamp");
    let row = store.replica_get(&physical("films"), &"a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.task, Some(task.uid));
    assert_eq!(numbers(&store, "s", "films").await, [1, 2]);
    // A finished task still records misses that turn up late.
    let late = Consequences { marks: vec![mark("films", "c", shards(&[3]))], ..Consequences::default() };
    assert_eq!(store.task_put_with(ended, late).await.unwrap(), Put::Stored);
    assert_eq!(state(&store, "films", "c").await, ReplicaState::default().marked(&shards(&[3]), 3));
}

/// TASK-13, TASK-4, STORE-10.
pub(crate) async fn refused_put_stores_no_consequences<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let ended = Task { status: TaskStatus::Failed, ..task.clone() };
    assert_eq!(store.task_put(ended.clone()).await.unwrap(), Put::Stored);
    let stored = Task { version: 2, ..ended };
    let back = Task { version: 2, ..task.clone() };
    let refused = store.task_put_with(back, of_two_nodes(&task)).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    assert_nothing_stored(&store, &stored).await;
    let mut deep = of_two_nodes(&task);
    deep.changes[1].body = (0..200).fold(Value::Null, |inner, _| json!([inner]));
    let refused = store.task_put_with(stored.clone(), deep).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    assert_nothing_stored(&store, &stored).await;
    store.replica_mark(&[mark("films", "a", Difference::of_index())]).await.unwrap();
    assert_eq!(state(&store, "films", "a").await.index, Some(1), "a refusal takes no stamp");
}

/// TASK-13: events are appended within the budget, whatever the marks.
pub(crate) async fn budget_applies_to_events_with_marks<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let tight = Consequences { budget_bytes: 8, ..of_two_nodes(&task) };
    assert_eq!(store.task_put_with(task.clone(), tight).await.unwrap(), Put::Stored);
    assert_eq!(numbers(&store, "s", "films").await, [2]);
    assert_eq!(names(&store).await, ["films:a", "films:b"]);
    let next = Task { version: 2, ..task };
    assert_eq!(store.task_put_with(next, Consequences::default()).await.unwrap(), Put::Stored);
    assert_eq!(numbers(&store, "s", "films").await, [2], "without events nothing is dropped");
}

/// TASK-13, REPLICA-1.
pub(crate) async fn marks_of_many_tasks_all_take_effect<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for (number, task) in (0..48).zip(create(&store, 48).await) {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let marks = vec![mark("films", "a", shards(&[number])), mark("films", "b", shards(&[7]))];
            let ended = Task { status: TaskStatus::Succeeded, ..task };
            store.task_put_with(ended, consequences(marks)).await.unwrap()
        });
    }
    assert!(callers.join_all().await.iter().all(|put| *put == Put::Stored));
    let (a, b) = (state(&store, "films", "a").await, state(&store, "films", "b").await);
    assert_eq!(a.shard_set(), ShardSet::all(48));
    let mut stamps: Vec<u64> = a.shards.into_values().collect();
    stamps.sort_unstable();
    assert_eq!(stamps, (0..48).map(|number| number * 2 + 1).collect::<Vec<_>>());
    assert_eq!(b.shards.into_values().collect::<Vec<_>>(), [96], "the last mark of the shard");
    assert_eq!(store.change_backlog("s").await.unwrap().events, 12, "the budget fits twelve");
}
