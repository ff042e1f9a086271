//! Repair of stale replicas.
//!
//! A node that was away during a write is stale for that index, and reads avoid it. When the node is healthy
//! again, repair gives it first the index with its committed settings, and then, from a replica in sync, the
//! documents of each shard with missed writes, while writes go on.
//!
//! | module | contents |
//! |---|---|
//! | `workshop` | the jobs that wait and those that are being done |
//! | `plan` | the jobs, those of the shards with the fewest copies first |
//! | `attempt` | the jobs that failed, and when they are tried again |
//! | `settings`, `committed`, `read` | the index and its committed settings |
//! | `documents` | the comparison of all documents of some shards |
//! | `equality` | the comparison of replicas none of which is in sync |
//! | `part` | copies of documents that are right in the order of writes |
//! | `walk`, `listing` | the documents of a node, page by page and by id |
//! | `pace` | the bounds of what is read and sent |
//! | `wait` | waits for nodes to finish tasks |
//! | `error` | the reasons for which a repair fails |

mod attempt;
mod committed;
mod documents;
mod equality;
mod error;
mod listing;
mod pace;
mod part;
mod plan;
mod read;
mod settings;
mod wait;
mod walk;
mod workshop;

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::error_chain;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::committed::Unfilled;
pub use self::workshop::IsFormerOver;
use self::workshop::Workshop;
use super::recovery::{record_progress, recover};
use crate::cluster::Cluster;

/// The time between two records of the progress of a term.
const PROGRESS: Duration = Duration::from_mins(1);

/// Recovers the replica states in the leader's term of this number, then repairs stale replicas until
/// `shutdown`.
pub async fn repair_loop(
    cluster: Arc<Cluster>,
    term: u64,
    is_former_over: IsFormerOver,
    shutdown: CancellationToken,
) {
    let work = async {
        recover(Arc::clone(&cluster), term).await;
        let mut recorded = Instant::now();
        let mut workshop = Workshop::new(&cluster, is_former_over);
        let mut unfilled = Unfilled::default();
        loop {
            unfilled.round(&cluster).await;
            workshop.round().await;
            if recorded.elapsed() >= PROGRESS {
                recorded = Instant::now();
                if let Err(error) = record_progress(&cluster, term).await {
                    tracing::debug!("cannot record the progress of the term: {}", error_chain(&error));
                }
            }
        }
    };
    // Every step of a repair can be repeated, so it may be cut off anywhere.
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}
