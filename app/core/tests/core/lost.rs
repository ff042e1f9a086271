//! Answers and requests that are lost on the way: what became of the write is found out, and it is never
//! sent twice.

use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::task::{NodeTaskState, TaskStatus};
use miroir_ports::inbound::{ApiError, IndexApi, SettingsApi};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

async fn bench(layout: Layout) -> Bench {
    let bench = Bench::idle(layout);
    bench.start_poller();
    bench.written("films", films(0, 40)).await;
    bench.nodes.forget_calls();
    bench
}

fn stop_words(words: &[&str]) -> SettingsChange {
    SettingsChange { setting: Some(Setting::StopWords), action: SettingsAction::Update(json!(words)) }
}

#[tokio::test(start_paused = true)]
async fn lost_answer_of_a_write_is_found_by_its_mark() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::LoseAnswer);
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    assert_eq!(accepted.degraded.unwrap().to_string(), "group=0 shards=0-7; nodes=b");
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(task.node_tasks.len(), 3);
    assert!(task.node_errors.is_empty());
    assert!(!bench.is_stale("films", "b"));
    assert_eq!(bench.nodes.calls_to("b", "write").len(), 1, "never sent twice");
}

#[tokio::test(start_paused = true)]
async fn write_whose_answers_are_all_lost_succeeds_in_the_end() {
    let bench = bench(Layout::group(&["a", "b"], 2)).await;
    for node in ["a", "b"] {
        bench.nodes.once(node, "write", Fault::LoseAnswer);
    }
    let refusal = bench.write("films", films(0, 50)).await.unwrap_err();
    assert!(matches!(refusal, ApiError::Refused { code: ErrorCode::MiroirNoQuorum, .. }), "{refusal:?}");
    assert_eq!(bench.row(1).await.status, TaskStatus::Enqueued, "what the nodes did is not known yet");
    bench.succeeded(bench.row(1).await.uid).await;
    assert_eq!(bench.nodes.calls_to("a", "write").len() + bench.nodes.calls_to("b", "write").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_of_a_settings_change_is_found_behind_its_mark() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write settings", Fault::LoseAnswer);
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert!(task.node_errors.is_empty());
    let claimed = task.node_tasks[&"b".parse().unwrap()].uid.unwrap();
    // Creation, its settings, documents and the mark came before.
    assert_eq!(claimed, 4, "not the settings that came with the index");
    assert_eq!(bench.nodes.calls_to("b", "write settings").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_creation_and_deletion_are_found_by_their_types() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write settings", Fault::LoseAnswer);
    let created = bench.index.index_create(uid("books"), Some("isbn".to_owned())).await.unwrap();
    assert!(bench.succeeded(created.summary.task_uid).await.node_errors.is_empty());
    bench.nodes.once("c", "write index-delete", Fault::LoseAnswer);
    let deleted = bench.index.index_delete(uid("books")).await.unwrap();
    assert!(bench.succeeded(deleted.summary.task_uid).await.node_errors.is_empty());
    for node in TRIO {
        assert!(bench.nodes.index(node, "books").is_none(), "node {node}");
        assert_eq!(bench.nodes.calls_to(node, "write index-delete").len(), 1, "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_settings_request_is_not_taken_for_the_settings_that_came_with_the_index() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::LoseRequest);
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(task.node_errors.keys().map(miroir_domain::NodeId::as_str).collect::<Vec<_>>(), ["b"]);
    assert!(bench.is_stale("films", "b"), "it does not have the change");
}

#[tokio::test(start_paused = true)]
async fn two_lost_settings_changes_do_not_claim_one_node_task() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write settings", Fault::LoseAnswer);
    bench.nodes.once("b", "write settings", Fault::LoseRequest);
    let first = bench.settings.settings_change(uid("films"), stop_words(&["the"]));
    let second = bench.settings.settings_change(uid("films"), stop_words(&["a"]));
    let (first, second) = tokio::join!(first, second);
    let first = bench.succeeded(first.unwrap().summary.task_uid).await;
    let second = bench.succeeded(second.unwrap().summary.task_uid).await;
    assert!(first.node_errors.is_empty(), "{first:#?}");
    assert_eq!(second.node_errors.len(), 1, "{second:#?}");
    assert!(bench.is_stale("films", "b"));
}

/// The caller gives up after 30 seconds; a busy node registers the write when it gets round to it.
#[tokio::test(start_paused = true)]
async fn write_that_a_busy_node_registers_late_is_found_all_the_same() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::Late(Duration::from_secs(36)));
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert!(task.node_errors.is_empty(), "{:?}", task.node_errors);
    assert!(!bench.is_stale("films", "b"));
}

#[tokio::test(start_paused = true)]
async fn lost_request_is_given_up_after_two_looks_and_the_node_is_stale() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::LoseRequest);
    let begun = Instant::now();
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert!(begun.elapsed() >= Duration::from_secs(10), "a second look follows the first after a while");
    assert!(bench.nodes.calls_to("b", "tasks since").len() >= 2);
    let miss = &task.node_errors[&"b".parse().unwrap()];
    assert_eq!(miss.error.code, "miroir_node_unavailable");
    assert!(miss.error.message.contains("never registered the write"), "{}", miss.error.message);
    assert!(bench.is_stale("films", "b"));
    assert_eq!(bench.nodes.calls_to("b", "write").len(), 1, "never sent twice");
}

#[tokio::test(start_paused = true)]
async fn lost_request_that_breaks_the_quorum_fails_the_task() {
    let bench = bench(Layout::group(&["a", "b"], 2)).await;
    bench.nodes.once("b", "write", Fault::LoseRequest);
    bench.write("films", films(0, 50)).await.unwrap_err();
    let task = bench.finished(bench.row(1).await.uid).await;
    assert_eq!(task.status, TaskStatus::Failed);
    let error = task.error.unwrap();
    assert_eq!(error.code, "miroir_no_quorum");
    assert!(error.message.contains("on node `a`"), "{}", error.message);
    assert!(bench.is_stale("films", "b") && !bench.is_stale("films", "a"));
}

#[tokio::test(start_paused = true)]
async fn lost_first_write_leaves_the_node_without_the_index_known_to_be() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.nodes.once("b", "write index-create", Fault::LoseRequest);
    let accepted = bench.write("films", films(0, 10)).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    let state = bench.cluster.replicas.state(&uid("films"), &"b".parse().unwrap());
    assert!(state.index.is_some(), "the index itself is missing there");
}

#[tokio::test(start_paused = true)]
async fn server_error_is_as_uncertain_as_silence() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::ServerError);
    bench.nodes.once("c", "write", Fault::Garbage(json!("<html>")));
    let refusal = bench.write("films", films(0, 50)).await.unwrap_err();
    assert!(refusal.to_string().contains("accepted by: a."), "{refusal}");
    let row = bench.row(1).await;
    assert_eq!(row.node_tasks[&"b".parse().unwrap()].status, NodeTaskState::Pending);
    assert_eq!(bench.finished(row.uid).await.node_errors.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn answer_does_not_wait_for_a_hanging_node_longer_than_the_grace() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::Hang);
    let begun = Instant::now();
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(accepted.degraded.unwrap().to_string(), "group=0 shards=0-7; nodes=b");
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert!(begun.elapsed() >= Duration::from_secs(30), "followed in the background until its timeout");
    assert_eq!(task.node_errors.len(), 1);
    assert!(bench.is_stale("films", "b"));
}

#[tokio::test(start_paused = true)]
async fn hanging_node_that_did_the_work_is_accepted_in_the_end() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::DoAndHang);
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!((task.node_tasks.len(), task.node_errors.len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn slow_node_is_accepted_without_a_look_at_its_tasks() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::Slow(Duration::from_secs(5)));
    let accepted = bench.write("films", films(0, 50)).await.unwrap();
    assert!(accepted.degraded.is_some());
    bench.succeeded(accepted.summary.task_uid).await;
    assert!(bench.nodes.calls_to("b", "tasks since").is_empty(), "its sender knows more than the reconciler");
}

/// A response that says so may be older than the end of the creation.
#[tokio::test(start_paused = true)]
async fn node_lacks_an_index_only_if_it_says_so_again() {
    let bench = bench(Layout::group(&["a", "b"], 2)).await;
    bench.cluster.replicas.set_recovered();
    let without_index = || Fault::Refuse(404, ErrorCode::IndexNotFound.as_str());
    bench.nodes.once("a", "read settings", without_index());
    bench.settings.settings_get(uid("films"), None).await.unwrap();
    assert!(!bench.is_stale("films", "a"), "it has the index by now");
    bench.nodes.once("a", "read settings", without_index());
    bench.nodes.once("a", "read index", without_index());
    bench.settings.settings_get(uid("films"), None).await.unwrap();
    assert!(bench.is_stale("films", "a"));
}
