//! What is SQLite's own: files, the schema, damage, the writer. What every store must do is in `tests/conformance`.

mod care;
mod damage;
mod feature_damage;
mod file;
mod migration;
mod plan;
mod reader;
mod room;
mod writer;

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use miroir_domain::task::{NewTask, TaskKind};
use miroir_domain::{IndexUid, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{SqliteOptions, SqliteStore};

/// A directory of its own for a store.
struct Place {
    directory: TempDir,
}

impl Place {
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

    /// A connection of someone else's.
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
        node_tasks: [].into(),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    }
}

fn movies() -> IndexUid {
    "movies".parse().unwrap()
}

/// A change that holds the writer until [`Gate::open`], so that what comes after it queues up behind it.
struct Gate {
    hold: Sender<()>,
    change: JoinHandle<()>,
}

impl Gate {
    /// Closes the gate, and waits until the writer stands before it.
    async fn close(store: &Arc<SqliteStore>) -> Self {
        let (hold, gate) = channel::<()>();
        let (arrive, arrived) = tokio::sync::oneshot::channel();
        let (gate, arrive) = (Mutex::new(gate), Mutex::new(Some(arrive)));
        let store = Arc::clone(store);
        let wait = move || {
            if let Some(arrive) = arrive.lock().unwrap().take() {
                let _ = arrive.send(());
            }
            // Ends when the other side is dropped.
            let _ = gate.lock().unwrap().recv();
        };
        let change = tokio::spawn(async move {
            let standing = store.write(move |_| {
                wait();
                Ok(())
            });
            standing.await.unwrap();
        });
        arrived.await.unwrap();
        Self { hold, change }
    }

    async fn open(self) {
        drop(self.hold);
        self.change.await.unwrap();
    }
}

/// Waits until `count` changes are queued behind a closed gate.
async fn queued(store: &SqliteStore, count: usize) {
    while store.writer.queued() < count {
        tokio::task::yield_now().await;
    }
}
