//! The data of a node as a value.

use crate::state::State;

/// A copy of all data of a node: indexes, tasks and API keys.
///
/// It belongs to no node: [`DevNode::restore`](crate::DevNode::restore) gives it to any. The faults and the
/// recorded requests of a node are not part of it. The text of an API key depends on the master key of the
/// node that has the data.
#[derive(Debug, Clone)]
pub struct Snapshot(pub(crate) State);

impl Snapshot {
    /// Returns the uid that the next task has.
    pub fn next_task(&self) -> u32 {
        self.0.next_task
    }
}

/// The error of a change of data that needs a stopped node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRunning;

impl std::fmt::Display for NodeRunning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the node is running: stop it before its data is replaced")
    }
}

impl std::error::Error for NodeRunning {}
