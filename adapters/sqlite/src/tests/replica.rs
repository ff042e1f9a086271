//! Replicas in an SQLite file: damaged rows, and stamps at their limits.

use miroir_domain::replica::{Difference, ReplicaMark, ReplicaState};
use miroir_domain::task::{Task, TaskStatus};
use miroir_domain::{NodeId, ShardSet};
use miroir_ports::outbound::{
    ChangeOutbox as _, Consequences, NewChange, ReplicaTable as _, StoreError, TaskTable as _,
};
use serde_json::json;

use super::damage::assert_corrupt;
use super::{Folder, at, movies, new_task};

fn node() -> NodeId {
    "n-0".parse().unwrap()
}

fn mark(difference: Difference) -> ReplicaMark {
    ReplicaMark { index: movies(), node: node(), difference, task: None, reason: "missed".into(), at: at(7) }
}

#[tokio::test]
async fn damaged_replica_is_corrupt_and_stays_as_it_is() {
    let damages = [
        ("state", "'{\"shards\":{\"1\":'"),
        ("state", "'{\"shards\":{\"x\":1}}'"),
        ("state", "'{\"settings\":-1}'"),
        ("state", "'3'"),
        ("task", "4294967296"),
        ("task", "-1"),
        ("reason", "CAST(x'ff' AS TEXT)"),
        ("node_id", "'not a node'"),
    ];
    for (column, value) in damages {
        let folder = Folder::new();
        let store = folder.open().await;
        store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
        folder.connect().execute_batch(&format!("UPDATE replicas SET {column} = {value}")).unwrap();
        let key = if column == "node_id" { "movies/not a node" } else { "movies/n-0" };
        assert_corrupt(store.replica_list(None, 9).await, "replicas", key, column);
        if column != "node_id" {
            assert_corrupt(store.replica_get(&movies(), &node()).await, "replicas", key, column);
            assert_corrupt(
                store.replica_mark(&[mark(Difference::of_settings())]).await,
                "replicas",
                key,
                column,
            );
            let seen = ReplicaState::default();
            assert_corrupt(store.replica_repaired(&movies(), &node(), &seen).await, "replicas", key, column);
        }
        let select = format!("SELECT {column} IS {value} FROM replicas");
        let same: bool = folder.connect().query_row(&select, [], |row| row.get(0)).unwrap();
        assert!(same, "{column} is as it was");
        assert_eq!(store.replica_forget(&movies()).await.unwrap(), 1, "forgetting needs no column");
    }
}

#[tokio::test]
async fn put_of_a_task_stores_nothing_if_its_replica_is_damaged() {
    let folder = Folder::new();
    let store = folder.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
    folder.connect().execute_batch("UPDATE replicas SET state = '['").unwrap();
    let other = ReplicaMark { node: "n-1".parse().unwrap(), ..mark(Difference::of_index()) };
    let event = NewChange { sink_name: "s".into(), index_uid: movies(), body: json!(1) };
    let consequences = Consequences {
        marks: vec![other, mark(Difference::of_index())],
        changes: vec![event],
        budget_bytes: 100,
        settings: None,
    };
    let ended = Task { status: TaskStatus::Succeeded, ..task.clone() };
    assert_corrupt(store.task_put_with(ended, consequences).await, "replicas", "movies/n-0", "state");
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task));
    assert_eq!(store.change_backlog("s").await.unwrap().events, 0);
    assert_eq!(store.replica_get(&movies(), &"n-1".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn missing_counter_of_stamps_is_corrupt() {
    let folder = Folder::new();
    let store = folder.open().await;
    folder.connect().execute_batch("DELETE FROM replica_totals").unwrap();
    let marked = store.replica_mark(&[mark(Difference::of_index())]).await;
    assert!(matches!(marked, Err(StoreError::Corrupt { table: "replica_totals", .. })), "{marked:?}");
    assert_eq!(store.replica_get(&movies(), &node()).await.unwrap(), None);
}

#[tokio::test]
async fn damaged_recovery_is_corrupt() {
    for value in ["4294967296", "-1"] {
        let folder = Folder::new();
        let store = folder.open().await;
        let insert = format!("INSERT INTO replica_recovery VALUES (1, 2, {value})");
        folder.connect().execute_batch(&insert).unwrap();
        assert_corrupt(store.replica_recovery_get().await, "replica_recovery", "1", "oldest_open");
    }
}

#[tokio::test]
async fn stamps_are_exact_beyond_the_numbers_of_a_float() {
    let folder = Folder::new();
    let store = folder.open().await;
    folder.connect().execute_batch("UPDATE replica_totals SET last_stamp = 9007199254740992").unwrap();
    store.replica_mark(&[mark(Difference::of_shards(ShardSet::all(2)))]).await.unwrap();
    let seen = store.replica_get(&movies(), &node()).await.unwrap().unwrap().state;
    assert_eq!(seen.shards.values().copied().collect::<Vec<_>>(), [9_007_199_254_740_993; 2]);
    store.replica_mark(&[mark(Difference::of_shards(ShardSet::all(1)))]).await.unwrap();
    store.replica_repaired(&movies(), &node(), &seen).await.unwrap();
    let left = store.replica_get(&movies(), &node()).await.unwrap().unwrap().state;
    assert_eq!(left.shards.into_values().collect::<Vec<_>>(), [9_007_199_254_740_994]);
}
