//! The writer: one thread that owns the connection that writes, and commits changes in groups.
//!
//! A durable commit waits once for the disk, for one change as for sixty-four. Therefore the thread takes all
//! changes that queued up during the last commit, gives each a savepoint of its own, and commits once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_ports::error_chain;
use miroir_ports::outbound::{Outcome, StoreError};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, watch};

use crate::error::{Failure, closed, code, commit_certainly_failed};
use crate::open::wal_bytes;
use crate::options::SqliteOptions;
use crate::work::{Work, work};

/// The number of changes that may wait for the writer before callers wait for the queue.
const QUEUE: usize = 1_024;

/// The time for which truncating the log may wait for readers, and changes with it.
const CUT_WAIT: Duration = Duration::from_millis(100);

type Queue = mpsc::Sender<Box<dyn Work>>;

/// The handle of the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    path: Arc<Path>,
    /// `None` once closed.
    queue: Mutex<Option<Queue>>,
    /// True once the thread has ended.
    ended: watch::Receiver<bool>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    groups: AtomicU64,
    operations: AtomicU64,
}

impl Writer {
    /// Starts the thread, which ends when the writer is closed or dropped and its queue is empty.
    pub(crate) fn start(connection: Connection, options: &SqliteOptions) -> Result<Self, StoreError> {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let (end, ended) = watch::channel(false);
        let path: Arc<Path> = options.path.as_path().into();
        let counters = Arc::<Counters>::default();
        let thread = Thread {
            connection,
            path: Arc::clone(&path),
            busy_timeout: options.busy_timeout,
            group_limit: options.group_limit.max(1),
            wal_limit_bytes: options.wal_limit_bytes,
            cut_above_bytes: options.wal_limit_bytes,
            counters: Arc::clone(&counters),
        };
        std::thread::Builder::new()
            .name("miroir-sqlite-writer".to_owned())
            .spawn(move || {
                thread.serve(inbox);
                let _ = end.send(true);
            })
            .map_err(|error| {
                StoreError::not_applied("the writer's thread cannot be started").with_source(error)
            })?;
        Ok(Self { path, queue: Mutex::new(Some(queue)), ended, counters })
    }

    /// Runs `operation` in a transaction and waits until that is on disk. A change that is queued is applied
    /// even if its caller stops waiting.
    pub(crate) async fn call<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let queue = self.queue.lock().clone();
        let queue = queue.ok_or_else(|| closed(&self.path))?;
        let (work, response) = work(operation);
        queue.send(work).await.map_err(|_| self.gone(Outcome::NotApplied))?;
        // Closing waits until every handle of the queue is dropped, so this one is dropped before waiting.
        drop(queue);
        response.await.unwrap_or_else(|_| Err(self.gone(Outcome::Unknown)))
    }

    /// Returns the numbers of committed transactions and of the changes in them.
    pub(crate) fn committed(&self) -> (u64, u64) {
        (self.counters.groups.load(Ordering::Relaxed), self.counters.operations.load(Ordering::Relaxed))
    }

    /// Returns the number of changes that wait for the thread.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        let queue = self.queue.lock();
        queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Refuses later changes, and waits until those accepted are on disk and the connection is closed.
    pub(crate) async fn close(&self) {
        self.queue.lock().take();
        // An error means that the thread has ended, which is the condition.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    fn gone(&self, outcome: Outcome) -> StoreError {
        let reason =
            format!("the writer of the SQLite store `{}` has ended: restart Miroir", self.path.display());
        StoreError::Unavailable { outcome, reason, source: None }
    }
}

/// The state of the thread.
struct Thread {
    connection: Connection,
    path: Arc<Path>,
    busy_timeout: Duration,
    group_limit: usize,
    wal_limit_bytes: u64,
    /// The size of the log above which truncating it is tried next: the limit, or more while readers prevent
    /// it.
    cut_above_bytes: u64,
    counters: Arc<Counters>,
}

/// A transaction that failed.
struct Lost {
    failure: Failure,
    outcome: Outcome,
    /// True if its changes may be tried one by one, because one of them failed the others.
    divisible: bool,
}

impl Thread {
    fn serve(mut self, mut inbox: mpsc::Receiver<Box<dyn Work>>) {
        let mut group = Vec::with_capacity(self.group_limit);
        while inbox.blocking_recv_many(&mut group, self.group_limit) > 0 {
            self.commit_group(std::mem::take(&mut group));
            self.bound_log();
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(path = %self.path.display(), error = %error_chain(&error), "closing the SQLite store failed");
        }
    }

    /// Commits all changes of `group`, or each by itself if one of them fails the transaction for all.
    fn commit_group(&self, mut group: Vec<Box<dyn Work>>) {
        match self.attempt(&mut group) {
            Ok(verdicts) => settle(group, verdicts),
            Err(lost) if lost.divisible && group.len() > 1 => {
                for work in group {
                    self.commit_group(vec![work]);
                }
            }
            Err(lost) => {
                let error = lost.failure.at(&self.path, lost.outcome);
                tracing::error!(reason = %error_chain(&error), changes = group.len(), "a transaction failed");
                let verdicts = group.iter().map(|_| Err(error.clone())).collect();
                settle(group, verdicts);
            }
        }
    }

    /// Makes the changes of `group` in one transaction. The verdicts are final: a change that succeeded is on
    /// disk.
    fn attempt(&self, group: &mut [Box<dyn Work>]) -> Result<Vec<Result<(), StoreError>>, Lost> {
        self.execute("BEGIN IMMEDIATE").map_err(|error| Lost {
            failure: error.into(),
            outcome: Outcome::NotApplied,
            divisible: false,
        })?;
        let mut verdicts = Vec::with_capacity(group.len());
        for work in group.iter_mut() {
            let verdict = self.run_in_savepoint(work.as_mut());
            // After some errors, such as a full disk, SQLite rolls the whole transaction back.
            if self.connection.is_autocommit() {
                let failure = verdict
                    .err()
                    .unwrap_or_else(|| StoreError::not_applied("the transaction was lost").into());
                return Err(Lost { failure, outcome: Outcome::NotApplied, divisible: true });
            }
            verdicts.push(verdict.map_err(|failure| failure.at(&self.path, Outcome::NotApplied)));
        }
        self.commit()?;
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        self.counters.operations.fetch_add(group.len() as u64, Ordering::Relaxed);
        Ok(verdicts)
    }

    fn run_in_savepoint(&self, work: &mut dyn Work) -> Result<(), Failure> {
        self.execute("SAVEPOINT change")?;
        let verdict = work.run(&self.connection).and_then(|()| Ok(self.execute("RELEASE change")?));
        if verdict.is_err() && !self.connection.is_autocommit() {
            self.execute("ROLLBACK TO change")?;
            self.execute("RELEASE change")?;
        }
        verdict
    }

    fn commit(&self) -> Result<(), Lost> {
        self.execute("COMMIT").map_err(|error| {
            if !self.connection.is_autocommit()
                && let Err(error) = self.execute("ROLLBACK")
            {
                tracing::error!(path = %self.path.display(), error = %error_chain(&error), "rolling back failed");
            }
            let certain = commit_certainly_failed(&error);
            Lost {
                outcome: if certain { Outcome::NotApplied } else { Outcome::Unknown },
                divisible: code(&error) == Some(ErrorCode::DiskFull),
                failure: error.into(),
            }
        })
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// Truncates the log if it exceeds its limit. SQLite copies the log into the file every
    /// `checkpoint_pages`, but restarts it only when no reader uses it, so it grows under long reads.
    fn bound_log(&mut self) {
        let size = wal_bytes(&self.path);
        if size <= self.cut_above_bytes {
            return;
        }
        let _ = self.connection.busy_timeout(CUT_WAIT);
        let blocked = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        let _ = self.connection.busy_timeout(self.busy_timeout);
        let cut = matches!(blocked, Ok(0));
        // While readers prevent it, try again only after some growth, so that changes do not wait each time.
        self.cut_above_bytes = if cut { self.wal_limit_bytes } else { size + self.wal_limit_bytes / 4 };
        tracing::debug!(size, cut, "the write-ahead log exceeded its limit");
    }
}

fn settle(group: Vec<Box<dyn Work>>, verdicts: Vec<Result<(), StoreError>>) {
    for (work, verdict) in group.into_iter().zip(verdicts) {
        work.settle(verdict);
    }
}
