//! Values read back as they were written.

use miroir_domain::TaskUid;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{NewTask, Task, TaskQuery, TaskStatus};
use miroir_ports::outbound::{Advance, Create, NodeSettingsVersion};
use serde_json::json;

use crate::harness::Harness;
use crate::sample::{any_task, at, create, entry, full_task, index, node, object, physical, put};

/// STORE-4, TASK-1, TASK-2.
pub(crate) async fn create_returns_the_row_that_get_reads<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let new = NewTask {
        details: Some(object(json!({"receivedDocuments": 3}))),
        custom_metadata: Some("mine".to_owned()),
        ..any_task()
    };
    let row = store.task_create(new.clone(), at(42)).await.unwrap();
    assert_eq!(row, new.into_task(TaskUid(0), at(42)));
    assert_eq!(store.task_get(TaskUid(0)).await.unwrap(), Some(row));
}

/// TASK-2.
pub(crate) async fn create_stores_a_failed_task_as_finished<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let failure = ErrorCode::InvalidDocumentId.with_message("Document identifier `a b` is invalid");
    let new = NewTask { failure: Some(failure.clone()), ..any_task() };
    let row = store.task_create(new, at(7)).await.unwrap();
    assert_eq!(
        (row.status, row.finished_at, row.error.as_ref()),
        (TaskStatus::Failed, Some(at(7)), Some(&failure))
    );
    assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row));
    assert!(store.task_list_unfinished(None, 10).await.unwrap().is_empty());
}

/// STORE-4, TASK-3.
pub(crate) async fn put_stores_every_field<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    create(&store, 1).await;
    let stored = put(&store, full_task(TaskUid(0), 1)).await;
    assert_eq!(stored.version, 2);
    assert_eq!(store.task_get(TaskUid(0)).await.unwrap(), Some(stored.clone()));
    let emptied = Task {
        index_uid: None,
        node_tasks: [].into(),
        node_errors: [].into(),
        error: None,
        details: None,
        started_at: None,
        finished_at: None,
        canceled_by: None,
        custom_metadata: None,
        ..stored
    };
    let stored = put(&store, emptied).await;
    assert_eq!(store.task_get(TaskUid(0)).await.unwrap(), Some(stored));
}

/// STORE-4, INDEX-2, INDEX-4.
pub(crate) async fn index_entry_reads_back_as_written<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut entry = entry("movies");
    entry.primary_key = None;
    entry.physical_uid = physical("movies--7");
    entry.version = 5;
    assert_eq!(store.index_create(&entry).await.unwrap(), Create::Created);
    assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry.clone()));
    entry.primary_key = Some(crate::sample::primary_key("nested.id"));
    entry.updated_at = at(30);
    store.index_put(&entry).await.unwrap();
    entry.version = 6;
    assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry));
}

/// STORE-4, NODESET-1.
pub(crate) async fn node_settings_read_back_as_written<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let (index_uid, node_id) = (physical("movies"), node("n-0"));
    let advance = store.node_settings_advance(&index_uid, &node_id, 0, at(3)).await.unwrap();
    assert_eq!(advance, Advance::Advanced);
    let row = NodeSettingsVersion {
        index_uid: index_uid.clone(),
        node_id: node_id.clone(),
        version: 0,
        updated_at: at(3),
    };
    assert_eq!(store.node_settings_get(&index_uid, &node_id).await.unwrap(), Some(row.clone()));
    assert_eq!(store.node_settings_list(&index_uid).await.unwrap(), vec![row]);
}

/// STORE-3.
pub(crate) async fn get_returns_none_without_a_row<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for uid in [0, 1, u32::MAX] {
        assert_eq!(store.task_get(TaskUid(uid)).await.unwrap(), None);
    }
    assert_eq!(store.index_get(&index("movies")).await.unwrap(), None);
    assert!(!store.index_delete(&index("movies"), &physical("movies")).await.unwrap());
    assert_eq!(store.node_settings_get(&physical("movies"), &node("n-0")).await.unwrap(), None);
    assert!(store.node_settings_list(&physical("movies")).await.unwrap().is_empty());
    assert!(store.index_list(None, 10).await.unwrap().is_empty());
    let page = store.task_list(&TaskQuery::default()).await.unwrap();
    assert_eq!((page.tasks.len(), page.total, page.next), (0, 0, None));
    assert_eq!(store.task_prune(at(i64::MAX), u32::MAX).await.unwrap(), 0);
}

/// STATUS-1.
pub(crate) async fn ping_changes_nothing_visible<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = create(&store, 1).await;
    store.store_ping().await.unwrap();
    assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap().tasks, tasks);
    assert_eq!(create(&store, 1).await[0].uid, TaskUid(1));
}
