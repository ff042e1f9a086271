//! Miroir is killed at random moments under load: it loses no acknowledged task, and every open task reaches
//! its true end.

#[path = "crash/mod.rs"]
mod crash;

use std::ops::Range;

use miroir_e2e::Cluster;

const PAUSE: Range<u64> = 5..60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_miroir_is_killed_twenty_times() {
    crash::survive("3 nodes, RF 2", Cluster::builder().nodes(3).replication_factor(2), 20, PAUSE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_miroir_is_killed_in_front_of_two_groups() {
    crash::survive("2 groups of 2 nodes", Cluster::builder().nodes(4).groups(2), 6, PAUSE).await;
}
