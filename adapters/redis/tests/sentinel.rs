//! A master that goes away, and the replica that a Sentinel puts in its place.

mod support;

use std::time::Duration;

use miroir_ports::outbound::{StoreError, StoreStatus as _, TaskTable as _};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;
use support::{at, new_task};

/// How often something is looked at before the test gives up, a fifth of a second apart.
const LOOKS: u32 = 300;

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..LOOKS {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it never came that {what}");
}

/// The store of the master that `sentinel` names.
///
/// A Sentinel that waits longer than it likes for an answer calls a master down for a moment, as on a busy machine.
async fn open_when_well(sentinel: &RedisServer) -> RedisStore {
    let url = format!("redis+sentinel://{}/main/0", sentinel.address());
    for _ in 0..LOOKS {
        match RedisStore::open(RedisOptions::new(url.clone())).await {
            Ok(store) => return store,
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the sentinel never named a master that works");
}

#[tokio::test]
async fn store_follows_the_master_that_the_sentinel_names() {
    let mut master = RedisServer::start();
    let replica = RedisServer::start();
    replica.say(&["REPLICAOF", "127.0.0.1", &master.address().port().to_string()]);
    let sentinel = RedisServer::sentinel(&master);
    until("the sentinel knows the replica", async || {
        sentinel.say(&["INFO", "sentinel"]).contains("slaves=1")
    })
    .await;
    let store = open_when_well(&sentinel).await;
    let task = store.task_create(new_task("before"), at(1)).await.unwrap();
    until("the replica has the task", async || replica.say(&["EXISTS", "miroir:tasks:0"]).starts_with(":1"))
        .await;
    master.kill();
    assert!(matches!(store.store_ping().await, Err(StoreError::Unavailable { .. })));
    until("the store works again", async || store.store_ping().await.is_ok()).await;
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task.clone()));
    assert!(store.task_create(new_task("after"), at(1)).await.unwrap().uid > task.uid);
    assert!(replica.say(&["EXISTS", "miroir:tasks:1"]).starts_with(":1"), "it went to the new master");
}

#[tokio::test]
async fn sentinel_that_knows_no_such_master_says_so() {
    let master = RedisServer::start();
    let sentinel = RedisServer::sentinel(&master);
    let url = format!("redis+sentinel://{}/other/0", sentinel.address());
    let refused = RedisStore::open(RedisOptions::new(url)).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
}
