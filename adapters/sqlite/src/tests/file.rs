//! Opening of valid and invalid files.

use std::path::Path;
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError, StoreStatus as _, TaskTable as _};
use rusqlite::{Connection, OpenFlags};

use super::{Folder, at, new_task};
use crate::open::refuse_read_only;
use crate::{SqliteOptions, SqliteStore, Synchronous};

async fn refusal(path: &Path) -> StoreError {
    SqliteStore::open(SqliteOptions::new(path)).await.unwrap_err()
}

/// Asserts that `error` is not retryable and names the file and `words`.
fn assert_refused_for_good(error: &StoreError, path: &Path, words: &str) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::InvalidInput(_)), "{text}");
    assert!(text.contains(&path.display().to_string()) && text.contains(words), "{text}");
}

#[tokio::test]
async fn task_survives_store_reopen() {
    let folder = Folder::new();
    let store = folder.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    drop(store);
    assert_eq!(folder.open().await.task_get(task.uid).await.unwrap(), Some(task));
}

#[tokio::test]
async fn task_survives_a_store_dropped_without_closing() {
    let folder = Folder::new();
    let store = folder.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    drop(store);
    assert_eq!(folder.open().await.task_get(task.uid).await.unwrap(), Some(task));
}

#[tokio::test]
async fn open_creates_missing_directories() {
    let folder = Folder::new();
    let path = folder.directory.path().join("a/b/miroir.db");
    let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
    store.store_ping().await.unwrap();
    assert!(path.is_file());
}

#[tokio::test]
async fn close_leaves_one_file_with_everything_in_it() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(folder.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["miroir.db"]);
    let count: i64 = folder.connect().query_row("SELECT count(*) FROM tasks", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn open_refuses_a_file_that_is_not_a_database() {
    let folder = Folder::new();
    let bytes = b"uid,title\n1,Alien\n".repeat(100);
    std::fs::write(folder.path(), &bytes).unwrap();
    assert_refused_for_good(&refusal(&folder.path()).await, &folder.path(), "not an SQLite database");
    assert_eq!(std::fs::read(folder.path()).unwrap(), bytes);
}

#[tokio::test]
async fn open_refuses_the_database_of_another_program() {
    let folder = Folder::new();
    folder.connect().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let bytes = std::fs::read(folder.path()).unwrap();
    assert_refused_for_good(&refusal(&folder.path()).await, &folder.path(), "another program");
    assert_eq!(std::fs::read(folder.path()).unwrap(), bytes);
}

#[tokio::test]
async fn open_refuses_a_truncated_file() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    let whole = std::fs::read(folder.path()).unwrap();
    for length in [whole.len() - 4096, whole.len() / 2, 4096, 1000, 20] {
        std::fs::write(folder.path(), &whole[..length]).unwrap();
        let error = refusal(&folder.path()).await;
        let words = if length < 100 { "not an SQLite database" } else { "cut short" };
        assert_refused_for_good(&error, &folder.path(), words);
        assert_eq!(std::fs::read(folder.path()).unwrap(), whole[..length], "cut to {length}");
    }
}

#[tokio::test]
async fn open_refuses_a_directory() {
    let folder = Folder::new();
    let path = folder.directory.path();
    let text = refusal(path).await.to_string();
    assert!(text.contains(&path.display().to_string()) && text.contains("cannot be opened"), "{text}");
}

#[tokio::test]
async fn open_refuses_a_path_below_a_file() {
    let folder = Folder::new();
    std::fs::write(folder.path(), "").unwrap();
    let below = folder.path().join("miroir.db");
    let error = refusal(&below).await;
    let text = error.to_string();
    assert!(error.retryable() && text.contains("cannot be created"), "{text}");
    assert!(text.contains(&below.display().to_string()), "{text}");
}

/// A directory in which not even root may create files.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn open_refuses_a_directory_that_cannot_be_written() {
    let path = Path::new("/proc/miroir.db");
    let text = refusal(path).await.to_string();
    assert!(text.contains("`/proc/miroir.db`") && text.contains("may write there"), "{text}");
}

#[test]
fn open_refuses_a_file_that_sqlite_opened_read_only() {
    let folder = Folder::new();
    drop(folder.connect());
    std::fs::write(folder.path(), "").unwrap();
    // SQLite falls back to this if the mode of the file forbids writing. Root would be allowed all the same.
    let connection = Connection::open_with_flags(folder.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let error = refuse_read_only(&connection, &folder.path()).unwrap_err().at_open(&folder.path());
    let text = error.to_string();
    assert!(text.contains("is read-only") && text.contains(&folder.path().display().to_string()), "{text}");
}

#[tokio::test]
async fn durability_is_as_configured() {
    for (synchronous, expected) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
        let folder = Folder::new();
        let store = SqliteStore::open(SqliteOptions { synchronous, ..folder.options() }).await.unwrap();
        let pragmas = store
            .write(|connection| {
                let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                Ok((read("synchronous")?, read("foreign_keys")?, read("busy_timeout")?))
            })
            .await
            .unwrap();
        assert_eq!(pragmas, (expected, 1, 5_000));
        let mode: String =
            folder.connect().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
    assert_eq!(SqliteOptions::new("x").synchronous, Synchronous::Full);
}

#[tokio::test]
async fn writes_fail_without_effect_while_another_process_holds_the_lock() {
    let folder = Folder::new();
    let options = SqliteOptions { busy_timeout: Duration::from_millis(20), ..folder.options() };
    let store = SqliteStore::open(options).await.unwrap();
    let other = folder.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    match store.task_create(new_task(), at(1)).await {
        Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
            assert!(reason.contains("locked by another process"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.task_create(new_task(), at(1)).await.unwrap().uid.0, 0);
}
