//! The status of a task. It only moves forward.

use crate::word::words;

words! {
    /// The five statuses of Meilisearch.
    pub enum TaskStatus("task status", "statuses") {
        /// Accepted, not begun.
        Enqueued = "enqueued",
        /// Begun on at least one node.
        Processing = "processing",
        /// Done on every node that accepted it.
        Succeeded = "succeeded",
        /// Failed on at least one node that accepted it.
        Failed = "failed",
        /// Canceled before it was done.
        Canceled = "canceled",
    }
}

impl TaskStatus {
    /// Returns whether the task is over.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}
