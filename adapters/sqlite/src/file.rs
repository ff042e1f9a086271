//! Maintenance of a store's file: checks, counts and copies, even while a Miroir uses it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError};
use rusqlite::{Connection, OpenFlags};

use crate::error::Failure;
use crate::migration;

/// The time to wait for a lock of another process.
const BUSY: Duration = Duration::from_secs(5);

/// The file of a store, opened for reading. Its methods block, so a runtime must call them where blocking is
/// allowed.
#[derive(Debug)]
pub struct SqliteFile {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
}

impl SqliteFile {
    /// Opens the file at `path`, which must be a store. It is not migrated or written to.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = Self::open_any(path)?;
        // SQLite takes an empty file for a database without tables, which would pass a check and could be
        // copied.
        if file.version()? == 0 {
            return Err(StoreError::InvalidInput(format!(
                "`{}` is empty: restore it from a backup if it was a store, or create one with `miroir store migrate`",
                path.display()
            )));
        }
        Ok(file)
    }

    /// Returns the schema version of the file at `path`, which is 0 for an empty file that would become a
    /// store.
    pub fn version_of(path: &Path) -> Result<u32, StoreError> {
        Self::open_any(path)?.version()
    }

    fn open_any(path: &Path) -> Result<Self, StoreError> {
        // SQLite reports a missing file and a missing permission in the same way.
        if let Err(error) = std::fs::metadata(path) {
            let reason = format!("the SQLite store `{}` cannot be read: check `store.path`", path.display());
            return Err(StoreError::not_applied(reason).with_source(error));
        }
        Self::try_open(path).map_err(|failure| failure.at_open(path))
    }

    fn try_open(path: &Path) -> Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        migration::check(&connection)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn version(&self) -> Result<u32, StoreError> {
        migration::version(&self.connection).map_err(|failure| self.failed(failure))
    }

    pub(crate) fn failed(&self, failure: impl Into<Failure>) -> StoreError {
        failure.into().at(&self.path, Outcome::NotApplied)
    }
}
