//! Replicas end up equal, in whatever order calls arrive, and whether or not the client waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use miroir_domain::Timestamp;
use miroir_ports::outbound::TaskTable as _;
use serde_json::json;

use crate::support::{Bench, Fault, Layout, films};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// A number that looks random: splitmix64.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[tokio::test(start_paused = true)]
async fn concurrent_writes_of_one_document_reach_all_replicas_in_one_order() {
    for seed in 0..40 {
        let bench = Bench::running(Layout::group(&TRIO, 3));
        bench.written("films", films(0, 3)).await;
        bench.nodes.delay(move |_, number| Duration::from_millis(mixed(seed * 1_000 + number as u64) % 300));
        let writes = (0..12).map(|number| bench.update("films", json!([{ "id": 1, "by": number }])));
        for accepted in join_all(writes).await {
            bench.succeeded(accepted.unwrap().summary.task_uid).await;
        }
        let history = |node| bench.nodes.index(node, "films").unwrap().history;
        assert_eq!(history("a").len(), 15);
        assert_eq!(history("a"), history("b"), "seed {seed}");
        assert_eq!(history("a"), history("c"), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn write_goes_on_when_the_client_hangs_up() {
    for instant in 0..12 {
        let bench = Arc::new(Bench::running(Layout::group(&TRIO, 3)));
        bench.written("films", films(0, 3)).await;
        bench.nodes.delay(|_, number| Duration::from_millis(10 + number as u64 % 5));
        let writing = bench.write("films", films(0, 20));
        // The request is dropped at different points of its way.
        let _ = tokio::time::timeout(Duration::from_millis(instant), writing).await;
        bench.until("recorded", || bench.nodes.calls_to("a", "write documents-add").len() == 2).await;
        bench.succeeded(miroir_domain::TaskUid(1)).await;
        assert!(TRIO.iter().all(|node| bench.nodes.ids(node, "films").len() == 20), "instant {instant}");
    }
}

/// The request is still on its way when Miroir gives it up and lets the next one go.
#[tokio::test(start_paused = true)]
async fn node_that_was_overtaken_on_the_way_is_brought_back_into_line() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 3)).await;
    bench.nodes.once("b", "write", Fault::Late(Duration::from_millis(30_500)));
    let first = bench.write("films", json!([{ "id": 1, "title": "first" }])).await.unwrap();
    let second = bench.write("films", json!([{ "id": 1, "title": "second" }])).await.unwrap();
    bench.succeeded(first.summary.task_uid).await;
    bench.succeeded(second.summary.task_uid).await;
    bench.repaired("films", "b").await;
    for node in TRIO {
        let index = bench.nodes.index(node, "films").unwrap();
        assert_eq!(index.documents["1"]["title"], "second", "node {node}");
    }
}

/// The later write has the earlier time.
#[tokio::test(start_paused = true)]
async fn node_that_was_overtaken_by_a_write_after_the_clock_was_set_back_is_brought_back_into_line() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 3)).await;
    bench.nodes.once("b", "write", Fault::Late(Duration::from_millis(30_500)));
    bench.write("films", json!([{ "id": 1, "title": "first" }])).await.unwrap();
    bench.set_clock_back(Duration::from_mins(1));
    let second = bench.write("films", json!([{ "id": 1, "title": "second" }])).await.unwrap();
    bench.succeeded(second.summary.task_uid).await;
    let title = |node| bench.nodes.index(node, "films").unwrap().documents["1"]["title"].clone();
    bench.until("in line", || TRIO.iter().all(|node| title(node) == "second")).await;
}

/// The task of the write that overtook it may be gone when the late one is found.
#[tokio::test(start_paused = true)]
async fn node_that_was_overtaken_by_a_pruned_write_is_brought_back_into_line() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 3)).await;
    bench.nodes.once("b", "write", Fault::Late(Duration::from_millis(30_500)));
    bench.write("films", json!([{ "id": 1, "title": "first" }])).await.unwrap();
    bench.write("films", json!([{ "id": 1, "title": "second" }])).await.unwrap();
    let rows = Arc::clone(&bench.rows);
    let pruning = tokio::spawn(async move {
        loop {
            rows.task_prune(Timestamp::from_millis(i64::MAX), u32::MAX).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(Duration::from_secs(32)).await;
    let title = |node| bench.nodes.index(node, "films").unwrap().documents["1"]["title"].clone();
    bench.until("in line", || TRIO.iter().all(|node| title(node) == "second")).await;
    pruning.abort();
}
