//! The size of a run.

use std::time::Duration;

/// The store of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A file, and one instance of Miroir.
    Sqlite,
    /// A server, and two instances.
    Redis,
}

/// The size of a run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The seed of all chance.
    pub seed: u64,
    /// The time in which clients ask and things go wrong.
    pub time: Duration,
    /// The store.
    pub store: Store,
    /// The nodes.
    pub nodes: usize,
    /// The replica groups. Each has two copies of every shard.
    pub groups: usize,
}

impl Options {
    /// Returns three nodes in one group for even seeds, and six in two groups for odd ones.
    pub fn of(seed: u64, time: Duration, store: Store) -> Self {
        let groups = if seed.is_multiple_of(2) { 1 } else { 2 };
        Self { seed, time, store, nodes: 3 * groups, groups }
    }

    /// Returns the copies of every document.
    pub fn copies(&self) -> usize {
        2 * self.groups
    }
}
