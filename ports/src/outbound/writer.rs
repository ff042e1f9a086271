//! The writer of an embedded store, for gauges.

/// Counts of a writer that commits changes in groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Groups that were committed.
    pub groups: u64,
    /// Changes in those groups.
    pub changes: u64,
    /// Size of the write-ahead log, in bytes.
    pub wal_bytes: u64,
}

/// A store that has a writer of its own.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait WriterProbe: Send + Sync + 'static {
    /// Returns the counts, or `None` once the store is closed.
    fn writer_stats(&self) -> Option<WriterStats>;
}
