//! Writes and reads while the nodes that respond are not those in sync.

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_ports::inbound::{ApiError, IndexApi, SettingsApi};
use serde_json::{Value, json};

use crate::support::{Bench, Fault, Layout, films, uid};

fn two_copies() -> Layout {
    Layout { write_quorum: Some(1), ..Layout::group(&["a", "b"], 2) }
}

/// 20 films on both nodes.
async fn with_films() -> Bench {
    let bench = Bench::idle(two_copies());
    bench.start_poller();
    bench.written("films", films(0, 20)).await;
    bench
}

/// 20 films on both nodes; `b` missed 20 more and is back, not repaired yet, and `a` is away.
async fn only_the_stale_one_responds() -> Bench {
    let bench = with_films().await;
    bench.fell("b").await;
    bench.written("films", films(20, 40)).await;
    bench.revive("b").await;
    bench.fell("a").await;
    bench
}

fn refusal(error: &ApiError) -> &str {
    match error {
        ApiError::Refused { code: ErrorCode::MiroirNoQuorum, message } => message,
        other => panic!("{other:?}"),
    }
}

/// Films 20 to 39 with another title, which are in shards of which `b` missed writes.
fn retitled() -> Value {
    (20..40).map(|id| json!({ "id": id, "title": "refused" })).collect()
}

fn documents(bench: &Bench, node: &str) -> Vec<Value> {
    bench.nodes.index(node, "films").unwrap().documents.into_values().map(Value::Object).collect()
}

#[tokio::test(start_paused = true)]
async fn write_that_only_a_stale_replica_takes_is_refused_and_taken_back() {
    let bench = only_the_stale_one_responds().await;
    let error = bench.write("films", retitled()).await.unwrap_err();
    assert!(refusal(&error).contains("a quorum of 1 with a replica in sync"), "{error:?}");
    assert!(refusal(&error).contains("accepted by: b"), "{error:?}");
    assert!(!bench.is_stale("films", "a") && bench.is_stale("films", "b"));
    assert!(documents(&bench, "b").iter().any(|film| film["title"] == "refused"));

    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    assert!(!bench.is_stale("films", "a") && bench.is_stale("films", "b"));
    bench.revive("a").await;
    bench.repaired("films", "b").await;
    assert_eq!(documents(&bench, "b"), documents(&bench, "a"));
    assert!(documents(&bench, "b").iter().all(|film| film["title"] != "refused"));
    bench.fell("a").await;
    bench.written("films", retitled()).await;
}

/// Each node is away in turn, and no repair runs: without the rule, each would have writes of its own.
#[tokio::test(start_paused = true)]
async fn nodes_that_are_away_in_turn_do_not_wait_for_each_other() {
    let bench = only_the_stale_one_responds().await;
    for _ in 0..5 {
        bench.write("films", retitled()).await.unwrap_err();
    }
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    bench.revive("a").await;
    bench.until("all are in sync", || bench.cluster.replicas.stale().is_empty()).await;
    assert_eq!(documents(&bench, "b"), documents(&bench, "a"));
}

/// `a` may have an acknowledged write, or not: only `b` certainly has it.
#[tokio::test(start_paused = true)]
async fn write_is_refused_if_its_only_node_may_lack_an_acknowledged_one() {
    let bench = with_films().await;
    bench.nodes.once("a", "write", Fault::LoseRequest);
    bench.write("films", films(20, 40)).await.unwrap();
    bench.nodes.once("b", "write", Fault::Unreachable);
    let error = bench.write("films", films(20, 40)).await.unwrap_err();
    assert!(refusal(&error).contains("accepted by: a"), "{error:?}");
    let rows = bench.cluster.replicas.rows();
    assert!(!bench.is_stale("films", "b") && bench.is_stale("films", "a"), "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn next_leader_knows_which_nodes_may_lack_an_acknowledged_write() {
    let bench = with_films().await;
    bench.nodes.once("a", "write", Fault::LoseRequest);
    bench.write("films", films(20, 40)).await.unwrap();
    let bench = bench.restarted();
    bench.nodes.once("b", "write", Fault::Unreachable);
    bench.write("films", films(20, 40)).await.unwrap_err();
    assert!(!bench.is_stale("films", "b"));
    bench.until("all are in sync", || bench.cluster.replicas.stale().is_empty()).await;
    bench.finished(miroir_domain::TaskUid(1)).await;
    bench.until("all are in sync", || bench.cluster.replicas.stale().is_empty()).await;
    assert_eq!(bench.nodes.ids("a", "films"), bench.nodes.ids("b", "films"));
    assert_eq!(bench.nodes.ids("b", "films").len(), 40);
}

/// `a` misses a write while `b` is behind and its response is lost, so it is not the one that counts as
/// behind. Then `b` is repaired, and turns out to have the write.
#[tokio::test(start_paused = true)]
async fn node_that_was_spared_is_stale_once_the_write_succeeds_all_the_same() {
    let bench = with_films().await;
    bench.nodes.once("b", "write", Fault::Unreachable);
    bench.written("films", films(20, 40)).await;
    bench.nodes.once("a", "write", Fault::Unreachable);
    bench.nodes.once("b", "write", Fault::LoseAnswer);
    bench.nodes.always("b", "tasks", Fault::Unreachable);
    bench.write("films", retitled()).await.unwrap_err();
    assert!(!bench.is_stale("films", "a") && bench.is_stale("films", "b"));
    let replicas = &bench.cluster.replicas;
    let seen = replicas.see(&uid("films"), &"b".parse().unwrap()).await.unwrap();
    replicas.repaired(&seen).await.unwrap();
    bench.revive("b").await;
    bench.succeeded(miroir_domain::TaskUid(2)).await;
    assert!(bench.is_stale("films", "a") && !bench.is_stale("films", "b"));
}

fn stop_words(word: &str) -> SettingsChange {
    SettingsChange { setting: Some(Setting::StopWords), action: SettingsAction::Update(json!([word])) }
}

/// `a` has the settings and not all documents, `b` the documents and not the settings.
#[tokio::test(start_paused = true)]
async fn settings_are_read_from_a_node_that_has_them_however_stale_its_documents_are() {
    let bench = with_films().await;
    bench.fell("a").await;
    bench.written("films", films(20, 40)).await;
    bench.revive("a").await;
    bench.fell("b").await;
    let change = bench.settings.settings_change(uid("films"), stop_words("the")).await.unwrap();
    bench.succeeded(change.summary.task_uid).await;
    bench.revive("b").await;
    assert!(bench.is_stale("films", "a") && bench.is_stale("films", "b"));
    let read = async || bench.settings.settings_get(uid("films"), Some(Setting::StopWords)).await.unwrap();
    for _ in 0..4 {
        let settings = read().await;
        assert_eq!((settings.body, settings.degraded), (json!(["the"]), None));
    }

    bench.fell("a").await;
    let settings = read().await;
    assert_ne!(settings.body, json!(["the"]));
    let nodes: Vec<NodeId> = settings.degraded.unwrap().nodes.into_iter().collect();
    assert_eq!(nodes, ["b".parse().unwrap()]);
    let entry: Value = bench.index.index_get(uid("films")).await.unwrap().body;
    assert_eq!(entry["uid"], "films");
}

/// The node takes the deletion and works it off later: until then it would show its old documents.
#[tokio::test(start_paused = true)]
async fn replica_that_was_stale_when_its_index_was_deleted_has_nothing_of_it_in_the_next_one() {
    let bench = with_films().await;
    bench.fell("b").await;
    bench.written("films", films(20, 40)).await;
    bench.revive("b").await;
    bench.nodes.pause("b");
    bench.index.index_delete(uid("films")).await.unwrap();
    let written = bench.write("films", films(50, 60)).await.unwrap();
    assert!(bench.is_stale("films", "b") && !bench.is_stale("films", "a"));
    bench.nodes.resume("b");
    bench.succeeded(written.summary.task_uid).await;
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    let physical = bench.physical("films").await;
    bench.repaired("films", "b").await;
    bench.repaired(&physical, "b").await;
    assert_eq!(bench.nodes.ids("b", &physical), bench.nodes.ids("a", &physical));
    assert_eq!(bench.nodes.ids("b", &physical).len(), 10);
    assert!(bench.nodes.index("b", "films").is_none(), "the deleted index is gone");
}

#[tokio::test(start_paused = true)]
async fn stale_replica_stays_stale_if_the_deletion_of_its_index_reaches_no_node() {
    let bench = with_films().await;
    bench.nodes.once("b", "write", Fault::Unreachable);
    bench.written("films", films(20, 40)).await;
    let state = bench.cluster.replicas.state(&uid("films"), &"b".parse().unwrap()).shard_set();
    for node in ["a", "b"] {
        bench.nodes.once(node, "write", Fault::Unreachable);
    }
    bench.index.index_delete(uid("films")).await.unwrap_err();
    assert!(bench.entry("films").await.is_some());
    assert_eq!(bench.cluster.replicas.state(&uid("films"), &"b".parse().unwrap()).shard_set(), state);
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    bench.repaired("films", "b").await;
    assert_eq!(documents(&bench, "b"), documents(&bench, "a"));
}
