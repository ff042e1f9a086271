//! A master that stops, and the replica that a Sentinel promotes.

mod support;

use std::time::Duration;

use miroir_ports::outbound::{StoreError, StoreStatus as _, TaskTable as _};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;
use support::{at, new_task};

/// The number of attempts before the test fails, a fifth of a second apart.
const ATTEMPTS: u32 = 300;

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..ATTEMPTS {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what}: not within the time");
}

/// Opens the store of the master that `sentinel` names.
///
/// On a busy machine a Sentinel that waits too long for a response takes the master for down for a moment.
async fn open_when_well(sentinel: &RedisServer) -> RedisStore {
    let url = format!("redis+sentinel://{}/main/0", sentinel.address());
    for _ in 0..ATTEMPTS {
        match RedisStore::open(RedisOptions::new(url.clone())).await {
            Ok(store) => return store,
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the sentinel did not name a working master");
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
async fn open_names_the_master_that_a_sentinel_does_not_know() {
    let master = RedisServer::start();
    let sentinel = RedisServer::sentinel(&master);
    let url = format!("redis+sentinel://{}/other/0", sentinel.address());
    let refused = RedisStore::open(RedisOptions::new(url)).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
}
