//! Changes of the topology under load: no read fails, and no answer is wrong and unmarked.

use std::time::Duration;

use anyhow::Result;
use miroir_test_chaos::{Layout, Options, Place, Processes, Report, State, Store, under_load};
use tokio::time::sleep;

/// The time under load before a change, and after it.
const AROUND: Duration = Duration::from_secs(3);

/// Returns two instances in front of so many nodes, of which the first ones are used.
fn options(seed: u64, nodes: usize, used: usize) -> Options {
    let layout = Layout::of(used, 1);
    Options { seed, time: Duration::ZERO, store: Store::Redis, nodes, layout, program: None }
}

/// Runs `change` under load, and waits until every replica is in sync, still under load.
async fn changed(options: Options, change: impl AsyncFnOnce(&State, &mut Processes) -> Result<()>) -> Report {
    let report = under_load(&options, async |state, processes| {
        sleep(AROUND).await;
        change(state, processes).await?;
        sleep(AROUND).await;
        processes.until_repaired().await
    })
    .await
    .unwrap();
    eprintln!("{report:?}");
    let [compared, _, refused] = report.reads;
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(refused, 0, "{report:?}");
    assert!(compared > 50 && report.writes[0] > 20, "{report:?}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_is_added_under_load() {
    changed(options(1, 4, 2), async |_, processes| {
        let places = vec![Place::of(0, 0), Place::of(1, 0), Place::of(2, 1), Place::of(3, 1)];
        processes.accept(Layout { places, replication_factor: 2 }).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replication_factor_is_raised_under_load() {
    changed(options(2, 3, 3), async |_, processes| {
        let places = processes.layout.places.clone();
        processes.accept(Layout { places, replication_factor: 3 }).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_node_is_replaced_by_an_empty_one_under_load() {
    changed(options(3, 4, 3), async |state, processes| {
        processes.spare_a_node(state).await?;
        processes.cluster.node(2).kill().await?;
        state.go_on();
        sleep(AROUND).await;
        let places = vec![Place::of(0, 0), Place::of(1, 0), Place::of(3, 0)];
        processes.accept(Layout { places, replication_factor: 2 }).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_moves_to_another_url_under_load() {
    changed(options(4, 4, 3), async |state, processes| {
        processes.spare_a_node(state).await?;
        processes.move_data(2, 3).await?;
        state.go_on();
        sleep(AROUND).await;
        let moved = Place { name: 2, server: 3, group: 0 };
        processes
            .accept(Layout { places: vec![Place::of(0, 0), Place::of(1, 0), moved], replication_factor: 2 })
            .await
    })
    .await;
}
