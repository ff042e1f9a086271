//! Restarts: everything that was acknowledged is there, and a closed store accepts nothing.

use std::sync::Arc;

use miroir_domain::TaskUid;
use miroir_domain::replica::ReplicaState;
use miroir_domain::task::{Task, TaskQuery, TaskStatus};
use miroir_ports::outbound::{Consequences, Outcome, Put, ReplicaRecovery, StoreError};
use tokio::task::JoinSet;

use super::identity::{cluster, row};
use crate::harness::Harness;
use crate::sample::{any_task, at, create, entry, finish, full_task, index, node, physical, put};

/// STORE-8.
pub(crate) async fn everything_survives<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    create(&store, 3).await;
    put(&store, full_task(TaskUid(1), 1)).await;
    store.index_create(&entry("movies")).await.unwrap();
    store.node_settings_advance(&physical("movies"), &node("n-0"), 4, at(5)).await.unwrap();
    let before = (
        store.task_list(&TaskQuery::default()).await.unwrap(),
        store.task_list_unfinished(None, 10).await.unwrap(),
        store.index_list(None, 10).await.unwrap(),
        store.node_settings_list(&physical("movies")).await.unwrap(),
    );
    drop(store);
    for _ in 0..2 {
        harness.reopen().await;
        let store = harness.store();
        assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap(), before.0);
        assert_eq!(store.task_list_unfinished(None, 10).await.unwrap(), before.1);
        assert_eq!(store.index_list(None, 10).await.unwrap(), before.2);
        assert_eq!(store.node_settings_list(&physical("movies")).await.unwrap(), before.3);
    }
}

/// TASK-15, TASK-1.
pub(crate) async fn skipped_uids_are_never_given<H: Harness>() {
    let mut harness = H::start().await;
    assert_eq!(harness.store().task_next_uid().await.unwrap(), 0);
    harness.store().task_skip_to(TaskUid(41)).await.unwrap();
    harness.store().task_skip_to(TaskUid(7)).await.unwrap();
    assert_eq!(harness.store().task_next_uid().await.unwrap(), 41);
    harness.reopen().await;
    let task = harness.store().task_create(any_task(), at(1)).await.unwrap();
    assert_eq!(task.uid, TaskUid(41));
    harness.store().task_skip_to(TaskUid(41)).await.unwrap();
    assert_eq!(harness.store().task_next_uid().await.unwrap(), 42);
    harness.store().task_skip_to(TaskUid(u32::MAX)).await.unwrap();
    let last = harness.store().task_create(any_task(), at(1)).await.unwrap();
    assert_eq!(last.uid, TaskUid(u32::MAX));
    assert_eq!(harness.store().task_next_uid().await.unwrap(), u64::from(u32::MAX) + 1);
    harness.store().task_skip_to(TaskUid(5)).await.unwrap();
    let refused = harness.store().task_create(any_task(), at(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
}

/// TASK-1.
pub(crate) async fn uids_continue_after_reopening<H: Harness>() {
    let mut harness = H::start().await;
    for expected in 0..4 {
        assert_eq!(create(&harness.store(), 1).await[0].uid, TaskUid(expected));
        harness.reopen().await;
    }
}

/// TASK-3, STORE-8.
pub(crate) async fn versions_continue_after_reopening<H: Harness>() {
    let mut harness = H::start().await;
    let first = create(&harness.store(), 1).await.remove(0);
    let second = finish(&harness.store(), &first, TaskStatus::Succeeded, 1).await;
    harness.reopen().await;
    assert_eq!(harness.store().task_put(first).await.unwrap(), Put::Conflict);
    let third = put(&harness.store(), Task { custom_metadata: Some("late".to_owned()), ..second }).await;
    assert_eq!(harness.store().task_get(third.uid).await.unwrap(), Some(third));
}

/// STATUS-3.
pub(crate) async fn closed_store_refuses_every_call<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    store.store_close().await.unwrap();
    store.store_close().await.unwrap();
    let (name, movies, first) = (index("movies"), physical("movies"), node("n-0"));
    let refused = [
        store.task_create(any_task(), at(0)).await.map(|_| ()),
        store.task_get(task.uid).await.map(|_| ()),
        store.task_put(task.clone()).await.map(|_| ()),
        store.task_list(&TaskQuery::default()).await.map(|_| ()),
        store.task_list_unfinished(None, 1).await.map(|_| ()),
        store.task_prune(at(0), 1).await.map(|_| ()),
        store.index_create(&entry("movies")).await.map(|_| ()),
        store.index_get(&name).await.map(|_| ()),
        store.index_put(&entry("movies")).await.map(|_| ()),
        store.index_delete(&name, &movies).await.map(|_| ()),
        store.index_was_deleted(&movies).await.map(|_| ()),
        store.index_list(None, 1).await.map(|_| ()),
        store.node_settings_advance(&movies, &first, 1, at(0)).await.map(|_| ()),
        store.node_settings_get(&movies, &first).await.map(|_| ()),
        store.node_settings_list(&movies).await.map(|_| ()),
        store.task_put_with(task, Consequences::default()).await.map(|_| ()),
        store.replica_mark(&[]).await,
        store.replica_get(&movies, &first).await.map(|_| ()),
        store.replica_repaired(&movies, &first, &ReplicaState::default()).await,
        store.replica_forget(&movies).await.map(|_| ()),
        store.replica_list(None, 1).await.map(|_| ()),
        store.replica_recovery_get().await.map(|_| ()),
        store.replica_recovery_put(ReplicaRecovery { term: 1, oldest_open: TaskUid(0) }).await,
        store.cluster_create(&cluster("c")).await.map(|_| ()),
        store.cluster_get().await.map(|_| ()),
        store.cluster_put(&cluster("c")).await.map(|_| ()),
        store.node_put(&row("n", "i")).await,
        store.node_delete(&first).await.map(|_| ()),
        store.node_list().await.map(|_| ()),
        store.store_ping().await,
    ];
    for (call, result) in refused.into_iter().enumerate() {
        match result {
            Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
                assert!(reason.contains("closed"), "call {call}: {reason}");
            }
            other => panic!("call {call}: {other:?}"),
        }
    }
}

/// STATUS-2.
pub(crate) async fn close_finishes_accepted_calls<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.task_create(any_task(), at(0)).await });
    }
    // Close when the first call has been acknowledged and most have not.
    let first = callers.join_next().await.unwrap().unwrap();
    store.store_close().await.unwrap();
    let mut results = callers.join_all().await;
    results.push(first);
    drop(store);
    harness.reopen().await;
    let mut acknowledged = 0;
    for result in results {
        match result {
            Ok(task) => {
                acknowledged += 1;
                assert_eq!(harness.store().task_get(task.uid).await.unwrap(), Some(task));
            }
            Err(StoreError::Unavailable { outcome: Outcome::NotApplied, .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(acknowledged >= 1);
    let total = harness.store().task_list(&TaskQuery::default()).await.unwrap().total;
    assert_eq!(total, acknowledged, "what was refused must not be there");
}
