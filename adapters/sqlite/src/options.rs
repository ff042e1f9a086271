//! How a store is opened.

use std::path::PathBuf;
use std::time::Duration;

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// After it reached the disk: it survives a power cut.
    #[default]
    Full,
    /// After it reached the operating system: it survives a crash of Miroir; a power cut may take the last commits.
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

/// Where a store is and how it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file. `-wal` and `-shm` files appear beside it while it is open. Not on a network file system.
    pub path: PathBuf,
    /// When a commit counts as done.
    pub synchronous: Synchronous,
    /// Connections that read at once; at least one.
    pub readers: u32,
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// The most changes that share one transaction; at least one.
    pub group_limit: usize,
    /// The write-ahead log is folded into the file each time it holds this many pages of 4 KiB.
    pub checkpoint_pages: u32,
    /// A write-ahead log larger than this is cut back as soon as no reader needs it.
    pub wal_limit_bytes: u64,
}

impl SqliteOptions {
    /// The defaults, for the file at `path`.
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
