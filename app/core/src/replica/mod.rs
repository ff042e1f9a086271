//! Replica states: which replicas are behind the others of their index.

mod reported;

pub use reported::{ReportedStates, reported_state_loop};
