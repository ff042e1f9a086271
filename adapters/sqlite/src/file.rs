//! A store's file as something to look after: checked, counted and copied, whether or not a Miroir works on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError};
use rusqlite::{Connection, OpenFlags};

use crate::error::Failure;
use crate::migration;

/// How long another process may hold a lock that is in the way.
const BUSY: Duration = Duration::from_secs(5);

/// The file of a store, opened for reading. Its methods block: a runtime calls them where that is allowed.
#[derive(Debug)]
pub struct SqliteFile {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
}

impl SqliteFile {
    /// Opens the file at `path`, which must be there and be a store; nothing is migrated, and nothing written to it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = Self::open_any(path)?;
        // SQLite takes an empty file for a database without tables, which would be whole, and worth a copy.
        if file.version()? == 0 {
            return Err(StoreError::InvalidInput(format!(
                "`{}` is empty: restore the store from a backup if it was one, or make it one with `miroir store migrate`",
                path.display()
            )));
        }
        Ok(file)
    }

    /// The version of the schema in the file at `path`: 0 when it is empty, and would become a store.
    pub fn version_of(path: &Path) -> Result<u32, StoreError> {
        Self::open_any(path)?.version()
    }

    fn open_any(path: &Path) -> Result<Self, StoreError> {
        // SQLite says of a missing file and of a missing permission the same.
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
