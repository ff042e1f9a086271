//! The readers' pool: reads run on threads that may block, never on those of the async runtime.
//!
//! Handing a call to another thread costs more than most reads. Therefore a thread goes on with reads until
//! none waits. Under load, calls are handed to threads that are awake.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError};
use parking_lot::{Mutex, MutexGuard};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{oneshot, watch};

use crate::error::{Failure, closed};
use crate::open::prepare_reader;
use crate::options::SqliteOptions;

type Pool = r2d2::Pool<SqliteConnectionManager>;

/// A read and its caller. It receives the error instead if no connection can be opened.
type Read = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

/// The connections that read, and the calls that wait for one.
#[derive(Debug)]
pub(crate) struct Readers {
    shared: Arc<Shared>,
    /// False while a thread is alive.
    idle: watch::Receiver<bool>,
}

struct Shared {
    path: Arc<Path>,
    state: Mutex<State>,
    idle: watch::Sender<bool>,
    /// The greatest number of threads that look for reads at once: one per connection.
    size: u32,
}

struct State {
    waiting: VecDeque<Read>,
    /// Threads that will look for another read before they end.
    looking: u32,
    /// Threads that have not ended, those that hold a connection included.
    alive: u32,
    /// `None` once closed.
    pool: Option<Pool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("path", &self.path)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Readers {
    /// Creates a pool for the store of `options`. The file must have its schema already.
    pub(crate) fn new(options: &SqliteOptions) -> Result<Self, StoreError> {
        let size = options.readers.max(1);
        let busy_timeout = options.busy_timeout;
        // The connections only read, but are opened for writing: after a crash a reader may have to repair
        // the shared index of the log. `query_only` prevents all other writes.
        let manager = SqliteConnectionManager::file(&options.path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(move |connection| prepare_reader(connection, busy_timeout));
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(options.busy_timeout.max(Duration::from_secs(1)))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_on_check_out(false)
            .build(manager)
            .map_err(|error| no_connection(&options.path, error))?;
        let (idle, watched) = watch::channel(true);
        let state = State { waiting: VecDeque::new(), looking: 0, alive: 0, pool: Some(pool) };
        let shared = Shared { path: options.path.as_path().into(), state: Mutex::new(state), idle, size };
        Ok(Self { shared: Arc::new(shared), idle: watched })
    }

    /// Runs `operation` on a connection, as soon as one is free.
    pub(crate) async fn call<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, response) = oneshot::channel();
        let path = Arc::clone(&self.shared.path);
        self.shared.enqueue(Box::new(move |connection| {
            // The caller may have dropped the call.
            if !reply.is_closed() {
                let run =
                    |connection| operation(connection).map_err(|why| why.at(&path, Outcome::NotApplied));
                let _ = reply.send(connection.and_then(run));
            }
        }))?;
        response
            .await
            .unwrap_or_else(|_| Err(StoreError::not_applied("a read of the SQLite store was interrupted")))
    }

    /// Refuses later calls, waits for those accepted, and closes the connections.
    pub(crate) async fn close(&self) {
        self.shared.state().pool.take();
        // Waiting cannot fail: the sender lives in `shared`.
        let _ = self.idle.clone().wait_for(|idle| *idle).await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn enqueue(self: &Arc<Self>, read: Read) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(pool) = state.pool.clone() else { return Err(closed(&self.path)) };
        state.waiting.push_back(read);
        if state.looking < self.size {
            state.looking += 1;
            state.alive += 1;
            self.idle.send_replace(false);
            let thread = Thread { shared: Arc::clone(self), looking: true };
            // A runtime that is shutting down drops the thread here, and that locks the state as well.
            drop(state);
            tokio::task::spawn_blocking(move || thread.serve(pool));
        }
        Ok(())
    }
}

/// A thread that reads. It counts as alive from before its start until it is dropped, also if it never starts
/// because the runtime is shutting down.
struct Thread {
    shared: Arc<Shared>,
    looking: bool,
}

impl Thread {
    /// Runs reads until none waits.
    fn serve(mut self, pool: Pool) {
        let connection = pool.get().map_err(|error| no_connection(&self.shared.path, error));
        drop(pool);
        while let Some(read) = self.next() {
            let given = match &connection {
                Ok(connection) => Ok(&**connection),
                Err(error) => Err(error.clone()),
            };
            // A panic must not end the thread that serves other callers. Dropping the read notifies its
            // caller.
            let _ = catch_unwind(AssertUnwindSafe(|| read(given)));
        }
        // The connection returns to the pool before the thread counts as ended, so that closing finds it
        // there.
        drop(connection);
    }

    /// Returns the next read. Finding none and stopping to look are one step, so that no read is left to a
    /// thread that ends.
    fn next(&mut self) -> Option<Read> {
        let mut state = self.shared.state();
        let read = state.waiting.pop_front();
        if read.is_none() {
            state.looking -= 1;
            self.looking = false;
        }
        read
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if self.looking {
            state.looking -= 1;
            if state.looking == 0 {
                // There is no thread left to run these. Dropping them notifies their callers.
                state.waiting.clear();
            }
        }
        state.alive -= 1;
        self.shared.idle.send_replace(state.alive == 0);
    }
}

fn no_connection(path: &Path, error: r2d2::Error) -> StoreError {
    let reason = format!("the SQLite store `{}` cannot be opened for reading", path.display());
    StoreError::not_applied(reason).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::SqliteStore;

    /// As at a second signal: the runtime shuts down while a task begins to read.
    #[test]
    fn read_fails_while_its_runtime_shuts_down() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = SqliteOptions::new(folder.path().join("store.db"));
        let store = runtime.block_on(SqliteStore::open(options)).unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        let mut call = pin!(store.readers.call(|_| Ok(())));
        let outcome = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(outcome, Poll::Ready(Err(_))), "{outcome:?}");
    }
}
