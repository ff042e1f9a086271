//! A copy of a store, taken while it is in use.

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
    /// Copies the store to `to` while it serves, as [`SqliteFile::backup`] does: it holds every change that was
    /// acknowledged before. Neither writer nor runtime is held up.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (Arc::clone(&self.path), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || SqliteFile::open(&from)?.backup(&to)).await;
        copied.unwrap_or_else(|failed| {
            Err(StoreError::not_applied("the backup of the SQLite store was cut short").with_source(failed))
        })
    }
}

impl SqliteFile {
    /// Copies the store to `to`, which must not be there: all of it as it was at one moment, whatever is written meanwhile.
    ///
    /// The copy appears under its name when it is whole and on the disk, and never before; what fails leaves nothing behind.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |what: &str, error: io::Error| {
            StoreError::not_applied(format!(
                "the backup `{}` {what}: name a file in a directory that exists and may be written",
                to.display()
            ))
            .with_source(error)
        };
        if to.try_exists().map_err(|error| failed("cannot be looked for", error))? {
            return Err(taken(to));
        }
        let partial = reserve(to).map_err(|error| failed("cannot be made", error))?;
        let whole = self.copy(&partial, to).and_then(|()| {
            publish(&partial, to).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => taken(to),
                _ => failed("cannot be put in its place", error),
            })
        });
        // After a success it is a second name of the copy; after a failure, perhaps half of one, or nothing.
        let _ = fs::remove_file(&partial);
        whole
    }

    /// Writes the copy that will be `to` into `partial`.
    fn copy(&self, partial: &Path, to: &Path) -> Result<(), StoreError> {
        let of_copy = |error: rusqlite::Error| Failure::from(error).at(to, Outcome::NotApplied);
        let mut copy = Connection::open(partial).map_err(of_copy)?;
        // All pages in one step: one read of one moment. In steps, each change of another process would make it begin
        // again. A lock in the way is waited for inside the step, for as long as this connection waits for any.
        let step = Backup::new(&self.connection, &mut copy)
            .map_err(|error| self.failed(error))?
            .step(-1)
            .map_err(|error| if is_of_reading(&error) { self.failed(error) } else { of_copy(error) })?;
        // Only this answer means that pages were copied: a step that met a lock leaves an empty file, and the progress
        // then says that no page remains.
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
        "`{}` is there already, and a backup overwrites nothing: name another file",
        to.display()
    ))
}

/// Makes the empty file in which the copy grows: beside its place, so that it can be moved there, and no one else's.
/// The number of a process is not enough of a name: in containers they are the same again and again.
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

/// Gives the copy its name, once it is on the disk, unless another file has it.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    // Unlike renaming, linking fails where the name is taken.
    fs::hard_link(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).inspect_err(|_| {
        // The name was given by this call, and may not outlive a power cut.
        let _ = fs::remove_file(to);
    })
}
