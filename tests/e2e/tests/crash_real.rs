//! Crashes of Miroir in front of real nodes.

#[path = "crash/mod.rs"]
mod crash;

use miroir_e2e::{Cluster, NodeKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_miroir_is_killed_in_front_of_real_nodes() {
    let cluster = Cluster::builder().kind(NodeKind::Real).nodes(3).replication_factor(2);
    // Real nodes write to disk for every batch of tasks.
    crash::survive("3 real nodes, RF 2", cluster, 20, 100..400).await;
}
