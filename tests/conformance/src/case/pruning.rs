//! Pruning: old tasks are deleted in order, and their uids are not used again.

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskQuery, TaskStatus};

use crate::harness::Harness;
use crate::sample::{at, create, finish, put};

/// TASK-10.
pub(crate) async fn prune_takes_the_earliest_finished_first<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = create(&store, 5).await;
    for (task, millis) in tasks.iter().zip([30, 10, 20, 10, 40]) {
        finish(&store, task, TaskStatus::Succeeded, millis).await;
    }
    let mut left: Vec<u32> = vec![0, 1, 2, 3, 4];
    for gone in [1, 3, 2] {
        assert_eq!(store.task_prune(at(40), 1).await.unwrap(), 1);
        left.retain(|uid| *uid != gone);
        let page = store.task_list(&TaskQuery { reverse: true, ..TaskQuery::default() }).await.unwrap();
        assert_eq!(page.tasks.iter().map(|task| task.uid.0).collect::<Vec<_>>(), left);
        assert_eq!(page.total, left.len() as u64);
    }
    assert_eq!(store.task_prune(at(40), 100).await.unwrap(), 1);
    assert_eq!(store.task_prune(at(40), 100).await.unwrap(), 0);
}

/// TASK-9.
pub(crate) async fn prune_spares_unfinished_tasks<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = create(&store, 3).await;
    // A time of finishing alone does not make a task finished.
    let odd = Task { status: TaskStatus::Processing, finished_at: Some(at(1)), ..tasks[0].clone() };
    put(&store, odd).await;
    let canceled = finish(&store, &tasks[1], TaskStatus::Canceled, 5).await;
    assert_eq!(store.task_prune(at(i64::MAX), u32::MAX).await.unwrap(), 1);
    assert_eq!(store.task_get(canceled.uid).await.unwrap(), None);
    assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap().total, 2);
}

/// TASK-9, TASK-10.
pub(crate) async fn prune_bound_is_exclusive<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    finish(&store, &task, TaskStatus::Failed, 100).await;
    assert_eq!(store.task_prune(at(99), 10).await.unwrap(), 0);
    assert_eq!(store.task_prune(at(100), 10).await.unwrap(), 0);
    assert_eq!(store.task_prune(at(101), 0).await.unwrap(), 0, "a limit of 0");
    assert_eq!(store.task_prune(at(101), 10).await.unwrap(), 1);
}

/// TASK-1.
pub(crate) async fn uids_are_not_reused_after_pruning<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    for task in create(&store, 3).await {
        finish(&store, &task, TaskStatus::Succeeded, 1).await;
    }
    assert_eq!(store.task_prune(at(2), 10).await.unwrap(), 3);
    assert_eq!(create(&store, 1).await[0].uid, TaskUid(3));
    drop(store);
    harness.reopen().await;
    assert_eq!(create(&harness.store(), 1).await[0].uid, TaskUid(4));
}
