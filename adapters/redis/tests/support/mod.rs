//! Helpers of the tests on a real server.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod proxy;

use std::sync::Arc;

use miroir_domain::Timestamp;
use miroir_domain::index::{FIRST_SETTINGS_VERSION, IndexEntry};
use miroir_domain::task::{NewTask, TaskKind};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Outcome, StoreError};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;

/// Opens a store on `server` with the default options.
pub async fn open(server: &RedisServer) -> Arc<RedisStore> {
    Arc::new(RedisStore::open(RedisOptions::new(server.url())).await.unwrap())
}

/// Returns a task that `label` identifies.
pub fn new_task(label: &str) -> NewTask {
    NewTask {
        kind: TaskKind::DocumentAdditionOrUpdate,
        index_uid: Some("films".parse().unwrap()),
        physical_uid: None,
        node_tasks: [].into(),
        details: None,
        custom_metadata: Some(label.to_owned()),
        failure: None,
        changes: None,
    }
}

/// Returns the entry of an index that the nodes keep under `physical_uid`.
pub fn index_entry(uid: &str, physical_uid: &str) -> IndexEntry {
    IndexEntry {
        uid: uid.parse().unwrap(),
        physical_uid: physical_uid.parse().unwrap(),
        primary_key: None,
        shard_count: 16,
        settings_version: FIRST_SETTINGS_VERSION,
        created_at: at(1),
        updated_at: at(1),
        version: 1,
    }
}

/// Returns an instant.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Asserts that `result` is `Unavailable` with `outcome`, and that its message with its causes contains
/// `words`.
pub fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>, outcome: Outcome, words: &str) {
    match result {
        Err(error @ StoreError::Unavailable { outcome: found, .. }) => {
            let reason = error_chain(&error);
            assert_eq!(found, outcome, "{reason}");
            assert!(reason.contains(words), "`{words}` is not in `{reason}`");
        }
        other => panic!("{other:?} is not unavailable"),
    }
}
