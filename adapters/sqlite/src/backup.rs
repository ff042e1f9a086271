//! A copy of a store, taken while it is in use.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miroir_ports::outbound::{Outcome, StoreError};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{Failure, unavailable};
use crate::file::SqliteFile;

/// The pause before a copy that a lock stood in the way of is tried again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is tried, for half a minute in all.
const ATTEMPTS: u32 = 600;

impl SqliteFile {
    /// Copies the store to `to`, which must not be there: all of it as it was at one moment, whatever is written meanwhile.
    ///
    /// The copy appears under its name when it is whole and on the disk, and never before; what fails leaves nothing behind.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |what: &str, error: &io::Error| {
            unavailable(format!("the backup `{}` {what}: {error}", to.display()))
        };
        if to.try_exists().map_err(|error| failed("cannot be looked for", &error))? {
            return Err(taken(to));
        }
        let partial = partial_of(to);
        let whole = self.copy(&partial).and_then(|()| {
            publish(&partial, to).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => taken(to),
                _ => failed("cannot be put in its place", &error),
            })
        });
        // After a success it is a second name of the copy; after a failure, perhaps half of one, or nothing.
        let _ = fs::remove_file(&partial);
        whole
    }

    /// Writes the copy and its log-free end state to `partial`.
    fn copy(&self, partial: &Path) -> Result<(), StoreError> {
        let of_copy = |error: rusqlite::Error| Failure::from(error).at(partial, Outcome::NotApplied);
        let mut copy = Connection::open(partial).map_err(of_copy)?;
        {
            let backup = Backup::new(&self.connection, &mut copy).map_err(|error| self.failed(error))?;
            for _ in 0..ATTEMPTS {
                // All pages in one step: one read of one moment. In steps, each change of another process would
                // make it begin again.
                match backup.step(-1).map_err(of_copy)? {
                    StepResult::Done => break,
                    _ => std::thread::sleep(PAUSE),
                }
            }
            if backup.progress().remaining > 0 {
                return Err(unavailable(format!(
                    "the SQLite store `{}` was locked for too long: try the backup again",
                    self.path.display()
                )));
            }
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

/// Where the copy grows: beside its place, so that it can be moved there, under a name that no other process uses.
fn partial_of(to: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".partial-{}", std::process::id()));
    to.with_file_name(name)
}

/// Gives the copy its name, once it is on the disk, unless another file has it.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    // Unlike renaming, linking fails where the name is taken.
    fs::hard_link(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
