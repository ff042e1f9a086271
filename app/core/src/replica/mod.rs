//! Replica states: the replicas that are not in sync with the others of their index, and the progress of
//! their repair.

mod progress;
mod reported;
mod states;
mod topology_use;
mod unsure;

pub use progress::RepairLog;
pub use reported::{KNOWN_EVERYWHERE, ReportedStates, reported_state_loop};
pub use states::{ReplicaStates, STALE_COST, SeenState};
pub use topology_use::{SUPERSEDED, TopologyUse};
