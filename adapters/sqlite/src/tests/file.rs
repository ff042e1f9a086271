//! Opening: files that are fine, and files that are not.

use std::path::Path;
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError, StoreStatus as _, TaskTable as _};
use rusqlite::{Connection, OpenFlags};

use super::{Place, at, new_task};
use crate::open::refuse_read_only;
use crate::{SqliteOptions, SqliteStore, Synchronous};

async fn refusal(path: &Path) -> StoreError {
    SqliteStore::open(SqliteOptions::new(path)).await.unwrap_err()
}

/// Asserts that `error` cannot be mended by waiting, and says which file it is about and `words`.
fn assert_refused_for_good(error: &StoreError, path: &Path, words: &str) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::InvalidInput(_)), "{text}");
    assert!(text.contains(&path.display().to_string()) && text.contains(words), "{text}");
}

#[tokio::test]
async fn task_survives_store_reopen() {
    let place = Place::new();
    let store = place.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    drop(store);
    assert_eq!(place.open().await.task_get(task.uid).await.unwrap(), Some(task));
}

#[tokio::test]
async fn task_survives_a_store_that_was_dropped_without_closing() {
    let place = Place::new();
    let store = place.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    drop(store);
    assert_eq!(place.open().await.task_get(task.uid).await.unwrap(), Some(task));
}

#[tokio::test]
async fn open_creates_missing_directories() {
    let place = Place::new();
    let path = place.directory.path().join("a/b/miroir.db");
    let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
    store.store_ping().await.unwrap();
    assert!(path.is_file());
}

#[tokio::test]
async fn close_leaves_one_file_with_everything_in_it() {
    let place = Place::new();
    let store = place.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["miroir.db"]);
    let count: i64 = place.connect().query_row("SELECT count(*) FROM tasks", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn open_refuses_a_file_that_is_no_database() {
    let place = Place::new();
    let bytes = b"uid,title\n1,Alien\n".repeat(100);
    std::fs::write(place.path(), &bytes).unwrap();
    assert_refused_for_good(&refusal(&place.path()).await, &place.path(), "not an SQLite database");
    assert_eq!(std::fs::read(place.path()).unwrap(), bytes);
}

#[tokio::test]
async fn open_refuses_the_database_of_another_program() {
    let place = Place::new();
    place.connect().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let bytes = std::fs::read(place.path()).unwrap();
    assert_refused_for_good(&refusal(&place.path()).await, &place.path(), "another program");
    assert_eq!(std::fs::read(place.path()).unwrap(), bytes);
}

#[tokio::test]
async fn open_refuses_a_truncated_file() {
    let place = Place::new();
    let store = place.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    store.store_close().await.unwrap();
    let whole = std::fs::read(place.path()).unwrap();
    for length in [whole.len() - 4096, whole.len() / 2, 4096, 1000, 20] {
        std::fs::write(place.path(), &whole[..length]).unwrap();
        let error = refusal(&place.path()).await;
        let words = if length < 100 { "not an SQLite database" } else { "cut short" };
        assert_refused_for_good(&error, &place.path(), words);
        assert_eq!(std::fs::read(place.path()).unwrap(), whole[..length], "cut to {length}");
    }
}

#[tokio::test]
async fn open_refuses_a_directory() {
    let place = Place::new();
    let path = place.directory.path();
    let text = refusal(path).await.to_string();
    assert!(text.contains(&path.display().to_string()) && text.contains("cannot be opened"), "{text}");
}

#[tokio::test]
async fn open_refuses_a_path_below_a_file() {
    let place = Place::new();
    std::fs::write(place.path(), "").unwrap();
    let below = place.path().join("miroir.db");
    let error = refusal(&below).await;
    let text = error.to_string();
    assert!(error.retryable() && text.contains("cannot be created"), "{text}");
    assert!(text.contains(&below.display().to_string()), "{text}");
}

/// A directory that nobody may write to, root included.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn open_refuses_a_directory_that_cannot_be_written() {
    let path = Path::new("/proc/miroir.db");
    let text = refusal(path).await.to_string();
    assert!(text.contains("`/proc/miroir.db`") && text.contains("may write there"), "{text}");
}

#[test]
fn open_refuses_what_sqlite_opened_read_only() {
    let place = Place::new();
    drop(place.connect());
    std::fs::write(place.path(), "").unwrap();
    // What SQLite falls back to by itself where the file's mode allows no more; root would be allowed all the same.
    let connection = Connection::open_with_flags(place.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let error = refuse_read_only(&connection, &place.path()).unwrap_err().at_open(&place.path());
    let text = error.to_string();
    assert!(text.contains("is read-only") && text.contains(&place.path().display().to_string()), "{text}");
}

#[tokio::test]
async fn durability_is_as_configured() {
    for (synchronous, expected) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
        let place = Place::new();
        let store = SqliteStore::open(SqliteOptions { synchronous, ..place.options() }).await.unwrap();
        let pragmas = store
            .write(|connection| {
                let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                Ok((read("synchronous")?, read("foreign_keys")?, read("busy_timeout")?))
            })
            .await
            .unwrap();
        assert_eq!(pragmas, (expected, 1, 5_000));
        let mode: String =
            place.connect().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
    assert_eq!(SqliteOptions::new("x").synchronous, Synchronous::Full);
}

#[tokio::test]
async fn writes_fail_without_effect_while_another_process_holds_the_lock() {
    let place = Place::new();
    let options = SqliteOptions { busy_timeout: Duration::from_millis(20), ..place.options() };
    let store = SqliteStore::open(options).await.unwrap();
    let other = place.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    match store.task_create(new_task(), at(1)).await {
        Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
            assert!(reason.contains("locked by another process"), "{reason}");
        }
        answer => panic!("{answer:?}"),
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.task_create(new_task(), at(1)).await.unwrap().uid.0, 0);
}
