//! Responses of several use cases.

use miroir_domain::quorum::Degraded;
use miroir_domain::task::TaskSummary;

/// The response to a write that took: its task, and the parts of the cluster that missed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The task summary for the client.
    pub summary: TaskSummary,
    /// The parts that missed the write, for `X-Miroir-Degraded`.
    pub degraded: Option<Degraded>,
}

/// A JSON response made from those of nodes, and the parts of the cluster that it misses.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadResponse {
    /// The body for the client.
    pub body: serde_json::Value,
    /// The parts that are missing, for `X-Miroir-Degraded`.
    pub degraded: Option<Degraded>,
}
