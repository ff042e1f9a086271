//! Conditional writes, and refused changes that change nothing.

use miroir_domain::TaskUid;
use miroir_domain::index::IndexEntry;
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::{Advance, Create, Put, StoreError, TaskStore};

use crate::harness::Harness;
use crate::sample::{at, create, entry, finish, full_task, index, node, physical, put};

/// TASK-3.
pub(crate) async fn task_put_conflicts_on_another_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    for version in [0, 2, u64::MAX] {
        let stale = Task { version, canceled_by: Some(TaskUid(9)), ..task.clone() };
        assert_eq!(store.task_put(stale).await.unwrap(), Put::Conflict, "version {version}");
    }
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task));
}

/// TASK-3.
pub(crate) async fn task_put_conflicts_without_a_row<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for uid in [0, u32::MAX] {
        assert_eq!(store.task_put(full_task(TaskUid(uid), 1)).await.unwrap(), Put::Conflict);
        assert_eq!(store.task_get(TaskUid(uid)).await.unwrap(), None);
    }
}

/// TASK-3.
pub(crate) async fn task_put_succeeds_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let next = put(&store, task.clone()).await;
    assert_eq!(store.task_put(task).await.unwrap(), Put::Conflict);
    assert_eq!(put(&store, next).await.version, 3);
}

/// TASK-4.
pub(crate) async fn task_put_refuses_to_move_a_status_back<H: Harness>() {
    use TaskStatus::{Canceled, Enqueued, Failed, Processing, Succeeded};
    let harness = H::start().await;
    let store = harness.store();
    let refused = [
        (Processing, Enqueued),
        (Succeeded, Enqueued),
        (Failed, Processing),
        (Canceled, Processing),
        (Succeeded, Failed),
        (Failed, Canceled),
        (Canceled, Succeeded),
    ];
    for (from, to) in refused {
        let task = create(&store, 1).await.remove(0);
        let task = put(&store, Task { status: from, ..task }).await;
        let result = store.task_put(Task { status: to, ..task.clone() }).await;
        assert!(matches!(result, Err(StoreError::InvalidInput(_))), "{from:?} to {to:?}: {result:?}");
        assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task));
    }
}

/// TASK-4.
pub(crate) async fn task_put_allows_every_status_to_move_forward<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for status in TaskStatus::ALL {
        let task = create(&store, 1).await.remove(0);
        let task = put(&store, Task { status, ..task }).await;
        // The same status again does not move back: a finished task still records the reports of its nodes.
        let task = put(&store, task).await;
        assert_eq!(store.task_get(task.uid).await.unwrap().unwrap().status, status);
    }
}

/// TASK-3, TASK-4.
pub(crate) async fn task_put_prefers_conflict_to_refusal<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    finish(&store, &task, TaskStatus::Succeeded, 1).await;
    assert_eq!(store.task_put(task).await.unwrap(), Put::Conflict);
}

/// INDEX-1.
pub(crate) async fn index_create_changes_nothing_when_the_uid_is_taken<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let first = entry("movies");
    assert_eq!(store.index_create(&first).await.unwrap(), Create::Created);
    let mut second = entry("movies");
    second.shard_count = 99;
    assert_eq!(store.index_create(&second).await.unwrap(), Create::Exists);
    assert_eq!(store.index_get(&first.uid).await.unwrap(), Some(first));
}

/// INDEX-2.
pub(crate) async fn index_put_conflicts_on_another_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut entry = entry("movies");
    assert_eq!(store.index_put(&entry).await.unwrap(), Put::Conflict, "no row");
    store.index_create(&entry).await.unwrap();
    entry.version = 2;
    entry.settings_version = 50;
    assert_eq!(store.index_put(&entry).await.unwrap(), Put::Conflict);
    let stored = store.index_get(&entry.uid).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.settings_version), (1, 1));
    entry.version = 1;
    assert_eq!(store.index_put(&entry).await.unwrap(), Put::Stored);
    assert_eq!(store.index_put(&entry).await.unwrap(), Put::Conflict, "the version was used up");
}

/// INDEX-3.
pub(crate) async fn index_delete_removes_its_node_settings<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.index_create(&entry("movies")).await.unwrap();
    for name in ["movies", "books"] {
        store.node_settings_advance(&physical(name), &node("n-0"), 1, at(0)).await.unwrap();
    }
    assert!(store.index_delete(&index("movies"), &physical("movies")).await.unwrap());
    assert_eq!(store.index_get(&index("movies")).await.unwrap(), None);
    assert!(store.node_settings_list(&physical("movies")).await.unwrap().is_empty());
    assert_eq!(store.node_settings_list(&physical("books")).await.unwrap().len(), 1);
    assert!(!store.index_delete(&index("books"), &physical("books")).await.unwrap(), "there is no entry");
    assert!(store.node_settings_list(&physical("books")).await.unwrap().is_empty(), "but its rows go");
}

/// INDEX-3.
pub(crate) async fn index_delete_leaves_another_index_of_the_name<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let further = IndexEntry { physical_uid: physical("movies--7"), ..entry("movies") };
    store.index_create(&further).await.unwrap();
    for name in ["movies", "movies--7"] {
        store.node_settings_advance(&physical(name), &node("n-0"), 1, at(0)).await.unwrap();
    }
    assert!(!store.index_delete(&index("movies"), &physical("movies")).await.unwrap());
    assert_eq!(store.index_get(&index("movies")).await.unwrap(), Some(further));
    assert!(store.node_settings_list(&physical("movies")).await.unwrap().is_empty());
    assert_eq!(store.node_settings_list(&physical("movies--7")).await.unwrap().len(), 1);
}

/// INDEX-6.
pub(crate) async fn deleted_physical_uids_are_known_for_ever<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    let further = IndexEntry { physical_uid: physical("movies--7"), ..entry("movies") };
    let was_deleted =
        async |store: &dyn TaskStore, uid| store.index_was_deleted(&physical(uid)).await.unwrap();
    store.index_create(&entry("movies")).await.unwrap();
    assert!(!was_deleted(store.as_ref(), "movies").await);
    store.index_delete(&index("movies"), &physical("movies")).await.unwrap();
    store.index_create(&further).await.unwrap();
    assert!(was_deleted(store.as_ref(), "movies").await);
    assert!(!was_deleted(store.as_ref(), "movies--7").await);
    store.index_delete(&index("movies"), &physical("movies--7")).await.unwrap();
    store.index_delete(&index("movies"), &physical("movies--7")).await.unwrap();
    store.index_create(&entry("movies")).await.unwrap();
    harness.reopen().await;
    for uid in ["movies", "movies--7"] {
        assert!(was_deleted(harness.store().as_ref(), uid).await, "{uid}");
    }
    assert!(!was_deleted(harness.store().as_ref(), "books").await);
}

/// NODESET-1.
pub(crate) async fn node_settings_never_go_back<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let (index, node) = (physical("movies"), node("n-0"));
    let advance = |version, millis| store.node_settings_advance(&index, &node, version, at(millis));
    assert_eq!(advance(5, 1).await.unwrap(), Advance::Advanced);
    for behind in [0, 4, 5] {
        assert_eq!(advance(behind, 2).await.unwrap(), Advance::Behind(5));
    }
    let row = store.node_settings_get(&index, &node).await.unwrap().unwrap();
    assert_eq!((row.version, row.updated_at), (5, at(1)));
    assert_eq!(advance(6, 3).await.unwrap(), Advance::Advanced);
}

/// STORE-7.
pub(crate) async fn put_refuses_a_version_that_cannot_grow<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut entry = entry("movies");
    entry.version = u64::MAX;
    store.index_create(&entry).await.unwrap();
    assert!(matches!(store.index_put(&entry).await, Err(StoreError::InvalidInput(_))));
    assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry));
}
