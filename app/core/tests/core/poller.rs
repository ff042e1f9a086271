//! Following node tasks to their end.

use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_domain::task::{NodeTaskState, TaskStatus};
use miroir_ports::outbound::NodeTaskSelection;
use tokio::time::Instant;

use crate::support::{Bench, Fault, Layout, films};

const TRIO: [&str; 3] = ["a", "b", "c"];

#[tokio::test(start_paused = true)]
async fn round_asks_each_node_once_whatever_the_number_of_tasks() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    for node in TRIO {
        bench.nodes.pause(node);
    }
    for _ in 0..40 {
        bench.write("films", films(0, 5)).await.unwrap();
    }
    bench.start_poller();
    bench.until("a first round", || bench.nodes.calls().iter().any(|call| call.what == "tasks uids")).await;
    for node in TRIO {
        let asked = bench.nodes.calls_to(node, "tasks uids");
        for call in asked {
            let Some(NodeTaskSelection::Uids(uids)) = call.tasks else { panic!("{call:?}") };
            assert_eq!(uids.len(), 40, "one listing for all tasks");
        }
    }
    for node in TRIO {
        bench.nodes.resume(node);
    }
    for uid in 0..40 {
        bench.succeeded(TaskUid(uid)).await;
    }
    bench.nodes.forget_calls();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(bench.nodes.calls().is_empty(), "finished tasks cost nothing");
}

#[tokio::test(start_paused = true)]
async fn task_is_finished_when_all_its_nodes_are() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.nodes.pause("c");
    let accepted = bench.write("films", films(0, 20)).await.unwrap();
    let uid = accepted.summary.task_uid;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(bench.row(uid.0).await.status, TaskStatus::Processing);
    bench.nodes.resume("c");
    bench.succeeded(uid).await;
}

#[tokio::test(start_paused = true)]
async fn node_that_forgot_its_task_fails_it_and_is_behind() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.nodes.pause("c");
    let accepted = bench.write("films", films(0, 20)).await.unwrap();
    bench.nodes.server("c", crate::support::Server::wipe);
    let task = bench.finished(accepted.summary.task_uid).await;
    assert_eq!(task.status, TaskStatus::Failed);
    assert!(task.error.unwrap().message.contains("database was lost"));
    assert!(bench.is_stale("films", "c") && !bench.is_stale("films", "a"));
}

#[tokio::test(start_paused = true)]
async fn failed_nodes_are_not_asked_until_they_return() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    for node in TRIO {
        bench.nodes.pause(node);
    }
    let accepted = bench.write("films", films(0, 20)).await.unwrap();
    bench.fell("c").await;
    bench.start_poller();
    for node in TRIO {
        bench.nodes.resume(node);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(bench.nodes.calls_to("c", "tasks").is_empty());
    assert_eq!(bench.row(0).await.status, TaskStatus::Processing, "the accepted write waits for its node");
    bench.revive("c").await;
    bench.succeeded(accepted.summary.task_uid).await;
}

#[tokio::test(start_paused = true)]
async fn statuses_only_move_forward() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.nodes.pause("c");
    let accepted = bench.write("films", films(0, 20)).await.unwrap();
    let mut seen = Vec::new();
    for step in 0..200 {
        let row = bench.row(accepted.summary.task_uid.0).await;
        let parts: Vec<bool> = row.node_tasks.values().map(|part| part.status.is_finished()).collect();
        seen.push((row.status, parts.iter().filter(|finished| **finished).count(), row.version));
        if step == 100 {
            bench.nodes.resume("c");
        }
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last().unwrap().0, TaskStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn poller_goes_on_after_the_store_and_nodes_failed_it() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.nodes.once("a", "tasks", Fault::ServerError);
    bench.nodes.once("b", "tasks", Fault::Hang);
    bench.faults.script.fail("task_list_unfinished", 2);
    let first = bench.write("films", films(0, 20)).await.unwrap();
    bench.succeeded(first.summary.task_uid).await;
    let second = bench.write("films", films(0, 20)).await.unwrap();
    bench.faults.script.fail("task_put", 1);
    bench.succeeded(second.summary.task_uid).await;
}

#[tokio::test(start_paused = true)]
async fn write_whose_row_cannot_be_updated_is_followed_all_the_same() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    bench.faults.script.fail("task_put", 1);
    bench.write("films", films(0, 30)).await.unwrap_err();
    let task = bench.succeeded(TaskUid(1)).await;
    assert!(task.node_tasks.values().all(|part| part.status == NodeTaskState::Succeeded));
    assert_eq!(bench.nodes.calls_to("a", "write documents-add").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn write_that_failed_on_one_node_only_leaves_that_node_behind() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.written("films", films(0, 20)).await;
    bench.nodes.server("b", |server| {
        server.indexes.values_mut().for_each(|index| index.primary_key = Some("x".into()));
    });
    let accepted = bench.write("films", films(0, 20)).await.unwrap();
    let task = bench.finished(accepted.summary.task_uid).await;
    assert_eq!(task.status, TaskStatus::Failed);
    assert!(task.error.unwrap().message.contains("node `b`"));
    assert!(bench.is_stale("films", "b") && !bench.is_stale("films", "a"));
}

/// Other instances read the misses of a write several times a second, and must know them before clients rely
/// on the write.
#[tokio::test(start_paused = true)]
async fn task_that_a_node_missed_ends_after_every_instance_can_know_it() {
    let wait = Duration::from_secs(5);
    let layout = Layout { known_everywhere: wait, ..Layout::group(&["a", "b", "c"], 3) };
    let bench = Bench::idle(Layout { write_quorum: Some(1), ..layout });
    bench.start_poller();
    let begun = Instant::now();
    bench.written("films", films(0, 40)).await;
    assert!(begun.elapsed() < wait, "no node missed it");
    bench.nodes.once("b", "write", Fault::LoseRequest);
    bench.fell("c").await;
    let accepted = bench.write("films", films(40, 50)).await.unwrap();
    let begun = Instant::now();
    bench
        .until("the misses are stored", || bench.is_stale("films", "b") && bench.is_stale("films", "c"))
        .await;
    let stored = Instant::now();
    let task = bench.finished(accepted.summary.task_uid).await;
    assert_eq!((task.status, task.node_errors.len()), (TaskStatus::Succeeded, 2));
    assert!(stored.elapsed() >= wait, "{:?} after {:?}", stored.elapsed(), begun.elapsed());
}
