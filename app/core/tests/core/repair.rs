//! Nodes that return get what they missed.

use std::time::Duration;

use miroir_domain::document::SHARD_FIELD;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_ports::inbound::{DocumentApi, DocumentSelection, IndexApi, SettingsApi};
use serde_json::{Value, json};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

fn stop_words(words: &[&str]) -> SettingsChange {
    SettingsChange { setting: Some(Setting::StopWords), action: SettingsAction::Update(json!(words)) }
}

/// An index of 40 films, three copies of each; `b` is away.
async fn without_b() -> Bench {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 40)).await;
    bench.fell("b").await;
    bench
}

fn equal_everywhere(bench: &Bench, index: &str) {
    let reference = bench.nodes.index("a", index).unwrap();
    for node in TRIO {
        let found = bench.nodes.index(node, index).unwrap();
        assert_eq!(found.documents, reference.documents, "documents of node {node}");
        assert_eq!(found.all_settings(), reference.all_settings(), "settings of node {node}");
        assert_eq!(found.primary_key, reference.primary_key, "key of node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn returning_node_gets_documents_and_loses_deleted_ones() {
    let bench = without_b().await;
    bench.written("films", films(30, 60)).await;
    let gone = DocumentSelection::Ids((0..10).map(|id| json!(id)).collect());
    let accepted = bench.document.documents_delete(uid("films"), gone, None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 40);
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
    assert_eq!(bench.nodes.ids("b", "films").len(), 50);
}

#[tokio::test(start_paused = true)]
async fn returning_node_gets_settings() {
    let bench = without_b().await;
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
    assert_eq!(bench.nodes.index("b", "films").unwrap().settings["stopWords"], json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn returning_node_gets_an_index_made_while_it_was_away() {
    let bench = without_b().await;
    let accepted = bench.index.index_create(uid("books"), Some("isbn".to_owned())).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.written("plays", films(0, 20)).await;
    bench.revive("b").await;
    bench.repaired("books", "b").await;
    bench.repaired("plays", "b").await;
    equal_everywhere(&bench, "books");
    equal_everywhere(&bench, "plays");
    assert_eq!(bench.nodes.ids("b", "plays").len(), 20);
}

#[tokio::test(start_paused = true)]
async fn returning_node_loses_an_index_deleted_while_it_was_away() {
    let bench = without_b().await;
    let accepted = bench.index.index_delete(uid("films")).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    assert!(bench.nodes.index("b", "films").is_some());
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert!(bench.nodes.index("b", "films").is_none());
}

#[tokio::test(start_paused = true)]
async fn returning_node_gets_the_index_that_took_the_place_of_the_one_it_has() {
    let bench = without_b().await;
    let accepted = bench.index.index_delete(uid("films")).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    // Another primary key: the old index cannot take these documents.
    let books = (0..10).map(|number| json!({ "book_id": number, "title": "t" })).collect();
    bench.written("films", books).await;
    bench.revive("b").await;
    let physical = bench.physical("films").await;
    bench.repaired(&physical, "b").await;
    equal_everywhere(&bench, &physical);
    bench.repaired("films", "b").await;
    assert!(TRIO.iter().all(|node| bench.nodes.index(node, "films").is_none()), "the deleted index is gone");
}

#[tokio::test(start_paused = true)]
async fn writes_during_mending_are_not_undone() {
    for seed in 0_u64..12 {
        let bench = without_b().await;
        bench.written("films", films(0, 60)).await;
        // Every call takes a different while, so that writes fall between all steps of a repair.
        bench.nodes.delay(move |_, number| Duration::from_millis((number as u64 * 37 + seed * 13) % 61));
        bench.revive("b").await;
        let mut open = Vec::new();
        for round in 0..20 {
            let version = json!([{ "id": round % 7, "title": format!("round {round}") }]);
            open.push(bench.write("films", version).await.unwrap().summary.task_uid);
            let gone = DocumentSelection::Ids(vec![json!(40 + round)]);
            let deleted = bench.document.documents_delete(uid("films"), gone, None).await.unwrap();
            open.push(deleted.summary.task_uid);
        }
        for task in open {
            bench.succeeded(task).await;
        }
        bench.repaired("films", "b").await;
        equal_everywhere(&bench, "films");
        assert_eq!(bench.nodes.ids("b", "films").len(), 40, "seed {seed}");
        assert_eq!(
            bench.nodes.index("b", "films").unwrap().documents["5"]["title"],
            "round 19",
            "seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn node_without_a_reference_stays_stale_until_there_is_one() {
    let bench = without_b().await;
    bench.written("films", films(30, 60)).await;
    bench.fell("a").await;
    bench.fell("c").await;
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(bench.is_stale("films", "b"));
    assert_eq!(bench.nodes.ids("b", "films").len(), 40, "what it has is left alone");
    bench.revive("a").await;
    bench.revive("c").await;
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
}

#[tokio::test(start_paused = true)]
async fn only_copy_has_nothing_to_wait_for() {
    let bench = Bench::running(Layout::group(&["a", "b"], 1));
    bench.written("films", films(0, 40)).await;
    bench.fell("b").await;
    bench.write("films", films(0, 40)).await.unwrap_err();
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!bench.is_stale("films", "b"), "nobody has what it missed");
}

#[tokio::test(start_paused = true)]
async fn mending_is_tried_again_after_it_failed() {
    let bench = without_b().await;
    bench.written("films", films(30, 60)).await;
    bench.nodes.once("a", "read listing", Fault::Garbage(json!([])));
    bench.nodes.once("c", "read listing", Fault::ServerError);
    bench.revive("b").await;
    bench.nodes.once("b", "write documents-add", Fault::LoseRequest);
    bench.nodes.once("b", "write documents-delete", Fault::Refuse(507, "no_space_left_on_device"));
    bench.nodes.once("b", "read by ids", Fault::ServerError);
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
}

#[tokio::test(start_paused = true)]
async fn part_counts_as_brought_only_when_every_page_of_it_was() {
    let bench = without_b().await;
    bench.written("films", films(0, 1_010)).await;
    // Several pages, one of which fails.
    bench.nodes.server("b", |server| server.fail_next("documentAdditionOrUpdate"));
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 1_010);
}

/// A write without quorum ends its task at once, while the node that accepted it still has it in its queue.
#[tokio::test(start_paused = true)]
async fn reference_is_read_after_everything_it_has_accepted() {
    let bench = Bench::running(Layout::group(&["a", "b"], 2));
    bench.written("films", films(0, 10)).await;
    bench.nodes.pause("a");
    bench.nodes.once("b", "write", Fault::Unreachable);
    bench.write("films", films(10, 20)).await.unwrap_err();
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    bench.nodes.resume("a");
    bench.repaired("films", "b").await;
    assert_eq!(bench.nodes.ids("a", "films").len(), 20);
    assert_eq!(bench.nodes.ids("b", "films"), bench.nodes.ids("a", "films"));
}

#[tokio::test(start_paused = true)]
async fn index_of_which_every_node_missed_the_creation_is_made_when_they_return() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::LoseRequest);
    }
    bench.write("films", films(0, 10)).await.unwrap_err();
    bench.finished(bench.row(0).await.uid).await;
    for node in TRIO {
        bench.repaired("films", node).await;
        let index = bench.nodes.index(node, "films").expect("the registry has it, so every node must");
        assert_eq!(index.all_settings()["filterableAttributes"], json!([SHARD_FIELD]));
    }
    bench.written("films", films(0, 10)).await;
    equal_everywhere(&bench, "films");
}

#[tokio::test(start_paused = true)]
async fn settings_brought_by_the_mender_are_not_taken_for_a_lost_change() {
    let bench = without_b().await;
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    bench.nodes.once("b", "write settings", Fault::LoseRequest);
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["a"])).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(task.node_errors.len(), 1);
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
}

/// Documents that are too long to be read together, in either copy, are read one after the other.
#[tokio::test(start_paused = true)]
async fn documents_that_do_not_fit_into_one_response_are_repaired() {
    for node_has_them in [false, true] {
        let bench = without_b().await;
        bench.nodes.limit_responses(6_000);
        let text = |id: u32| "x".repeat(if id.is_multiple_of(3) { 4_000 } else { 40 });
        let long: Vec<Value> = (100..160).map(|id| json!({ "id": id, "title": text(id) })).collect();
        if node_has_them {
            bench.revive("b").await;
            bench.written("films", long.clone().into()).await;
            bench.fell("b").await;
            bench.written("films", films(0, 60)).await;
        } else {
            bench.written("films", long.into()).await;
        }
        bench.revive("b").await;
        bench.repaired("films", "b").await;
        equal_everywhere(&bench, "films");
        assert_eq!(bench.nodes.ids("b", "films").len(), if node_has_them { 120 } else { 100 });
    }
}

#[tokio::test(start_paused = true)]
async fn document_that_is_too_long_by_itself_is_named_as_the_reason() {
    let bench = without_b().await;
    bench.written("films", json!([{ "id": 100, "title": "x".repeat(7_000) }])).await;
    bench.nodes.limit_responses(6_000);
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let progress = bench.cluster.repairs.progress(&uid("films"), &uid("b"), 1).unwrap();
    let reason = progress.last_error.unwrap();
    assert!(reason.contains("longer than 6000 bytes"), "{reason}");
    bench.nodes.limit_responses(usize::MAX);
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "films");
}
