//! Rows for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::document::PrimaryKey;
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NewTask, NodeMiss, NodeTask, NodeTaskState, Task, TaskKind, TaskStatus};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, Shard, ShardSet, TaskUid, Timestamp};
use miroir_ports::outbound::{Put, TaskStore};
use serde_json::{Map, Value, json};

/// Returns the instant `millis` after the epoch.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Returns a physical uid.
pub fn physical(uid: &str) -> PhysicalUid {
    uid.parse().unwrap()
}

/// Returns the index called `name`.
pub fn index(name: &str) -> IndexUid {
    name.parse().unwrap()
}

/// Returns the node called `name`.
pub fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// Returns the primary key called `name`.
pub fn primary_key(name: &str) -> PrimaryKey {
    serde_json::from_value(Value::from(name)).unwrap()
}

/// Returns the JSON object `value`.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// Returns a task of `kind` on `index_uid`, for one node.
pub fn new_task(kind: TaskKind, index_uid: Option<&str>) -> NewTask {
    NewTask {
        kind,
        index_uid: index_uid.map(index),
        physical_uid: None,
        node_tasks: BTreeMap::from([(node("n-0"), NodeTask::pending(ShardSet::all(3)))]),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    }
}

/// Returns a task of additions to `movies`, for cases that do not depend on the task.
pub fn any_task() -> NewTask {
    new_task(TaskKind::DocumentAdditionOrUpdate, Some("movies"))
}

/// Returns a task with every field filled.
pub fn full_task(uid: TaskUid, version: u64) -> Task {
    let error = ErrorCode::MiroirNodeUnavailable.with_message("node `n-2` did not answer");
    let reported = NodeTask {
        uid: Some(u32::MAX),
        status: NodeTaskState::Failed,
        error: Some(error.clone()),
        shards: [0, 7, u32::MAX].into_iter().map(Shard).collect(),
        details: Some(object(json!({"receivedDocuments": 12, "nested": {"list": [1, null, "x"]}}))),
        started_at: Some(at(5)),
        finished_at: Some(at(9)),
        settings_version: Some(u64::MAX),
        acknowledged: true,
    };
    Task {
        uid,
        version,
        created_at: at(1),
        status: TaskStatus::Failed,
        kind: TaskKind::SettingsUpdate,
        index_uid: Some(index("books")),
        physical_uid: Some(physical("books--7")),
        node_tasks: BTreeMap::from([
            (node("n-0"), reported),
            (node("n-1"), NodeTask::pending(ShardSet::default())),
        ]),
        node_errors: BTreeMap::from([(
            node("n-2"),
            NodeMiss { error: error.clone(), shards: ShardSet::all(2) },
        )]),
        error: Some(error),
        details: Some(Map::new()),
        started_at: Some(at(5)),
        finished_at: Some(at(9)),
        canceled_by: Some(TaskUid(u32::MAX)),
        custom_metadata: Some("from the client".to_owned()),
    }
}

/// Returns a registry entry of version 1.
pub fn entry(uid: &str) -> IndexEntry {
    IndexEntry {
        uid: index(uid),
        physical_uid: physical(uid),
        primary_key: Some(primary_key("id")),
        shard_count: 16,
        settings_version: 1,
        created_at: at(10),
        updated_at: at(20),
        version: 1,
    }
}

/// Creates `count` tasks and returns their rows.
pub async fn create(store: &Arc<dyn TaskStore>, count: usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        tasks.push(store.task_create(any_task(), at(0)).await.unwrap());
    }
    tasks
}

/// Stores `task`, which must not be refused, and returns its new row.
pub async fn put(store: &Arc<dyn TaskStore>, task: Task) -> Task {
    assert_eq!(store.task_put(task.clone()).await.unwrap(), Put::Stored);
    Task { version: task.version + 1, ..task }
}

/// Ends `task` in `status` at `millis`.
pub async fn finish(store: &Arc<dyn TaskStore>, task: &Task, status: TaskStatus, millis: i64) -> Task {
    let ended = Task { status, started_at: Some(at(millis)), finished_at: Some(at(millis)), ..task.clone() };
    put(store, ended).await
}
