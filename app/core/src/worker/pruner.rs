//! Deletes old finished tasks.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Cluster;
use tokio_util::sync::CancellationToken;

/// The tasks that one store call deletes, so that pruning does not block other writes for long.
const BATCH: u32 = 500;

/// The options of the pruner.
#[derive(Debug, Clone, Copy)]
pub struct PrunerOptions {
    /// The age at which a finished task is deleted (7 days).
    pub keep: Duration,
    /// The pause between two rounds.
    pub interval: Duration,
}

/// Prunes until `shutdown`, once the replica states are complete: the tasks of an older Miroir may be the
/// only record of a missed write.
pub async fn prune_loop(cluster: Arc<Cluster>, options: PrunerOptions, shutdown: CancellationToken) {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => return,
        () = cluster.replicas.recovered() => {}
    }
    loop {
        prune(&cluster, options.keep).await;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(options.interval) => {}
        }
    }
}

async fn prune(cluster: &Cluster, keep: Duration) {
    let before = cluster.clock.now().minus(keep);
    loop {
        match cluster.tasks.prune(before, BATCH).await {
            Ok(0) => return,
            Ok(count) => tracing::info!(count, "deleted tasks that finished before {before}"),
            Err(error) => {
                tracing::warn!("pruning tasks: {}", miroir_ports::error_chain(&error));
                return;
            }
        }
    }
}
