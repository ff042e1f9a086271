//! The program that the crash test kills: it changes a store as fast as it can and prints what was
//! acknowledged, one line each, until it is killed.
//!
//! - `created <uid> <label>`: a task was created. Its `customMetadata` is the label, which is never used
//!   twice.
//! - `put <uid> <version>`: that task was replaced and has this version now.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use miroir_domain::Timestamp;
use miroir_domain::task::{NewTask, Task, TaskKind, TaskStatus};
use miroir_ports::outbound::{Put, StoreError, TaskTable as _};
use miroir_sqlite::{SqliteOptions, SqliteStore};

/// The number of concurrent callers, so that groups hold more than one change.
const CALLERS: usize = 16;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), Some(run)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: crash_writer <store> <label of this run>");
        std::process::exit(2);
    };
    let run: Arc<str> = run.to_string_lossy().into();
    // A log that is often copied into the file is often killed in the middle of that.
    let options = SqliteOptions { checkpoint_pages: 50, ..SqliteOptions::new(PathBuf::from(path)) };
    if let Err(error) = change_for_ever(options, &run).await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn change_for_ever(options: SqliteOptions, run: &Arc<str>) -> Result<(), StoreError> {
    let store = Arc::new(SqliteStore::open(options).await?);
    let next = Arc::new(AtomicU64::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (store, next, run) = (Arc::clone(&store), Arc::clone(&next), Arc::clone(run));
        callers.spawn(async move {
            loop {
                change_once(&store, &run, next.fetch_add(1, Ordering::Relaxed)).await?;
            }
        });
    }
    // Callers end only by an error, and the first error ends the run.
    callers.join_next().await.and_then(Result::ok).unwrap_or(Ok(()))
}

async fn change_once(store: &SqliteStore, run: &str, number: u64) -> Result<(), StoreError> {
    let label = format!("{run}-{number}");
    let new = NewTask {
        kind: TaskKind::DocumentAdditionOrUpdate,
        index_uid: None,
        physical_uid: None,
        node_tasks: BTreeMap::new(),
        details: None,
        custom_metadata: Some(label.clone()),
        failure: None,
        changes: None,
    };
    let task = store.task_create(new, Timestamp::from_millis(0)).await?;
    say(&format!("created {} {label}", task.uid));
    if number.is_multiple_of(2) {
        let (uid, version) = (task.uid, task.version + 1);
        let ended =
            Task { status: TaskStatus::Succeeded, finished_at: Some(Timestamp::from_millis(1)), ..task };
        if store.task_put(ended).await? == Put::Stored {
            say(&format!("put {uid} {version}"));
        }
    }
    Ok(())
}

/// Writes one line in one call, so that a kill cannot cut a line that is not the last.
fn say(line: &str) {
    // Writing fails once the test has ended, and then this program may end as well.
    if std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).is_err() {
        std::process::exit(0);
    }
}
