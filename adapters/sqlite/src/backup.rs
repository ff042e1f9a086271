//! Copies of a store that is in use.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miroir_ports::outbound::{Outcome, StoreError};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{Failure, is_of_reading};
use crate::file::SqliteFile;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Copies the store to `to` while it serves, as [`SqliteFile::backup`] does. The copy holds every change
    /// that was acknowledged before. The writer and the runtime are not blocked.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (Arc::clone(&self.path), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || SqliteFile::open(&from)?.backup(&to)).await;
        copied.unwrap_or_else(|failed| {
            Err(StoreError::not_applied("the backup of the SQLite store was interrupted").with_source(failed))
        })
    }
}

impl SqliteFile {
    /// Copies the store to `to`, which must not exist, as it is at one moment, even if it is written
    /// meanwhile.
    ///
    /// The copy appears under its name once it is complete and on disk. A failure leaves nothing behind.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |what: &str, error: io::Error| {
            StoreError::not_applied(format!(
                "the backup `{}` {what}: name a file in a directory that exists and may be written",
                to.display()
            ))
            .with_source(error)
        };
        if to.try_exists().map_err(|error| failed("cannot be checked", error))? {
            return Err(taken(to));
        }
        let partial = reserve(to).map_err(|error| failed("cannot be created", error))?;
        let copied = self.copy(&partial, to).and_then(|()| {
            publish(&partial, to).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => taken(to),
                _ => failed("cannot be given its name", error),
            })
        });
        // After a success it is a second name of the copy. After a failure it is incomplete or missing.
        let _ = fs::remove_file(&partial);
        copied
    }

    /// Writes the copy that will become `to` into `partial`.
    fn copy(&self, partial: &Path, to: &Path) -> Result<(), StoreError> {
        let of_copy = |error: rusqlite::Error| Failure::from(error).at(to, Outcome::NotApplied);
        let mut copy = Connection::open(partial).map_err(of_copy)?;
        // One step copies all pages in one read transaction. In several steps, each change of another process
        // would restart the copy. Within the step SQLite waits for a lock as long as the connection's busy
        // timeout.
        let step = Backup::new(&self.connection, &mut copy)
            .map_err(|error| self.failed(error))?
            .step(-1)
            .map_err(|error| if is_of_reading(&error) { self.failed(error) } else { of_copy(error) })?;
        // Only `Done` means that pages were copied: a step that met a lock leaves an empty file, and the
        // progress then reports that no page remains.
        if step != StepResult::Done {
            return Err(StoreError::not_applied(format!(
                "the SQLite store `{}` was locked by another process for too long: try the backup again",
                self.path.display()
            )));
        }
        copy.close().map_err(|(_, error)| of_copy(error))
    }
}

fn taken(to: &Path) -> StoreError {
    StoreError::InvalidInput(format!(
        "`{}` exists already, and a backup overwrites nothing: name another file",
        to.display()
    ))
}

/// Creates the empty file that the copy is written to. It is in the folder of `to`, so that it can be linked
/// to that name, and belongs to this call alone. The process id does not suffice: in containers it is often
/// the same.
fn reserve(to: &Path) -> io::Result<PathBuf> {
    let mut number = 0_u32;
    loop {
        let mut name = OsString::from(".");
        name.push(to.file_name().unwrap_or_default());
        name.push(format!(".partial-{}-{number}", std::process::id()));
        let partial = to.with_file_name(name);
        match File::create_new(&partial) {
            Ok(_) => return Ok(partial),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Gives the copy its name, once it is on disk, unless another file has that name.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    // Unlike renaming, linking fails if the name is taken.
    fs::hard_link(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).inspect_err(|_| {
        // The name was given by this call, but may not survive a power cut.
        let _ = fs::remove_file(to);
    })
}
