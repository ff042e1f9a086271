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

use tokio::sync::watch;

/// Tells every worker to stop.
pub type Shutdown = watch::Receiver<bool>;

/// Waits until the process is to stop.
pub async fn stopped(shutdown: &mut Shutdown) {
    // A sender that is gone can only mean that the process is stopping.
    let _ = shutdown.wait_for(|stop| *stop).await;
}
