//! The lock of a SQLite store: one Miroir per store.
//!
//! SQLite lets several processes write to one file. Two instances of Miroir must not: each keeps the order of
//! writes to the nodes in memory, and would take the other's writes in flight for lost ones. The lock is a
//! file beside the store. It cannot be the store itself, because closing any handle of that file would
//! release the locks that SQLite holds on it. The operating system releases the lock when the process ends,
//! so the file can stay.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use backon::Retryable as _;

use super::retry::OPENING;

/// The lock of a store. It is held until it is dropped.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Locks the store at `path`. Creates its folder if it does not exist.
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
        let is_held = |error: &TryLockError| matches!(error, TryLockError::WouldBlock);
        let locked = (|| async { file.try_lock() }).retry(OPENING).when(is_held).notify(|_, pause| {
            let pause_ms = pause.as_millis();
            tracing::warn!(pause_ms, "another Miroir uses the task store; waiting for it to stop");
        });
        match locked.await {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another Miroir uses it: a SQLite store serves one instance. Stop the other one, or set another store.path \
                 for this one"
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", beside.display()))
            }
        }
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
    async fn take_fails_until_the_lock_is_dropped() {
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
    async fn take_names_a_folder_that_it_cannot_create() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = StoreLock::take(&file.path().join("folder/miroir.db")).await.unwrap_err();
        assert!(error.to_string().contains("cannot create the folder"), "{error}");
    }
}
