//! A process that dies in the middle of a write, and the one that comes after it.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_domain::task::TaskStatus;
use miroir_ports::inbound::{DocumentApi, DocumentSelection, IndexApi};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// Begins a write of 20 more films and kills the process `after` that time.
async fn killed_while_writing(bench: Bench, after: Duration) -> Bench {
    let document = Arc::clone(&bench.document);
    let writing =
        tokio::spawn(
            async move { document.documents_delete(uid("films"), DocumentSelection::All, None).await },
        );
    tokio::time::sleep(after).await;
    let next = bench.restarted();
    writing.abort();
    next
}

async fn with_films() -> Bench {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    bench.nodes.forget_calls();
    bench
}

#[tokio::test(start_paused = true)]
async fn write_that_was_recorded_and_not_sent_ends_failed() {
    let bench = with_films().await;
    bench.nodes.delay(|call, _| Duration::from_secs(u64::from(call.what.starts_with("write"))));
    let bench = killed_while_writing(bench, Duration::from_millis(100)).await;
    let task = bench.finished(TaskUid(1)).await;
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(task.error.unwrap().code, "miroir_no_quorum");
    for node in TRIO {
        assert_eq!(bench.nodes.ids(node, "films").len(), 20);
        assert!(!bench.is_stale("films", node), "no node has what node {node} has not");
    }
}

#[tokio::test(start_paused = true)]
async fn write_that_some_nodes_took_is_found_and_the_others_are_mended() {
    let bench = with_films().await;
    bench.nodes.once("c", "write", Fault::Slow(Duration::from_secs(20)));
    let bench = killed_while_writing(bench, Duration::from_millis(100)).await;
    let task = bench.succeeded(TaskUid(1)).await;
    assert_eq!(task.node_tasks.len(), 2);
    assert_eq!(task.node_errors.len(), 1);
    bench.repaired("films", "c").await;
    assert!(TRIO.iter().all(|node| bench.nodes.ids(node, "films").is_empty()));
}

#[tokio::test(start_paused = true)]
async fn write_that_all_nodes_took_before_the_row_said_so_succeeds() {
    let bench = with_films().await;
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::DoAndHang);
    }
    let bench = killed_while_writing(bench, Duration::from_millis(100)).await;
    let task = bench.succeeded(TaskUid(1)).await;
    assert_eq!(task.node_tasks.len(), 3);
    let sent: usize = TRIO.iter().map(|node| bench.nodes.calls_to(node, "write").len()).sum();
    assert_eq!(sent, 3, "never sent twice");
}

#[tokio::test(start_paused = true)]
async fn deleted_documents_do_not_return_with_a_new_index_when_the_deletion_reached_no_node() {
    let bench = with_films().await;
    bench.nodes.delay(|call, _| Duration::from_secs(u64::from(call.what.starts_with("write"))));
    let index = Arc::clone(&bench.index);
    let deleting = tokio::spawn(async move { index.index_delete(uid("films")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let bench = bench.restarted();
    deleting.abort();
    bench.nodes.delay(|_, _| Duration::ZERO);
    assert!(bench.entry("films").await.is_none(), "the registry has changed");
    bench.written("films", films(100, 105)).await;
    bench.until("all replicas are in sync", || bench.cluster.replicas.stale().is_empty()).await;
    let physical = bench.physical("films").await;
    for node in TRIO {
        assert_eq!(bench.nodes.ids(node, &physical).len(), 5, "node {node}");
        assert!(bench.nodes.index(node, "films").is_none(), "node {node} was told of the deletion");
    }
}

/// The registry decides which indexes exist. Once Miroir has acknowledged an index, it must not deny it.
#[tokio::test(start_paused = true)]
async fn index_that_no_node_was_told_of_can_be_deleted() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    bench.nodes.delay(|call, _| Duration::from_secs(u64::from(call.what.starts_with("write"))));
    let index = Arc::clone(&bench.index);
    let creating = tokio::spawn(async move { index.index_create(uid("films"), None).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let bench = bench.restarted();
    creating.abort();
    bench.nodes.delay(|_, _| Duration::ZERO);
    assert!(bench.entry("films").await.is_some(), "the registry has it");
    assert!(TRIO.iter().all(|node| bench.nodes.index(node, "films").is_none()), "and no node has");
    let deleted = bench.index.index_delete(uid("films")).await.unwrap();
    let task = bench.succeeded(deleted.summary.task_uid).await;
    assert_eq!(task.view().details.unwrap()["deletedDocuments"], 0);
    assert!(bench.entry("films").await.is_none());
}

/// Whenever the process dies, every task comes to an end, and what the nodes hold agrees with it.
#[tokio::test(start_paused = true)]
async fn no_task_is_lost_whenever_the_process_dies() {
    for instant in 0..60 {
        let bench = Bench::running(Layout::group(&TRIO, 3));
        bench.nodes.delay(move |_, number| Duration::from_millis((number as u64 * 7 + instant) % 23));
        let writer = Arc::clone(&bench.document);
        let indexes = Arc::clone(&bench.index);
        let busy = tokio::spawn(async move {
            for round in 0..4 {
                let write = crate::support::additions("films", &films(round, round + 10));
                let _ = writer.documents_write(write).await;
                let _ = indexes.index_create(uid(&format!("i{round}")), None).await;
                let _ = indexes.index_delete(uid(&format!("i{}", round.saturating_sub(1)))).await;
            }
        });
        tokio::time::sleep(Duration::from_millis(instant * 5)).await;
        let bench = bench.restarted();
        busy.abort();
        let mut last = 0;
        while bench.has_row(last).await {
            bench.finished(TaskUid(last)).await;
            last += 1;
        }
        bench.until("all replicas are in sync", || bench.cluster.replicas.stale().is_empty()).await;
        for index in ["films", "i0", "i1", "i2", "i3"] {
            let known = bench.entry(index).await.is_some();
            for node in TRIO {
                let found = bench.nodes.index(node, index);
                assert_eq!(found.is_some(), known, "instant {instant}: index {index} on node {node}");
                assert_eq!(
                    found.map(|found| found.documents),
                    bench.nodes.index("a", index).map(|found| found.documents),
                    "instant {instant}: {index} on node {node}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stale_nodes_are_recalled() {
    let bench = with_films().await;
    bench.fell("b").await;
    bench.written("films", films(0, 30)).await;
    bench.written("plays", films(0, 5)).await;
    let accepted = bench.index.index_create(uid("books"), None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.nodes.once("b", "probe", Fault::Unreachable);
    let bench = bench.restarted();
    for index in ["films", "plays", "books"] {
        bench.until("recalled", || bench.is_stale(index, "b")).await;
        assert!(!bench.is_stale(index, "a") && !bench.is_stale(index, "c"));
    }
    bench.revive("b").await;
    for index in ["films", "plays", "books"] {
        bench.repaired(index, "b").await;
        let found = bench.nodes.index("b", index).unwrap();
        assert_eq!(found.documents, bench.nodes.index("a", index).unwrap().documents);
    }
}
