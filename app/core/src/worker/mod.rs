//! Background roles: what must happen whether or not a client is waiting for it.

mod mender;
mod poller;
mod pruner;
mod reconciler;
mod recovery;

pub use mender::mend_loop;
pub use poller::{PollerOptions, poll_loop};
pub use pruner::{PrunerOptions, prune_loop};
pub use recovery::recover;
