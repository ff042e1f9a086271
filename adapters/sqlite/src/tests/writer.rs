//! The writer: groups, and changes that fail, panic or lose their caller.

use std::sync::Arc;

use miroir_domain::TaskUid;
use miroir_domain::task::TaskQuery;
use miroir_ports::error_chain;
use miroir_ports::outbound::{Outcome, StoreError, StoreStatus as _, TaskTable as _};
use tokio::task::JoinSet;

use super::{BlockedWriter, Folder, at, new_task, queued};
use crate::error::Failure;
use crate::{SqliteOptions, SqliteStore};

/// Queues `count` creations behind a blocked writer, releases it, and returns the number of transactions they
/// took.
async fn groups_of(store: &Arc<SqliteStore>, count: usize) -> u64 {
    let blocked = BlockedWriter::block(store).await;
    let before = store.stats();
    let mut callers = JoinSet::new();
    for _ in 0..count {
        let store = Arc::clone(store);
        callers.spawn(async move { store.task_create(new_task(), at(1)).await.unwrap() });
    }
    queued(store, count).await;
    blocked.release().await;
    callers.join_all().await;
    let after = store.stats();
    // The blocking change has a group of its own.
    assert_eq!(after.operations - before.operations, count as u64 + 1);
    after.groups - before.groups - 1
}

#[tokio::test]
async fn changes_that_queued_up_share_a_transaction() {
    let folder = Folder::new();
    let store = folder.open().await;
    assert_eq!(groups_of(&store, 64).await, 1);
    assert_eq!(groups_of(&store, 65).await, 2);
    assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap().total, 129);
}

#[tokio::test]
async fn group_limit_is_as_configured() {
    let folder = Folder::new();
    let options = SqliteOptions { group_limit: 5, ..folder.options() };
    let store = Arc::new(SqliteStore::open(options).await.unwrap());
    assert_eq!(groups_of(&store, 12).await, 3);
}

/// Runs `odd` between two creations in one group and returns the three results.
async fn between_neighbours<F>(store: &Arc<SqliteStore>, odd: F) -> [Result<(), StoreError>; 3]
where
    F: Fn(&rusqlite::Connection) -> Result<(), Failure> + Send + 'static,
{
    let blocked = BlockedWriter::block(store).await;
    let neighbour = || {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.task_create(new_task(), at(1)).await.map(|_| ()) })
    };
    let first = neighbour();
    queued(store, 1).await;
    let middle = Arc::clone(store);
    let middle = tokio::spawn(async move { middle.write(odd).await });
    queued(store, 2).await;
    let last = neighbour();
    queued(store, 3).await;
    blocked.release().await;
    [first.await.unwrap(), middle.await.unwrap(), last.await.unwrap()]
}

/// Asserts that the middle one failed without effect, and that its neighbours succeeded.
async fn assert_failed_alone(store: &SqliteStore, results: &[Result<(), StoreError>; 3], words: &str) {
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    let Err(error @ StoreError::Unavailable { outcome: Outcome::NotApplied, .. }) = &results[1] else {
        panic!("{results:?}")
    };
    let reason = error_chain(error);
    assert!(reason.contains(words), "{reason}");
    let page = store.task_list(&TaskQuery::default()).await.unwrap();
    assert_eq!((page.tasks.len(), page.total), (2, 2));
    assert_eq!(store.task_create(new_task(), at(1)).await.unwrap().uid, TaskUid(2), "no uid was lost");
}

const STRAY: &str = "INSERT INTO task_counts VALUES ('stray', 'enqueued', 'export', 1)";

#[tokio::test]
async fn failing_change_fails_alone_and_leaves_nothing() {
    let folder = Folder::new();
    let store = folder.open().await;
    let results = between_neighbours(&store, |connection| {
        connection.execute_batch(STRAY)?;
        connection.execute_batch("INSERT INTO no_such_table VALUES (1)")?;
        Ok(())
    })
    .await;
    assert_failed_alone(&store, &results, "no_such_table").await;
    let stray: i64 = folder
        .connect()
        .query_row("SELECT count(*) FROM task_counts WHERE index_uid = 'stray'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stray, 0);
}

#[tokio::test]
async fn panicking_change_fails_alone_and_the_writer_goes_on() {
    let folder = Folder::new();
    let store = folder.open().await;
    let results = between_neighbours(&store, |connection| {
        connection.execute_batch(STRAY)?;
        panic!("on purpose")
    })
    .await;
    assert_failed_alone(&store, &results, "panicked").await;
}

#[tokio::test]
async fn change_that_breaks_the_transaction_fails_alone() {
    let folder = Folder::new();
    let store = folder.open().await;
    // SQLite does this by itself if the disk is full or broken.
    let results = between_neighbours(&store, |connection| {
        connection.execute_batch("ROLLBACK")?;
        Err(StoreError::not_applied("the transaction is gone").into())
    })
    .await;
    assert_failed_alone(&store, &results, "the transaction is gone").await;
}

#[tokio::test]
async fn dropped_caller_leaves_no_open_transaction() {
    let folder = Folder::new();
    let store = folder.open().await;
    let blocked = BlockedWriter::block(&store).await;
    let caller = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.task_create(new_task(), at(1)).await })
    };
    queued(&store, 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    blocked.release().await;
    // The change was accepted, so it is applied, and the lock is free for others.
    store.store_ping().await.unwrap();
    assert!(store.task_get(TaskUid(0)).await.unwrap().is_some());
    let other = folder.connect();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
}

#[tokio::test]
async fn close_drains_the_queue() {
    let folder = Folder::new();
    let store = folder.open().await;
    let blocked = BlockedWriter::block(&store).await;
    let mut callers = JoinSet::new();
    for _ in 0..150 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.task_create(new_task(), at(1)).await });
    }
    queued(&store, 150).await;
    let closing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.store_close().await })
    };
    blocked.release().await;
    closing.await.unwrap().unwrap();
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(folder.open().await.task_list(&TaskQuery::default()).await.unwrap().total, 150);
}

#[tokio::test]
async fn dropped_store_finishes_accepted_changes() {
    let folder = Folder::new();
    let store = folder.open().await;
    let blocked = BlockedWriter::block(&store).await;
    let caller = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.task_create(new_task(), at(1)).await })
    };
    queued(&store, 1).await;
    drop(store);
    blocked.release().await;
    let task = caller.await.unwrap().unwrap();
    assert_eq!(folder.open().await.task_get(task.uid).await.unwrap(), Some(task));
}

#[tokio::test]
async fn counts_agree_with_the_rows_after_every_kind_of_change() {
    let folder = Folder::new();
    let store = folder.open().await;
    for number in 0..30 {
        let task = store.task_create(new_task(), at(number)).await.unwrap();
        let statuses = miroir_domain::task::TaskStatus::ALL;
        let status = statuses[usize::try_from(number).unwrap() % 5];
        let index_uid = (number % 3 != 0).then(super::movies);
        let changed = miroir_domain::task::Task { status, index_uid, finished_at: Some(at(number)), ..task };
        store.task_put(changed).await.unwrap();
    }
    store.task_prune(at(20), 7).await.unwrap();
    let difference = "
        WITH truth AS (
            SELECT '*' AS index_uid, status, task_type, count(*) AS count FROM tasks GROUP BY 2, 3
            UNION ALL
            SELECT index_uid, status, task_type, count(*) FROM tasks WHERE index_uid IS NOT NULL GROUP BY 1, 2, 3
        )
        SELECT count(*) FROM (
            SELECT * FROM (SELECT * FROM truth EXCEPT SELECT * FROM task_counts)
            UNION ALL
            SELECT * FROM (SELECT * FROM task_counts EXCEPT SELECT * FROM truth)
        )";
    let differing: i64 = folder.connect().query_row(difference, [], |row| row.get(0)).unwrap();
    assert_eq!(differing, 0);
}
