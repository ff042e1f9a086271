//! What the outside may ask: one trait per family of use cases, implemented by the services of the app.

mod alias;
mod canary;
mod change;
mod cluster;
mod document;
mod error;
mod gauge;
mod index;
mod instance;
mod job;
mod metrics;
mod search;
mod settings;
mod task;

pub use alias::*;
pub use canary::*;
pub use change::*;
pub use cluster::*;
pub use document::*;
pub use error::*;
pub use gauge::*;
pub use index::*;
pub use instance::*;
pub use job::*;
pub use metrics::*;
pub use search::*;
pub use settings::*;
pub use task::*;

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
