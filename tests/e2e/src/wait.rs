//! Waiting for something to become true.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::PATIENCE;

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is something, and returns it.
///
/// # Panics
///
/// When there is still nothing when [`PATIENCE`] is over; the panic says `what` was waited for.
pub async fn until<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(LOOK).await;
    }
}
