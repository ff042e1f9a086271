//! The size of a run.

use std::path::PathBuf;
use std::time::Duration;

use crate::layout::Layout;

/// The store of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A file, and one instance of Miroir.
    Sqlite,
    /// A server, and two instances.
    Redis,
}

/// The size of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of all chance.
    pub seed: u64,
    /// The time in which clients ask and things go wrong.
    pub time: Duration,
    /// The store.
    pub store: Store,
    /// The nodes that are started.
    pub nodes: usize,
    /// The nodes that are used at first.
    pub layout: Layout,
    /// The program of both instances at first, if it is not the one of this workspace.
    pub program: Option<PathBuf>,
}

impl Options {
    /// Returns three nodes in one group for even seeds, and six in two groups for odd ones.
    pub fn of(seed: u64, time: Duration, store: Store) -> Self {
        let (nodes, groups) = if seed.is_multiple_of(2) { (3, 1) } else { (6, 2) };
        Self { seed, time, store, nodes, layout: Layout::of(nodes, groups), program: None }
    }
}
