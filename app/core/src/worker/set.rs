//! The end of a set of workers.

use tokio::task::JoinSet;

/// Waits for all workers to end. Logs those that panicked.
pub async fn join_all(workers: &mut JoinSet<()>) {
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            tracing::error!("a worker panicked: {error}");
        }
    }
}
