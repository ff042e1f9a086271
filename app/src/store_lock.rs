//! One Miroir for one SQLite store.
//!
//! SQLite lets several processes write to one file. Two Miroirs must not: the order in which writes reach the nodes
//! is kept in memory, and either would judge the other's writes in flight as lost. The lock is a file beside the
//! store, never the store itself: closing any handle of that one would drop the locks SQLite holds on it. The system
//! frees the lock when the process ends, however it ends, so the file may stay where it is.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How often a lock that another process holds is tried before giving up: it may be about to end.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(200);

/// Held as long as the store is open.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock of the store at `path`, whose folder is created.
    pub async fn take(path: &Path) -> anyhow::Result<Self> {
        let beside = lock_path(path);
        if let Some(folder) = beside.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&beside)
            .with_context(|| format!("cannot write {}", beside.display()))?;
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => {
                    tracing::warn!(attempt, "another Miroir uses the task store; waiting for it to end");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", beside.display()));
                }
            }
        }
        bail!(
            "another Miroir uses it: a SQLite store serves one instance. Stop the other one, or give this one a store.path of its own"
        )
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut path = OsString::from(store);
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lock_is_given_once_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("new/miroir.db");
        let held = StoreLock::take(&store).await.unwrap();
        tokio::time::pause();
        let error = StoreLock::take(&store).await.unwrap_err().to_string();
        assert!(error.contains("another Miroir") && error.contains("store.path"), "{error}");
        drop(held);
        StoreLock::take(&store).await.unwrap();
    }

    #[tokio::test]
    async fn folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = StoreLock::take(&file.path().join("folder/miroir.db")).await.unwrap_err();
        assert!(error.to_string().contains("cannot create the folder"), "{error}");
    }
}
