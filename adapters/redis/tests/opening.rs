//! Checks of a server before it is used.

mod support;

use miroir_ports::error_chain;
use miroir_ports::outbound::{IndexTable as _, Outcome, StoreError, StoreStatus as _, TaskTable as _};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::{RedisServer, free_address};
use support::{assert_unavailable, at, index_entry, new_task, open};

fn invalid(result: Result<RedisStore, StoreError>) -> String {
    match result {
        Err(StoreError::InvalidInput(reason)) => reason,
        other => panic!("{other:?} is not refused as unfit"),
    }
}

#[tokio::test]
async fn open_refuses_a_server_that_evicts_unless_allowed() {
    let server = RedisServer::with(&["--maxmemory-policy", "allkeys-lru"]);
    let reason = invalid(RedisStore::open(RedisOptions::new(server.url())).await);
    assert!(reason.contains("allkeys-lru") && reason.contains("noeviction"), "{reason}");
    assert_eq!(server.say(&["DBSIZE"]), ":0\r\n", "nothing was written");
    let allowed = RedisOptions { allow_eviction: true, ..RedisOptions::new(server.url()) };
    RedisStore::open(allowed).await.unwrap();
}

#[tokio::test]
async fn open_refuses_a_schema_that_is_ahead_with_both_numbers() {
    let server = RedisServer::start();
    open(&server).await.task_create(new_task("a"), at(1)).await.unwrap();
    assert_eq!(server.say(&["GET", "miroir:schema_version"]), "1");
    server.say(&["SET", "miroir:schema_version", "99"]);
    let refused = RedisStore::open(RedisOptions::new(server.url())).await;
    assert!(matches!(refused, Err(StoreError::SchemaAhead { found: 99, supported: 2 })), "{refused:?}");
    assert_eq!(server.say(&["GET", "miroir:schema_version"]), "99", "it was not touched");
    server.say(&["SET", "miroir:schema_version", "nonsense"]);
    let refused = RedisStore::open(RedisOptions::new(server.url())).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}

#[tokio::test]
async fn first_index_with_a_uid_of_its_own_closes_the_store_to_earlier_programs() {
    let server = RedisServer::start();
    let store = open(&server).await;
    store.index_create(&index_entry("movies", "movies")).await.unwrap();
    assert_eq!(server.say(&["GET", "miroir:schema_version"]), "1", "earlier programs read this store right");
    store.index_create(&index_entry("books", "books--7")).await.unwrap();
    assert_eq!(server.say(&["GET", "miroir:schema_version"]), "2");
    let entry = open(&server).await.index_get(&"books".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(entry.physical_uid.as_str(), "books--7");
}

#[tokio::test]
async fn open_is_retryable_without_a_server() {
    let options = RedisOptions::new(format!("redis://{}/0", free_address()));
    assert_unavailable(RedisStore::open(options).await, Outcome::NotApplied, "cannot connect");
}

#[tokio::test]
async fn password_and_acl_user_come_from_the_url() {
    let server = RedisServer::with(&["--requirepass", "right"]);
    let at_server = |who: &str| RedisOptions::new(format!("redis://{who}{}/0", server.address()));
    for who in ["", ":wrong@", "nobody:right@"] {
        let refused = RedisStore::open(at_server(who)).await;
        match &refused {
            Err(error @ StoreError::Unavailable { outcome: Outcome::NotApplied, .. }) => {
                let reason = error_chain(error);
                assert!(reason.contains("password"), "{reason}");
                assert!(!reason.contains("right") && !reason.contains("wrong@"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    RedisStore::open(at_server(":right@")).await.unwrap();
}

#[tokio::test]
async fn call_without_rights_names_the_acl() {
    let server = RedisServer::start();
    server.say(&[
        "ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+info", "+ping", "+set", "+hello",
        "+client",
    ]);
    let options = RedisOptions::new(format!("redis://reader:secret@{}/0", server.address()));
    let store = RedisStore::open(options).await.unwrap();
    assert_unavailable(store.task_create(new_task("a"), at(1)).await, Outcome::NotApplied, "ACL");
    assert_eq!(store.task_get(miroir_domain::TaskUid(0)).await.unwrap(), None);
}

#[tokio::test]
async fn write_to_a_replica_is_refused_with_advice() {
    let master = RedisServer::start();
    let replica = RedisServer::start();
    let port = master.address().port().to_string();
    let store = open(&replica).await;
    replica.say(&["REPLICAOF", "127.0.0.1", &port]);
    assert_unavailable(store.store_ping().await, Outcome::NotApplied, "replica");
    assert_unavailable(store.task_create(new_task("a"), at(1)).await, Outcome::NotApplied, "replica");
}

#[tokio::test]
async fn server_without_memory_refuses_writes_and_still_reads() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let task = store.task_create(new_task("a"), at(1)).await.unwrap();
    server.say(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_unavailable(store.task_create(new_task("b"), at(1)).await, Outcome::NotApplied, "maxmemory");
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task));
    server.say(&["CONFIG", "SET", "maxmemory", "0"]);
    let next = store.task_create(new_task("c"), at(1)).await.unwrap();
    assert_eq!(next.uid.0, 1, "the refused one took no uid");
}

#[tokio::test]
async fn open_refuses_invalid_urls() {
    for url in ["", "http://127.0.0.1:1", "redis+sentinel://127.0.0.1:1", "redis://127.0.0.1:99999"] {
        invalid(RedisStore::open(RedisOptions::new(url)).await);
    }
}

#[tokio::test]
async fn stores_of_two_prefixes_are_separate() {
    let server = RedisServer::start();
    let one = open(&server).await;
    let options = RedisOptions { prefix: "other".to_owned(), ..RedisOptions::new(server.url()) };
    let other = RedisStore::open(options).await.unwrap();
    let task = one.task_create(new_task("a"), at(1)).await.unwrap();
    assert_eq!(other.task_get(task.uid).await.unwrap(), None);
    assert_eq!(other.task_create(new_task("b"), at(1)).await.unwrap().uid, task.uid);
}
