//! Responses of several use cases.

use miroir_domain::quorum::Degraded;
use miroir_domain::task::TaskSummary;

/// A write that was taken: its task, and what it had to do without.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The task summary the client gets.
    pub summary: TaskSummary,
    /// What missed it, for `X-Miroir-Degraded`.
    pub degraded: Option<Degraded>,
}

/// A JSON answer that came from nodes, and what it had to do without.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadResponse {
    /// The body the client gets.
    pub body: serde_json::Value,
    /// What is missing from it, for `X-Miroir-Degraded`.
    pub degraded: Option<Degraded>,
}
