//! Opening of connections, and their settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use miroir_ports::outbound::StoreError;

use crate::error::{Failure, is_busy};
use crate::migration;
use crate::options::SqliteOptions;

/// The number of attempts to open a store, with a pause between them. SQLite does not always wait for a lock
/// while the journal mode changes, as happens when two processes open a new file at once.
const OPEN_ATTEMPTS: u32 = 200;
const OPEN_PAUSE: Duration = Duration::from_millis(25);

/// The number of statements that each connection keeps prepared. The listing of tasks has a few dozen shapes.
pub(crate) const STATEMENT_CACHE: usize = 64;

/// Opens the one connection that writes, and migrates the file to the schema of this binary.
pub(crate) fn open_for_writing(options: &SqliteOptions) -> Result<Connection, StoreError> {
    let path = options.path.as_path();
    create_parent(path)?;
    for _ in 1..OPEN_ATTEMPTS {
        match try_open(options) {
            Err(Failure::Sqlite(error)) if is_busy(&error) => std::thread::sleep(OPEN_PAUSE),
            opened => return opened.map_err(|failure| failure.at_open(path)),
        }
    }
    try_open(options).map_err(|failure| failure.at_open(path))
}

fn create_parent(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(parent).map_err(|error| {
        StoreError::not_applied(format!(
            "the directory `{}` of the SQLite store `{}` cannot be created",
            parent.display(),
            path.display()
        ))
        .with_source(error)
    })
}

fn try_open(options: &SqliteOptions) -> Result<Connection, Failure> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&options.path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    refuse_read_only(&connection, &options.path)?;
    // Before any setting, because setting the journal mode writes to the file.
    migration::check(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", options.synchronous.as_pragma())?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", options.checkpoint_pages)?;
    let size_limit = i64::try_from(options.wal_limit_bytes).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", size_limit)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    migration::migrate(&mut connection)?;
    Ok(connection)
}

/// Refuses a connection that SQLite opened read-only because it may not write the file. Otherwise the first
/// write would fail.
pub(crate) fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), Failure> {
    if connection.is_readonly("main")? {
        return Err(StoreError::not_applied(format!(
            "the SQLite store `{}` is read-only: let Miroir's user write the file and its directory",
            path.display()
        ))
        .into());
    }
    Ok(())
}

/// Configures a connection of the readers' pool.
pub(crate) fn prepare_reader(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(())
}

/// Returns the size of the write-ahead log beside `path`, or 0 if there is none.
pub(crate) fn wal_bytes(path: &Path) -> u64 {
    let mut name = OsString::from(path);
    name.push("-wal");
    std::fs::metadata(PathBuf::from(name)).map_or(0, |metadata| metadata.len())
}
