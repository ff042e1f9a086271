//! Replica states: the replicas that are not in sync with the others of their index.

mod reported;
mod states;

pub use reported::{KNOWN_EVERYWHERE, ReportedStates, reported_state_loop};
pub use states::{ReplicaStates, STALE_COST, SeenState};
