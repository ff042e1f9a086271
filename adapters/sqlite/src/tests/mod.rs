//! Tests of SQLite alone: files, the schema, damage, the writer. `tests/conformance` tests what every store
//! must do.

mod care;
mod damage;
mod feature_damage;
mod file;
mod migration;
mod plan;
mod reader;
mod replica;
mod space;
mod writer;

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use miroir_domain::Timestamp;
use miroir_domain::task::{NewTask, TaskKind};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{SqliteOptions, SqliteStore};

/// A directory for one store.
struct Folder {
    directory: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("miroir.db")
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path())
    }

    async fn open(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(self.options()).await.unwrap())
    }

    /// Opens a connection that stands for another process.
    fn connect(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn new_task() -> NewTask {
    NewTask {
        kind: TaskKind::DocumentAdditionOrUpdate,
        index_uid: Some(movies()),
        physical_uid: None,
        node_tasks: [].into(),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    }
}

/// Returns the name or the physical uid of an index.
fn movies<T: std::str::FromStr<Err = miroir_domain::InvalidId>>() -> T {
    "movies".parse().unwrap()
}

/// A change that blocks the writer until it is released, so that later changes queue up behind it.
struct BlockedWriter {
    hold: Sender<()>,
    change: JoinHandle<()>,
}

impl BlockedWriter {
    /// Blocks the writer, and waits until it is blocked.
    async fn block(store: &Arc<SqliteStore>) -> Self {
        let (hold, released) = channel::<()>();
        let (arrive, arrived) = tokio::sync::oneshot::channel();
        let (released, arrive) = (Mutex::new(released), Mutex::new(Some(arrive)));
        let store = Arc::clone(store);
        let wait = move || {
            if let Some(arrive) = arrive.lock().unwrap().take() {
                let _ = arrive.send(());
            }
            // Receiving ends when the other side is dropped.
            let _ = released.lock().unwrap().recv();
        };
        let change = tokio::spawn(async move {
            let blocking = store.write(move |_| {
                wait();
                Ok(())
            });
            blocking.await.unwrap();
        });
        arrived.await.unwrap();
        Self { hold, change }
    }

    /// Releases the writer.
    async fn release(self) {
        drop(self.hold);
        self.change.await.unwrap();
    }
}

/// Waits until `count` changes are queued behind a blocked writer.
async fn queued(store: &SqliteStore, count: usize) {
    while store.writer.queued() < count {
        tokio::task::yield_now().await;
    }
}
