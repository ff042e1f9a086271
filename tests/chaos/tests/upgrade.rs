//! An earlier version and this one side by side on one store, under load.

use std::time::Duration;

use anyhow::Result;
use miroir_e2e::previous_miroir;
use miroir_test_chaos::{Layout, Options, Processes, Report, State, Store, under_load};
use tokio::time::sleep;

/// The time in which both versions, or one of them, serve.
const PHASE: Duration = Duration::from_secs(10);

/// Starts two instances of the earlier version, and lets `events` happen under load.
async fn upgraded(seed: u64, events: impl AsyncFnOnce(&State, &mut Processes) -> Result<()>) -> Report {
    let options = Options {
        seed,
        time: Duration::ZERO,
        store: Store::Redis,
        nodes: 3,
        layout: Layout::of(3, 1),
        program: Some(previous_miroir().unwrap()),
    };
    let report = under_load(&options, events).await.unwrap();
    eprintln!("{report:?}");
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.reads[0] > 100 && report.writes[0] > 100, "{report:?}");
    report
}

async fn upgrade(processes: &mut Processes, instance: usize) -> Result<()> {
    let instance = processes.instance(instance);
    instance.upgrade().await?;
    instance.terminate().await?;
    instance.start().await
}

/// Replaces the instance `first` by this version, then the other one.
async fn replaced_in_turn(seed: u64, first: usize) {
    let report = upgraded(seed, async |_, processes| {
        sleep(PHASE).await;
        upgrade(processes, first).await?;
        sleep(PHASE).await;
        upgrade(processes, 1 - first).await?;
        sleep(PHASE).await;
        processes.until_repaired().await
    })
    .await;
    assert_eq!(report.reads[2], 0, "no read fails: {report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follower_is_upgraded_before_the_leader() {
    replaced_in_turn(1, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_is_upgraded_before_the_follower() {
    replaced_in_turn(2, 0).await;
}
