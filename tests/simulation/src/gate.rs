//! The gate of an instance to the world: closed for good when it has crashed, and for a while when it is
//! paused.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The gate of one run of an instance. Whatever an instance does to the world, and whatever it hears of it,
/// passes here. After a crash nothing does: its tasks wait for ever, and are dropped with the runtime.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    paused_until: Arc<Mutex<Option<Instant>>>,
    /// Cancelled by a crash.
    pub crashed: CancellationToken,
}

impl Gate {
    /// Waits while the instance is paused, and for ever if it has crashed.
    pub async fn pass(&self) {
        loop {
            if self.crashed.is_cancelled() {
                return std::future::pending().await;
            }
            let paused = *self.paused_until.lock();
            match paused {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Pauses the instance.
    pub fn pause(&self, until: Instant) {
        *self.paused_until.lock() = Some(until);
    }
}
