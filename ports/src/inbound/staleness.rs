//! The age of what reads use while the task store is away.

use std::time::Duration;

/// The staleness of reads. `()` has a store that is never away.
pub trait StalenessApi: Send + Sync + 'static {
    /// Returns the number of reads so far that used a registry of an earlier time.
    fn stale_reads(&self) -> u64;

    /// Returns the age of the registry that reads use, or that one of them used after the first `since`.
    /// Returns `None` if there was none, and the task store responds.
    fn registry_age(&self, since: u64) -> Option<Duration>;
}

impl StalenessApi for () {
    fn stale_reads(&self) -> u64 {
        0
    }

    fn registry_age(&self, _: u64) -> Option<Duration> {
        None
    }
}
