//! The readers' pool: reads run on threads that may block, never on those of the async runtime.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use miroir_ports::outbound::{Outcome, StoreError};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::error::{Failure, closed, unavailable};
use crate::open::prepare_reader;
use crate::options::SqliteOptions;

type Pool = r2d2::Pool<SqliteConnectionManager>;

/// Connections that read.
#[derive(Debug)]
pub(crate) struct Readers {
    path: Arc<Path>,
    /// None once closed.
    pool: RwLock<Option<Pool>>,
    /// One permit per connection: callers wait here, as tasks, and not in the pool, as threads.
    permits: Arc<Semaphore>,
    size: u32,
}

impl Readers {
    /// A pool for the store that `options` name. The file must have its schema already.
    pub(crate) fn new(options: &SqliteOptions) -> Result<Self, StoreError> {
        let size = options.readers.max(1);
        let busy_timeout = options.busy_timeout;
        // The connections only read, but are opened for writing: a reader may have to mend the shared index of the
        // log after a crash. `query_only` keeps them from writing anything else.
        let manager = SqliteConnectionManager::file(&options.path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(move |connection| prepare_reader(connection, busy_timeout));
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_on_check_out(false)
            .build(manager)
            .map_err(|error| pool_failure(&options.path, &error))?;
        Ok(Self {
            path: options.path.as_path().into(),
            pool: RwLock::new(Some(pool)),
            permits: Arc::new(Semaphore::new(size as usize)),
            size,
        })
    }

    /// Runs `operation` on a free connection.
    pub(crate) async fn call<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed(&self.path))?;
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner).clone();
        let pool = pool.ok_or_else(|| closed(&self.path))?;
        let path = Arc::clone(&self.path);
        let answer = tokio::task::spawn_blocking(move || {
            let connection = pool.get().map_err(|error| pool_failure(&path, &error))?;
            let answer = operation(&connection);
            // The connection goes back before the permit, so that whoever gets the permit finds it.
            drop(connection);
            drop(permit);
            answer.map_err(|failure| failure.at(&path, Outcome::NotApplied))
        });
        answer.await.unwrap_or_else(|failed| Err(unavailable(format!("a read was cut short: {failed}"))))
    }

    /// Waits for the reads under way, refuses later ones, and closes the connections.
    pub(crate) async fn close(&self) {
        // An error means that someone else has closed it.
        if let Ok(all) = self.permits.acquire_many(self.size).await {
            self.permits.close();
            self.pool.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(all);
        }
    }
}

fn pool_failure(path: &Path, error: &r2d2::Error) -> StoreError {
    unavailable(format!("the SQLite store `{}` cannot be opened for reading: {error}", path.display()))
}
