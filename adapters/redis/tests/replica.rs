//! Replicas on a server: damaged rows, and stamps at the limit of Lua's numbers.

mod support;

use miroir_domain::replica::{Difference, ReplicaMark, ReplicaState};
use miroir_domain::task::{Task, TaskStatus};
use miroir_domain::{NodeId, PhysicalUid, ShardSet, TaskUid};
use miroir_ports::outbound::{
    ChangeOutbox as _, Consequences, NewChange, Outcome, Put, ReplicaTable as _, StoreError, TaskTable as _,
};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;
use serde_json::json;
use support::proxy::{Cut, Proxy};
use support::{assert_unavailable, at, new_task, open};

const ROW: &str = "miroir:replicas:films:n-0";

fn films() -> PhysicalUid {
    "films".parse().unwrap()
}

fn node() -> NodeId {
    "n-0".parse().unwrap()
}

fn mark(difference: Difference) -> ReplicaMark {
    let reason = "missed".to_owned();
    ReplicaMark { index: films(), node: node(), difference, task: Some(TaskUid(3)), reason, at: at(7) }
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>, of_key: &str) {
    match result {
        Err(StoreError::Corrupt { table: "replicas", key, .. }) => assert!(key.contains(of_key), "{key}"),
        other => panic!("{other:?} is not corrupt"),
    }
}

#[tokio::test]
async fn row_of_a_replica_is_readable_on_the_server() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let shards = Difference::of_shards(ShardSet::all(1));
    store.replica_mark(&[mark(shards), mark(Difference::of_index())]).await.unwrap();
    let field = |field| server.say(&["HGET", ROW, field]);
    assert_eq!(field("state"), r#"{"shards":{"0":1},"index":2}"#);
    assert_eq!((field("index"), field("node")), ("films".to_owned(), "n-0".to_owned()));
    assert_eq!((field("task"), field("since")), ("3".to_owned(), "7".to_owned()));
    assert_eq!(field("reason"), "missed");
    assert_eq!(server.say(&["GET", "miroir:replicas:_stamp"]), "2");
    assert_eq!(
        server.say(&["GET", "miroir:schema_version"]),
        "1",
        "earlier versions use the keyspace as well"
    );
    let rows = store.statistics().await.unwrap().rows;
    assert!(rows.contains(&("replicas".to_owned(), 1)), "{rows:?}");
}

#[tokio::test]
async fn damaged_state_is_corrupt_and_stays_as_it_is() {
    let states = [
        "",
        "3",
        "{",
        r#"{"shards":{"1":"#,
        r#"{"shards":{"1":-1}}"#,
        r#"{"shards":{"x":1}}"#,
        r#"{"settings":1.5}"#,
        r#"{"settings":"1"}"#,
        r#"{"shards":[1]}"#,
    ];
    for state in states {
        let server = RedisServer::start();
        let store = open(&server).await;
        store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
        server.say(&["HSET", ROW, "state", state]);
        assert_corrupt(store.replica_get(&films(), &node()).await, "films:n-0");
        assert_corrupt(store.replica_list(None, 9).await, "films:n-0");
        assert_corrupt(store.replica_mark(&[mark(Difference::of_settings())]).await, "films:n-0");
        let seen = ReplicaState::default();
        assert_corrupt(store.replica_repaired(&films(), &node(), &seen).await, "films:n-0");
        assert_eq!(server.say(&["HGET", ROW, "state"]), state);
        assert_eq!(store.replica_forget(&films()).await.unwrap(), 1, "forgetting needs no field");
    }
}

/// A later version may know differences that this one would drop.
#[tokio::test]
async fn state_with_an_unknown_difference_is_not_changed() {
    let server = RedisServer::start();
    let store = open(&server).await;
    store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
    let state = r#"{"index":1,"synonyms":1}"#;
    server.say(&["HSET", ROW, "state", state]);
    assert_corrupt(store.replica_mark(&[mark(Difference::of_settings())]).await, "films:n-0");
    assert_corrupt(store.replica_repaired(&films(), &node(), &ReplicaState::default()).await, "films:n-0");
    assert_eq!(server.say(&["HGET", ROW, "state"]), state);
}

#[tokio::test]
async fn other_damage_of_a_row_is_corrupt_by_its_key() {
    let damages: [&[&str]; 7] = [
        &["HDEL", ROW, "state"],
        &["HDEL", ROW, "reason"],
        &["HSET", ROW, "index", "not an index"],
        &["HSET", ROW, "node", "not a node"],
        &["HSET", ROW, "task", "-1"],
        &["HSET", ROW, "since", "yesterday"],
        &["SET", ROW, "a string"],
    ];
    for damage in damages {
        let server = RedisServer::start();
        let store = open(&server).await;
        store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
        server.say(damage);
        assert_corrupt(store.replica_get(&films(), &node()).await, "films:n-0");
        assert_corrupt(store.replica_list(None, 9).await, "");
        if damage[0] != "HSET" && damage[2] != "reason" {
            // The key of a call with many marks is not known to its error if the type is wrong.
            assert_corrupt(store.replica_mark(&[mark(Difference::of_settings())]).await, "");
            assert_corrupt(
                store.replica_repaired(&films(), &node(), &ReplicaState::default()).await,
                "films:n-0",
            );
        }
    }
}

#[tokio::test]
async fn put_of_a_task_stores_nothing_if_a_mark_cannot_be_stored() {
    let damages: [&[&str]; 4] = [
        &["HSET", ROW, "state", "["],
        &["SET", ROW, "a string"],
        &["SET", "miroir:replicas:_stamp", "many"],
        &["LPUSH", "miroir:replicas:_stamp", "1"],
    ];
    for damage in damages {
        let server = RedisServer::start();
        let store = open(&server).await;
        let task = store.task_create(new_task("a"), at(1)).await.unwrap();
        store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
        server.say(&["DEL", damage[1]]);
        server.say(damage);
        let other = ReplicaMark { node: "n-1".parse().unwrap(), ..mark(Difference::of_index()) };
        let event = NewChange { sink_name: "s".to_owned(), index_uid: films().name(), body: json!(1) };
        let consequences = Consequences {
            marks: vec![other, mark(Difference::of_index())],
            changes: vec![event],
            budget_bytes: 100,
            settings: None,
        };
        let ended = Task { status: TaskStatus::Succeeded, ..task.clone() };
        let put = store.task_put_with(ended, consequences).await;
        assert!(matches!(put, Err(StoreError::Corrupt { .. })), "{damage:?}: {put:?}");
        assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task));
        assert_eq!(store.change_backlog("s").await.unwrap().events, 0);
        assert_eq!(store.replica_get(&films(), &"n-1".parse().unwrap()).await.unwrap(), None);
        let marked = store.replica_mark(&[mark(Difference::of_index())]).await;
        assert!(
            matches!(marked, Err(StoreError::Corrupt { table: "replicas", .. })),
            "{damage:?}: {marked:?}"
        );
    }
}

#[tokio::test]
async fn put_with_marks_that_was_cut_conflicts_when_repeated() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let store = RedisStore::open(RedisOptions::new(proxy.url())).await.unwrap();
    let task = store.task_create(new_task("a"), at(1)).await.unwrap();
    let marks = || vec![mark(Difference::of_index())];
    let consequences = || Consequences { marks: marks(), ..Consequences::default() };
    // Loads the script, so that each put is one command.
    assert_eq!(store.task_put_with(task.clone(), consequences()).await.unwrap(), Put::Stored);
    for (cut, stamp, repeated) in [(Cut::Before, 1, Put::Stored), (Cut::After, 3, Put::Conflict)] {
        let task = store.task_get(task.uid).await.unwrap().unwrap();
        proxy.cut_next(cut);
        let put = store.task_put_with(task.clone(), consequences()).await;
        assert_unavailable(put, Outcome::Unknown, "Redis");
        let state = store.replica_get(&films(), &node()).await.unwrap().unwrap().state;
        assert_eq!(state.index, Some(stamp));
        assert_eq!(store.task_put_with(task, consequences()).await.unwrap(), repeated);
    }
    let state = store.replica_get(&films(), &node()).await.unwrap().unwrap().state;
    assert_eq!(state.index, Some(3));
}

#[tokio::test]
async fn name_without_a_row_is_not_listed() {
    let server = RedisServer::start();
    let store = open(&server).await;
    store.replica_mark(&[mark(Difference::of_index())]).await.unwrap();
    server.say(&["DEL", ROW]);
    assert_eq!(store.replica_list(None, 9).await.unwrap(), []);
    assert_eq!(server.say(&["ZCARD", "miroir:replicas:_index"]), ":0\r\n");
    server.say(&["ZADD", "miroir:replicas:_index", "0", "films:n-0"]);
    assert_eq!(store.replica_forget(&films()).await.unwrap(), 0);
}

#[tokio::test]
async fn damaged_recovery_is_corrupt() {
    let key = "miroir:replicas:_recovery";
    for damage in [
        ["HSET", key, "term", "-1"].as_slice(),
        &["HSET", key, "term", "2", "oldest_open", "4294967296"],
        &["HSET", key, "term", "2"],
        &["SET", key, "a string"],
    ] {
        let server = RedisServer::start();
        let store = open(&server).await;
        server.say(damage);
        assert_corrupt(store.replica_recovery_get().await, key);
    }
}

/// A number of Lua is exact up to 2^53, and the default format of cjson has 14 digits.
#[tokio::test]
async fn stamps_are_exact_up_to_the_limit_of_lua() {
    const LIMIT: u64 = 1 << 53;
    let server = RedisServer::start();
    let store = open(&server).await;
    server.say(&["SET", "miroir:replicas:_stamp", &(LIMIT - 4).to_string()]);
    let (all, one) = (Difference::of_shards(ShardSet::all(3)), Difference::of_shards(ShardSet::all(1)));
    store.replica_mark(&[mark(all), mark(Difference::of_settings())]).await.unwrap();
    let seen = store.replica_get(&films(), &node()).await.unwrap().unwrap().state;
    assert_eq!(seen.shards.values().copied().collect::<Vec<_>>(), [LIMIT - 3; 3]);
    assert_eq!(seen.settings, Some(LIMIT - 2));
    store.replica_mark(&[mark(one)]).await.unwrap();
    store.replica_repaired(&films(), &node(), &seen).await.unwrap();
    let left = store.replica_get(&films(), &node()).await.unwrap().unwrap().state;
    assert_eq!(left, ReplicaState::default().marked(&Difference::of_shards(ShardSet::all(1)), LIMIT - 1));
}
