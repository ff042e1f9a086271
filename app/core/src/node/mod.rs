//! The nodes of the cluster: calls to them, and their health. Every node is probed.

mod health;
mod pool;
mod probe;
mod term;

pub use health::{HealthTracker, InFlight, NodeSnapshot};
pub use pool::{NodePool, Timeouts};
pub use probe::{ProbeSchedule, probe_loop};
