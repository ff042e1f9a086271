//! Options of a store.

use std::path::PathBuf;
use std::time::Duration;

/// The point at which a commit counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The commit has reached the disk: it survives a power cut.
    #[default]
    Full,
    /// The commit has reached the operating system: it survives a crash of Miroir, but a power cut may take
    /// the last commits.
    Normal,
}

impl Synchronous {
    pub(crate) fn as_pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// The place of a store and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file. `-wal` and `-shm` files appear beside it while it is open. It must not be on a network file
    /// system.
    pub path: PathBuf,
    /// The durability of commits.
    pub synchronous: Synchronous,
    /// The number of connections that read at once, at least 1.
    pub readers: u32,
    /// The time to wait for a lock of another process.
    pub busy_timeout: Duration,
    /// The greatest number of changes in one transaction, at least 1.
    pub group_limit: usize,
    /// The number of pages of 4 KiB at which SQLite copies the write-ahead log into the file.
    pub checkpoint_pages: u32,
    /// The size above which the write-ahead log is truncated as soon as no reader needs it.
    pub wal_limit_bytes: u64,
}

impl SqliteOptions {
    /// Returns the defaults for the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            synchronous: Synchronous::default(),
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            group_limit: 64,
            checkpoint_pages: 2_000,
            wal_limit_bytes: 64 << 20,
        }
    }
}
