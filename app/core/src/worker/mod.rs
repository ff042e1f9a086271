//! Background work of the leader.

mod held;
mod poller;
mod pruner;
mod reconciler;
mod recovery;
mod repair;
mod set;

pub use poller::{PollerOptions, poll_loop};
pub use pruner::{PrunerOptions, prune_loop};
pub use recovery::load_states;
pub use repair::{IsFormerOver, repair_loop};
pub use set::join_all;
