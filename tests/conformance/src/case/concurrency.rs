//! Many concurrent callers.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use miroir_domain::task::{Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{Create, Put, TaskStore};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::harness::Harness;
use crate::sample::{any_task, at, create, entry, index, node, physical};

/// TASK-1.
pub(crate) async fn uids_are_unique_and_growing_under_many_callers<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut mine = Vec::new();
            for _ in 0..4 {
                mine.push(store.task_create(any_task(), at(0)).await.unwrap().uid);
            }
            assert!(mine.is_sorted_by(|one, next| one < next), "{mine:?}");
            mine
        });
    }
    let all: Vec<TaskUid> = callers.join_all().await.concat();
    let distinct: BTreeSet<TaskUid> = all.iter().copied().collect();
    assert_eq!(distinct, (0..256).map(TaskUid).collect());
    assert_eq!(all.len(), 256);
}

/// TASK-3, STORE-1.
pub(crate) async fn one_of_many_contenders_wins_a_put<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let mut contenders = JoinSet::new();
    for number in 0..50 {
        let store = Arc::clone(&store);
        let mine = Task { canceled_by: Some(TaskUid(number)), ..task.clone() };
        contenders.spawn(async move { (number, store.task_put(mine).await.unwrap()) });
    }
    let results = contenders.join_all().await;
    let winners: Vec<u32> =
        results.iter().filter(|(_, put)| *put == Put::Stored).map(|(number, _)| *number).collect();
    assert_eq!(winners.len(), 1);
    let row = store.task_get(task.uid).await.unwrap().unwrap();
    assert_eq!((row.version, row.canceled_by), (2, Some(TaskUid(winners[0]))));
}

/// TASK-3, STORE-9.
pub(crate) async fn no_update_is_lost<H: Harness>() {
    const CALLERS: u64 = 8;
    const TURNS: u64 = 10;
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            for _ in 0..TURNS {
                count_once(&store, task.uid).await;
            }
        });
    }
    callers.join_all().await;
    let row = store.task_get(task.uid).await.unwrap().unwrap();
    assert_eq!(row.details.unwrap()["count"], CALLERS * TURNS);
    assert_eq!(row.version, 1 + CALLERS * TURNS);
}

async fn count_once(store: &Arc<dyn TaskStore>, uid: TaskUid) {
    loop {
        let mut task = store.task_get(uid).await.unwrap().unwrap();
        let details = task.details.get_or_insert_with(Map::new);
        let count = details.get("count").and_then(Value::as_u64).unwrap_or(0);
        details.insert("count".to_owned(), Value::from(count + 1));
        if store.task_put(task).await.unwrap() == Put::Stored {
            return;
        }
    }
}

/// INDEX-1.
pub(crate) async fn one_of_many_creators_wins<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut creators = JoinSet::new();
    for shard_count in 1..=40 {
        let store = Arc::clone(&store);
        creators.spawn(async move {
            let mut entry = entry("movies");
            entry.shard_count = shard_count;
            (shard_count, store.index_create(&entry).await.unwrap())
        });
    }
    let results = creators.join_all().await;
    let winners: Vec<u32> =
        results.iter().filter(|(_, create)| *create == Create::Created).map(|(mine, _)| *mine).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(store.index_get(&index("movies")).await.unwrap().unwrap().shard_count, winners[0]);
}

/// NODESET-1.
pub(crate) async fn highest_settings_version_stays<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for number in 0..40_u64 {
        let store = Arc::clone(&store);
        // A permutation, so that high versions also come early.
        let version = number * 7 % 41;
        callers.spawn(async move {
            store.node_settings_advance(&physical("movies"), &node("n-0"), version, at(0)).await.unwrap();
        });
    }
    callers.join_all().await;
    let row = store.node_settings_get(&physical("movies"), &node("n-0")).await.unwrap().unwrap();
    assert_eq!(row.version, (0..40).map(|number| number * 7 % 41).max().unwrap());
}

/// STORE-1, STORE-6.
pub(crate) async fn dropped_call_is_applied_as_a_whole_or_not_at_all<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for round in 0..40 {
        let mut call = pin!(store.task_create(any_task(), Timestamp::from_millis(round)));
        // Polled once, so that it has begun, and then dropped.
        std::future::poll_fn(|context| {
            let _ = call.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
    }
    // The store works on, and its content is consistent: rows, order and count agree.
    let last = create(&store, 1).await.remove(0);
    let query = TaskQuery { limit: 100, ..TaskQuery::default() };
    let page = store.task_list(&query).await.unwrap();
    assert_eq!(page.total, page.tasks.len() as u64);
    assert_eq!(page.tasks[0], last);
    assert!(page.tasks.iter().all(|task| task.version == 1 && task.node_tasks.len() == 1));
    assert_eq!(store.task_list_unfinished(None, 100).await.unwrap().len(), page.tasks.len());
}

/// STORE-9.
pub(crate) async fn acknowledged_change_is_seen_by_the_next_call<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            for _ in 0..10 {
                let task = store.task_create(any_task(), at(0)).await.unwrap();
                assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task.clone()));
                let newest = store.task_list(&TaskQuery { limit: 1, ..TaskQuery::default() }).await.unwrap();
                assert!(newest.tasks[0].uid >= task.uid && newest.total > u64::from(task.uid.0));
            }
        });
    }
    callers.join_all().await;
}
