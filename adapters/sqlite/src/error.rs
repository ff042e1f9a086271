//! Conversion of SQLite's errors to those of the store, with the path and, if there is a remedy, with advice.

use std::path::Path;

use miroir_domain::row::InvalidRow;
use miroir_ports::Source;
use miroir_ports::outbound::{Outcome, StoreError};
use rusqlite::{ErrorCode, ffi};

/// The error of an operation on a connection.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// The store refused.
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<InvalidRow> for Failure {
    fn from(error: InvalidRow) -> Self {
        Self::Store(error.into())
    }
}

impl Failure {
    /// Converts the failure of an operation on the store at `path`.
    pub(crate) fn at(self, path: &Path, outcome: Outcome) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => {
                let reason = describe(&error, path);
                StoreError::Unavailable { outcome, reason, source: Some(Source::new(error)) }
            }
        }
    }

    /// Converts the failure to open the store at `path`. A file that waiting cannot repair is invalid input,
    /// so that opening is not tried again.
    pub(crate) fn at_open(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) if is_damage(&error) => {
                StoreError::InvalidInput(format!("{} ({error})", describe(&error, path)))
            }
            other => other.at(path, Outcome::NotApplied),
        }
    }
}

/// Returns the error of a store that was closed.
pub(crate) fn closed(path: &Path) -> StoreError {
    StoreError::not_applied(format!("the SQLite store `{}` is closed", path.display()))
}

/// Returns SQLite's code of `error`, if SQLite raised it.
pub(crate) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// Returns whether another connection holds a lock for now.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Returns whether a COMMIT that failed with `error` certainly wrote nothing that counts: the log's last page
/// is missing, or writing never began. After any other failure, SQLite may find the commit in the log when it
/// next opens the file.
pub(crate) fn commit_certainly_failed(error: &rusqlite::Error) -> bool {
    is_busy(error) || code(error) == Some(ErrorCode::DiskFull)
}

/// Returns whether the content of the file is the cause, so that waiting does not help.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Returns whether `error`, raised while one file was copied to another, concerns the file that was read.
pub(crate) fn is_of_reading(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    is_damage(error) || matches!(extended, Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ))
}

fn describe(error: &rusqlite::Error, path: &Path) -> String {
    let path = path.display();
    match code(error) {
        Some(ErrorCode::NotADatabase) => format!(
            "`{path}` is not an SQLite database, or was encrypted or overwritten: name another file; this one was not touched"
        ),
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the SQLite store `{path}` is damaged or cut short: restore it from a backup; it was not touched"
        ),
        Some(ErrorCode::DiskFull) => {
            format!("no space is left for the SQLite store `{path}`: free space on its disk")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "the SQLite store `{path}` cannot be written: let Miroir's user write the file and its directory, which holds the log beside it"
        ),
        Some(ErrorCode::CannotOpen) => format!(
            "the SQLite store `{path}` cannot be opened: check that its directory exists and that Miroir's user may write there"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
            "the SQLite store `{path}` is locked by another process: only one instance may use it; several instances need Redis"
        ),
        Some(ErrorCode::SystemIoFailure) => {
            format!("reading or writing the SQLite store `{path}` failed: check its disk")
        }
        _ => format!("the SQLite store `{path}` failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_failure_is_of_reading_for_read_errors_alone() {
        let of_reading = |code| match sqlite(code) {
            Failure::Sqlite(error) => is_of_reading(&error),
            Failure::Store(_) => unreachable!(),
        };
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_IOERR_READ] {
            assert!(of_reading(code), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_IOERR_WRITE] {
            assert!(!of_reading(code), "{code}");
        }
    }

    fn sqlite(extended_code: i32) -> Failure {
        Failure::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None))
    }

    #[test]
    fn failure_names_the_path_and_gives_advice() {
        let advice = [
            (ffi::SQLITE_FULL, "free space"),
            (ffi::SQLITE_READONLY, "let Miroir's user write"),
            (ffi::SQLITE_CANTOPEN, "check that its directory exists"),
            (ffi::SQLITE_BUSY, "only one instance"),
            (ffi::SQLITE_IOERR, "check its disk"),
            (ffi::SQLITE_CORRUPT, "restore it from a backup"),
            (ffi::SQLITE_NOTADB, "name another file"),
        ];
        for (code, words) in advice {
            let text = sqlite(code).at(Path::new("/data/miroir.db"), Outcome::NotApplied).to_string();
            assert!(text.contains("`/data/miroir.db`") && text.contains(words), "{code}: {text}");
        }
    }

    #[test]
    fn failure_keeps_the_error_of_sqlite_as_its_source() {
        let path = Path::new("x");
        for error in
            [sqlite(ffi::SQLITE_FULL).at(path, Outcome::Unknown), sqlite(ffi::SQLITE_BUSY).at_open(path)]
        {
            let source = std::error::Error::source(&error).expect("the error of SQLite").to_string();
            assert!(!error.to_string().contains(&source), "{error}");
            assert!(miroir_ports::error_chain(&error).contains(&source), "{error}");
        }
        let refused = sqlite(ffi::SQLITE_NOTADB).at_open(path).to_string();
        assert!(refused.contains("not a database"), "{refused}");
    }

    #[test]
    fn open_failure_is_not_retryable_for_damaged_files() {
        let path = Path::new("x");
        for code in [ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT] {
            assert!(!sqlite(code).at_open(path).retryable());
        }
        assert!(sqlite(ffi::SQLITE_BUSY).at_open(path).retryable());
    }

    #[test]
    fn commit_certainly_fails_on_a_full_or_locked_store_alone() {
        let certain = |code| match sqlite(code) {
            Failure::Sqlite(error) => commit_certainly_failed(&error),
            Failure::Store(_) => unreachable!(),
        };
        assert!(certain(ffi::SQLITE_FULL) && certain(ffi::SQLITE_BUSY));
        assert!(!certain(ffi::SQLITE_IOERR_FSYNC));
    }
}
