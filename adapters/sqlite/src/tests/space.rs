//! Limits of space: a full disk, and a log that must not grow without bound.

use miroir_domain::task::NewTask;
use miroir_ports::outbound::{Outcome, StoreError, TaskTable as _};

use super::{Folder, at, new_task};
use crate::{SqliteOptions, SqliteStore};

/// Limits the file to `pages` more pages, as a full disk would.
async fn limit_file(store: &SqliteStore, pages: i64) {
    store
        .write(move |connection| {
            let used: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update_and_check(None, "max_page_count", used + pages, |_| Ok(()))?;
            Ok(())
        })
        .await
        .unwrap();
}

fn large() -> NewTask {
    NewTask { custom_metadata: Some("x".repeat(1 << 18)), ..new_task() }
}

#[tokio::test]
async fn full_disk_refuses_without_effect_and_recovers_with_space() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    limit_file(&store, 10).await;
    match store.task_create(large(), at(2)).await {
        Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
            assert!(reason.contains("no space") && reason.contains("miroir.db"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    let small = store.task_create(new_task(), at(3)).await.unwrap();
    assert_eq!(small.uid.0, 1, "what fits is taken, and the refused task took no uid");
    limit_file(&store, 1_000_000).await;
    assert_eq!(store.task_create(large(), at(4)).await.unwrap().uid.0, 2);
}

#[tokio::test]
async fn full_disk_fails_only_the_changes_that_do_not_fit() {
    let folder = Folder::new();
    let store = folder.open().await;
    limit_file(&store, 20).await;
    let blocked = super::BlockedWriter::block(&store).await;
    let mut callers = Vec::new();
    for number in 0..9 {
        let caller = std::sync::Arc::clone(&store);
        let task = if number % 3 == 1 { large() } else { new_task() };
        callers.push(tokio::spawn(async move { caller.task_create(task, at(1)).await.is_ok() }));
    }
    super::queued(&store, 9).await;
    blocked.release().await;
    for (number, caller) in callers.into_iter().enumerate() {
        assert_eq!(caller.await.unwrap(), number % 3 != 1, "change {number}");
    }
}

#[tokio::test]
async fn log_is_truncated_once_no_reader_needs_it() {
    const LIMIT: u64 = 256 << 10;
    let folder = Folder::new();
    let options = SqliteOptions { wal_limit_bytes: LIMIT, checkpoint_pages: 16, ..folder.options() };
    let store = SqliteStore::open(options).await.unwrap();
    store.task_create(new_task(), at(1)).await.unwrap();
    let reader = folder.connect();
    reader.execute_batch("BEGIN; SELECT count(*) FROM tasks").unwrap();
    for _ in 0..8 {
        store.task_create(large(), at(1)).await.unwrap();
    }
    let grown = store.stats().wal_bytes;
    assert!(grown > 8 << 18, "a reader keeps the log: {grown} bytes");
    reader.execute_batch("COMMIT").unwrap();
    // Truncation is tried again after some growth.
    for _ in 0..2 {
        store.task_create(large(), at(1)).await.unwrap();
    }
    let cut = store.stats().wal_bytes;
    assert!(cut <= LIMIT + (2 << 18), "{cut} bytes are left");
    store.task_create(new_task(), at(1)).await.unwrap();
}

#[tokio::test]
async fn log_stays_within_its_limit_without_readers() {
    let folder = Folder::new();
    let options = SqliteOptions { wal_limit_bytes: 1 << 20, checkpoint_pages: 64, ..folder.options() };
    let store = SqliteStore::open(options).await.unwrap();
    for _ in 0..40 {
        store.task_create(large(), at(1)).await.unwrap();
        let size = store.stats().wal_bytes;
        assert!(size <= 2 << 20, "{size} bytes");
    }
}
