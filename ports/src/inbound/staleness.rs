//! The age of what reads use while the task store is away.

use std::time::Duration;

/// The staleness of reads. `()` has a store that is never away.
pub trait StalenessApi: Send + Sync + 'static {
    /// Returns the age of the registry that reads use, or `None` while the task store responds.
    fn registry_age(&self) -> Option<Duration>;
}

impl StalenessApi for () {
    fn registry_age(&self) -> Option<Duration> {
        None
    }
}
