//! How the nodes fare: every call to one is watched, and idle ones are probed.

mod health;
mod probe;
mod tracked;

pub use health::{HealthTracker, InFlight, NodeSnapshot};
pub use probe::{ProbeSchedule, probe_loop};
pub use tracked::TrackedNodes;
