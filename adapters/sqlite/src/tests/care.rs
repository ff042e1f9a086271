//! Backup, check and statistics.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_ports::outbound::{Outcome, StoreError, StoreStatus as _, TaskTable as _};

use super::{Folder, at, new_task};
use crate::{SCHEMA_VERSION, SqliteFile, SqliteOptions, SqliteStore};

fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.directory.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A copy that is taken while tasks are created holds every one that was acknowledged before it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_is_complete_under_writes() {
    let folder = Folder::new();
    let store = folder.open().await;
    for _ in 0..200 {
        store.task_create(new_task(), at(1)).await.unwrap();
    }
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..2_000 {
                store.task_create(new_task(), at(1)).await.unwrap();
            }
        }
    });
    for number in 0..5 {
        let before = store.task_create(new_task(), at(1)).await.unwrap().uid;
        let to = folder.directory.path().join(format!("copy-{number}.db"));
        store.backup(&to).await.unwrap();
        assert_eq!(SqliteFile::open(&to).unwrap().problems().unwrap(), [""; 0]);
        let copy = SqliteStore::open(SqliteOptions::new(&to)).await.unwrap();
        for uid in 0..=before.0 {
            assert!(copy.task_get(TaskUid(uid)).await.unwrap().is_some(), "task {uid} of {before}");
        }
        assert!(copy.task_create(new_task(), at(1)).await.unwrap().uid > before, "its uids go on");
        copy.store_close().await.unwrap();
    }
    writer.await.unwrap();
    assert!(!names_in(&folder).iter().any(|name| name.contains("partial")), "{:?}", names_in(&folder));
}

#[tokio::test]
async fn backup_overwrites_nothing_and_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    let file = SqliteFile::open(&folder.path()).unwrap();
    let taken = folder.directory.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    match file.backup(&taken) {
        Err(StoreError::InvalidInput(reason)) => assert!(reason.contains("taken"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    let nowhere = folder.directory.path().join("no/such/folder/copy.db");
    assert!(file.backup(&nowhere).unwrap_err().to_string().contains("no/such/folder"));
    file.backup(&folder.directory.path().join("copy.db")).unwrap();
    assert!(file.backup(&folder.directory.path().join("copy.db")).is_err());
    drop(file);
    let names = names_in(&folder);
    let unexpected = names.iter().find(|name| name.contains("partial"));
    assert_eq!(unexpected, None, "{names:?}");
}

/// A step that meets a lock copies nothing, which must not be taken for a copy.
#[tokio::test]
async fn backup_of_a_locked_store_fails_and_leaves_nothing() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    let other = folder.connect();
    // Readers of a log never wait for a lock; readers of a file without a log do.
    other.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).unwrap();
    let file = SqliteFile::open(&folder.path()).unwrap();
    file.connection.busy_timeout(Duration::from_millis(1)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let before = names_in(&folder);
    match file.backup(&folder.directory.path().join("copy.db")) {
        Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
            assert!(reason.contains("miroir.db") && reason.contains("try the backup again"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    assert_eq!(names_in(&folder), before);
    other.execute_batch("COMMIT").unwrap();
    file.backup(&folder.directory.path().join("copy.db")).unwrap();
}

/// Of many concurrent backups to one name, one succeeds and the others are refused, also if a process of the
/// same id left a file behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_gives_a_name_once() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    let to = folder.directory.path().join("copy.db");
    let left = folder.directory.path().join(format!(".copy.db.partial-{}-0", std::process::id()));
    fs::write(&left, "left behind").unwrap();
    let contenders: Vec<_> = (0..8)
        .map(|_| {
            let (store, to) = (store.clone(), to.clone());
            tokio::spawn(async move { store.backup(&to).await })
        })
        .collect();
    let mut made = 0;
    for contender in contenders {
        match contender.await.unwrap() {
            Ok(()) => made += 1,
            Err(StoreError::InvalidInput(reason)) => {
                assert!(reason.contains("overwrites nothing"), "{reason}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(made, 1);
    let rows = SqliteFile::open(&to).unwrap().statistics().unwrap().rows;
    assert!(rows.contains(&("tasks".to_owned(), 1)), "{rows:?}");
    assert_eq!(fs::read_to_string(&left).unwrap(), "left behind");
    fs::remove_file(left).unwrap();
    assert!(!names_in(&folder).iter().any(|name| name.contains("partial")), "{:?}", names_in(&folder));
}

#[tokio::test]
async fn check_finds_damage() {
    let folder = Folder::new();
    let store = folder.open().await;
    for _ in 0..2_000 {
        store.task_create(new_task(), at(1)).await.unwrap();
    }
    store.store_close().await.unwrap();
    let whole = SqliteFile::open(&folder.path()).unwrap();
    assert_eq!(whole.problems().unwrap(), [""; 0]);
    drop(whole);
    let file = fs::File::options().write(true).open(folder.path()).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.write_all_at(&[0xa5; 8_192], middle).unwrap();
    let damaged = SqliteFile::open(&folder.path()).unwrap();
    assert!(!damaged.problems().unwrap().is_empty());
}

/// Some damage ends SQLite's check early. It is a finding, not a failure.
#[tokio::test]
async fn check_finds_damage_on_any_page() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    let whole = fs::read(folder.path()).unwrap();
    // The first page identifies the file, and a file without it does not open.
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(folder.path(), bytes).unwrap();
        let found = SqliteFile::open(&folder.path()).and_then(|file| file.problems());
        match found {
            Ok(problems) => assert!(!problems.is_empty(), "page {page}"),
            Err(StoreError::InvalidInput(reason)) => assert!(reason.contains("damaged"), "{page}: {reason}"),
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn check_finds_rows_without_their_parent() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    let connection = folder.connect();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
        .execute_batch(
            "INSERT INTO canary_runs (canary_id, ran_at, status, latency_ms, failed_assertions_json)
             VALUES ('none', 1, 'pass', 1, '[]')",
        )
        .unwrap();
    drop(connection);
    let problems = SqliteFile::open(&folder.path()).unwrap().problems().unwrap();
    assert!(problems.iter().any(|problem| problem.contains("`canary_runs`")), "{problems:?}");
}

#[tokio::test]
async fn statistics_count_rows_and_bytes() {
    let folder = Folder::new();
    let store = folder.open().await;
    for _ in 0..7 {
        store.task_create(new_task(), at(1)).await.unwrap();
    }
    let statistics = SqliteFile::open(&folder.path()).unwrap().statistics().unwrap();
    assert_eq!(statistics.schema_version, SCHEMA_VERSION);
    assert!(statistics.rows.contains(&("tasks".to_owned(), 7)), "{statistics:?}");
    assert!(statistics.rows.contains(&("aliases".to_owned(), 0)) && statistics.wal_bytes > 0);
    assert_eq!(statistics.unfinished_tasks, 7);
    assert_eq!(statistics.file_bytes, statistics.pages * 4_096);
    assert_eq!(statistics.free_bytes, statistics.free_pages * 4_096);
    assert!(statistics.pages > statistics.free_pages);
    store.store_close().await.unwrap();
    let at_rest = SqliteFile::open(&folder.path()).unwrap().statistics().unwrap();
    assert_eq!(at_rest.file_bytes, fs::metadata(folder.path()).unwrap().len());
    assert_eq!(at_rest.rows, statistics.rows);
}

#[tokio::test]
async fn open_refuses_files_that_are_not_stores_and_reads_read_only_ones() {
    let folder = Folder::new();
    assert!(SqliteFile::open(&folder.path()).unwrap_err().to_string().contains("miroir.db"), "it is missing");
    fs::write(folder.path(), "x".repeat(4_096)).unwrap();
    assert!(matches!(SqliteFile::open(&folder.path()), Err(StoreError::InvalidInput(_))));
    fs::write(folder.path(), "").unwrap();
    match SqliteFile::open(&folder.path()) {
        Err(StoreError::InvalidInput(reason)) => assert!(reason.contains("is empty"), "{reason}"),
        result => panic!("{result:?}"),
    }
    assert_eq!(SqliteFile::version_of(&folder.path()).unwrap(), 0);
    fs::remove_file(folder.path()).unwrap();
    folder.open().await.store_close().await.unwrap();
    folder.connect().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    assert!(matches!(SqliteFile::open(&folder.path()), Err(StoreError::SchemaAhead { .. })));
    folder.connect().pragma_update(None, "user_version", SCHEMA_VERSION).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o400)).unwrap();
    let file = SqliteFile::open(&folder.path()).unwrap();
    assert_eq!(file.problems().unwrap(), [""; 0]);
    file.backup(&folder.directory.path().join("copy.db")).unwrap();
}
