//! Waiting for conditions.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Timeout of every step of a test: a bound against hanging and no measure of speed. Real nodes may need
/// long for the tasks of a test.
pub const TIMEOUT: Duration = Duration::from_mins(if cfg!(feature = "real") { 5 } else { 1 });

/// Pause between two checks.
const PAUSE: Duration = Duration::from_millis(20);

/// Calls `check` until it returns a value, and returns that value.
///
/// # Panics
///
/// Panics after [`TIMEOUT`] with `what`, which describes the condition.
pub async fn until<T, F>(what: &str, mut check: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        sleep(PAUSE).await;
    }
}
