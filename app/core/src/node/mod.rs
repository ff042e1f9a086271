//! The nodes of the cluster: calls to them, and their health.

mod health;
mod pool;
mod term;

pub use health::{HealthTracker, InFlight, NodeSnapshot};
pub use pool::{NodePool, Timeouts};
