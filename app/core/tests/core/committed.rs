//! Committed settings: recorded with the tasks that change them, and given to nodes that lack them.

use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_domain::settings::{CommittedSettings, Setting, SettingsAction, SettingsChange};
use miroir_domain::task::TaskStatus;
use miroir_ports::inbound::{IndexApi, SettingsApi};
use miroir_ports::outbound::{CommittedSettingsTable, IndexTable};
use serde_json::{Value, json};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];
const KEY: &str = "sesame-of-the-embedder-0123456789";

fn stop_words(words: &[&str]) -> SettingsChange {
    SettingsChange { setting: Some(Setting::StopWords), action: SettingsAction::Update(json!(words)) }
}

fn embedders(value: Value) -> SettingsChange {
    SettingsChange { setting: Some(Setting::Embedders), action: SettingsAction::Update(value) }
}

fn with_key() -> SettingsChange {
    embedders(json!({"e": {"source": "rest", "url": "http://127.0.0.1:9", "apiKey": KEY}}))
}

async fn row(bench: &Bench) -> CommittedSettings {
    let physical = bench.entry("films").await.unwrap().physical_uid;
    bench.rows.settings_get(&physical).await.unwrap().expect("the index has a row")
}

async fn committed(bench: &Bench, key: &str) -> Value {
    row(bench).await.settings.unwrap().settings.get(key).cloned().unwrap_or_default()
}

fn on_node(bench: &Bench, node: &str, key: &str) -> Value {
    bench.nodes.index(node, "films").unwrap().settings.get(key).cloned().unwrap_or_default()
}

async fn changed(bench: &Bench, change: SettingsChange) -> TaskUid {
    let accepted = bench.settings.settings_change(uid("films"), change).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    accepted.summary.task_uid
}

/// An index of 10 films on three nodes.
async fn trio() -> Bench {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 10)).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn change_is_committed_with_the_success_of_its_task() {
    let bench = trio().await;
    assert_eq!((row(&bench).await.settings_version, committed(&bench, "stopWords").await), (1, Value::Null));
    for node in TRIO {
        bench.nodes.pause(node);
    }
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let under_way = row(&bench).await;
    assert_eq!(under_way.open().collect::<Vec<_>>(), [accepted.summary.task_uid]);
    assert_eq!(committed(&bench, "stopWords").await, Value::Null);
    for node in TRIO {
        bench.nodes.resume(node);
    }
    bench.succeeded(accepted.summary.task_uid).await;
    let row = row(&bench).await;
    assert_eq!((row.settings_version, row.known_version, row.proposals.len()), (2, 2, 0));
    assert_eq!(committed(&bench, "stopWords").await, json!(["the"]));
    assert_ne!(row.hash(), under_way.hash());
}

#[tokio::test(start_paused = true)]
async fn change_that_all_nodes_fail_or_refuse_is_not_committed() {
    let bench = trio().await;
    for node in TRIO {
        bench.nodes.server(node, |server| server.fail_next("settingsUpdate"));
    }
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    assert_eq!(bench.finished(accepted.summary.task_uid).await.status, TaskStatus::Failed);
    for node in TRIO {
        bench.nodes.once(node, "write settings", Fault::Refuse(400, "invalid_settings_stop_words"));
    }
    bench.settings.settings_change(uid("films"), stop_words(&["a"])).await.unwrap_err();
    let row = row(&bench).await;
    assert_eq!((row.settings_version, row.known_version, row.proposals.len()), (1, 3, 0));
    assert_eq!(committed(&bench, "stopWords").await, Value::Null);
    assert!(TRIO.iter().all(|node| !bench.is_stale("films", node)));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_took_a_change_that_failed_elsewhere_get_the_former_settings_back() {
    let bench = trio().await;
    changed(&bench, stop_words(&["former"])).await;
    bench.nodes.server("b", |server| server.fail_next("settingsUpdate"));
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    assert_eq!(bench.finished(accepted.summary.task_uid).await.status, TaskStatus::Failed);
    for node in TRIO {
        bench.repaired("films", node).await;
        assert_eq!(on_node(&bench, node, "stopWords"), json!(["former"]), "node {node}");
    }
    assert_eq!(committed(&bench, "stopWords").await, json!(["former"]));
}

#[tokio::test(start_paused = true)]
async fn change_without_quorum_is_taken_back() {
    let bench = trio().await;
    changed(&bench, stop_words(&["former"])).await;
    bench.nodes.pause("a");
    for node in ["b", "c"] {
        bench.nodes.once(node, "write settings", Fault::Unreachable);
    }
    bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap_err();
    assert_eq!(committed(&bench, "stopWords").await, json!(["former"]));
    for node in ["b", "c"] {
        bench.revive(node).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Only now the node carries out what it has accepted.
    bench.nodes.resume("a");
    for node in TRIO {
        bench.repaired("films", node).await;
        assert_eq!(on_node(&bench, node, "stopWords"), json!(["former"]), "node {node}");
    }
    assert_eq!(row(&bench).await.proposals.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn change_behind_one_whose_response_was_lost_is_committed_after_it() {
    let bench = trio().await;
    bench.nodes.once("b", "write settings", Fault::LoseAnswer);
    let first = bench.settings.settings_change(uid("films"), stop_words(&["first"])).await.unwrap();
    let synonyms = SettingsChange {
        setting: None,
        action: SettingsAction::Update(json!({"stopWords": ["second"], "synonyms": {"a": ["b"]}})),
    };
    changed(&bench, synonyms).await;
    bench.succeeded(first.summary.task_uid).await;
    assert_eq!(committed(&bench, "stopWords").await, json!(["second"]));
    assert_eq!(committed(&bench, "synonyms").await, json!({"a": ["b"]}));
    let row = row(&bench).await;
    assert_eq!((row.settings_version, row.proposals.len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn change_of_a_process_that_died_is_committed_or_dropped_with_its_task() {
    let bench = trio().await;
    for (fault, status, words) in [
        (Fault::LoseRequest, TaskStatus::Failed, Value::Null),
        (Fault::LoseAnswer, TaskStatus::Succeeded, json!(["the"])),
    ] {
        let bench = Bench::running(Layout::group(&TRIO, 3));
        bench.written("films", films(0, 10)).await;
        for node in TRIO {
            bench.nodes.once(node, "write settings", fault.clone());
        }
        let _ = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await;
        let bench = bench.restarted();
        assert_eq!(bench.finished(TaskUid(1)).await.status, status);
        assert_eq!(committed(&bench, "stopWords").await, words);
        assert_eq!(row(&bench).await.proposals.len(), 0);
        for node in TRIO {
            assert_eq!(on_node(&bench, node, "stopWords"), words);
        }
    }
    drop(bench);
}

#[tokio::test(start_paused = true)]
async fn node_without_the_index_gets_the_key_of_an_embedder() {
    let bench = trio().await;
    changed(&bench, with_key()).await;
    let text = format!("{:?} {:?}", row(&bench).await, bench.row(1).await);
    assert!(!text.contains("sesame-of"), "{text}");
    bench.fell("b").await;
    changed(&bench, stop_words(&["the"])).await;
    bench.nodes.server("b", |server| server.indexes.clear());
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    let settings = |node: &str| bench.nodes.index(node, "films").unwrap().all_settings();
    assert_eq!(settings("b"), settings("a"));
    assert_eq!(settings("b")["embedders"]["e"]["apiKey"], KEY);
    bench.written("films", films(0, 10)).await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn node_that_missed_a_key_gets_it_though_it_shows_the_same_part() {
    let bench = trio().await;
    changed(&bench, with_key()).await;
    bench.fell("b").await;
    let other = format!("{KEY}-rotated");
    changed(&bench, embedders(json!({"e": {"apiKey": other}}))).await;
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "embedders")["e"]["apiKey"], other.as_str());
}

#[tokio::test(start_paused = true)]
async fn node_that_needs_a_key_that_was_not_sealed_stays_stale_until_it_is_sent_again() {
    let bench = Bench::running(Layout::group(&TRIO, 3).sealed_with(&[]));
    bench.written("films", films(0, 10)).await;
    changed(&bench, with_key()).await;
    assert_eq!(row(&bench).await.settings.unwrap().missing(), ["/embedders/e/apiKey"]);
    bench.fell("b").await;
    changed(&bench, stop_words(&["the"])).await;
    let before = bench.nodes.index("b", "films").unwrap().all_settings();
    bench.nodes.server("b", |server| {
        let films = server.indexes.get_mut(&uid("films")).unwrap();
        films.settings["embedders"]["e"]["apiKey"] = json!("another-key-0123456789-0123456789");
    });
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(bench.is_stale("films", "b"));
    assert_eq!(on_node(&bench, "b", "stopWords"), Value::Null, "what it has is left alone");
    assert_ne!(bench.nodes.index("b", "films").unwrap().all_settings(), before);
    let bench = bench.restarted_with_keys(&["a key"]);
    changed(&bench, embedders(json!({"e": {"apiKey": KEY}}))).await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "embedders"), on_node(&bench, "a", "embedders"));
    assert_eq!(on_node(&bench, "b", "stopWords"), json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn node_that_has_a_key_that_was_not_sealed_is_repaired() {
    let bench = Bench::running(Layout::group(&TRIO, 3).sealed_with(&[]));
    bench.written("films", films(0, 10)).await;
    changed(&bench, with_key()).await;
    bench.fell("b").await;
    changed(&bench, stop_words(&["the"])).await;
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "embedders")["e"]["apiKey"], KEY);
    assert_eq!(on_node(&bench, "b", "stopWords"), json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn key_is_opened_after_the_sealing_key_was_replaced() {
    let bench = trio().await;
    changed(&bench, with_key()).await;
    bench.fell("b").await;
    changed(&bench, stop_words(&["the"])).await;
    bench.nodes.server("b", |server| server.indexes.clear());
    let bench = bench.restarted_with_keys(&["new"]);
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(bench.is_stale("films", "b"), "the key that sealed it is gone");
    let bench = bench.restarted_with_keys(&["new", "key of the bench"]);
    bench.until("the node has the index", || bench.nodes.index("b", "films").is_some()).await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "embedders")["e"]["apiKey"], KEY);
}

#[tokio::test(start_paused = true)]
async fn repair_waits_for_a_change_that_is_under_way() {
    let bench = trio().await;
    bench.fell("b").await;
    bench.nodes.pause("a");
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    bench.revive("b").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(bench.is_stale("films", "b"));
    bench.nodes.resume("a");
    bench.succeeded(accepted.summary.task_uid).await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "stopWords"), json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn repair_does_not_wait_for_a_node_that_is_away_with_an_unknown_outcome() {
    let bench = Bench::running(Layout { write_quorum: Some(1), ..Layout::group(&TRIO, 3) });
    bench.written("films", films(0, 10)).await;
    bench.fell("b").await;
    bench.nodes.once("c", "write settings", Fault::LoseAnswer);
    let accepted = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap();
    bench.fell("c").await;
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert_eq!(on_node(&bench, "b", "stopWords"), json!(["the"]));
    assert!(!bench.row(accepted.summary.task_uid.0).await.status.is_finished());
    bench.revive("c").await;
    bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(committed(&bench, "stopWords").await, json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn settings_of_an_older_miroir_are_recorded_once() {
    let bench = trio().await;
    changed(&bench, stop_words(&["the"])).await;
    changed(&bench, with_key()).await;
    assert!(bench.rows.settings_forget(&uid("films")).await.unwrap());
    let bench = bench.restarted();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let filled = row(&bench).await;
    assert_eq!(committed(&bench, "stopWords").await, json!(["the"]));
    assert_eq!(filled.settings.as_ref().unwrap().missing(), ["/embedders/e/apiKey"]);
    assert!(filled.is_complete(3));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(row(&bench).await, filled);
}

#[tokio::test(start_paused = true)]
async fn change_of_an_index_of_an_older_miroir_is_recorded_before_its_settings_are() {
    let bench = trio().await;
    changed(&bench, stop_words(&["the"])).await;
    bench.rows.settings_forget(&uid("films")).await.unwrap();
    changed(&bench, with_key()).await;
    let unfilled = row(&bench).await;
    assert_eq!((unfilled.settings.clone(), unfilled.proposals.len()), (None, 1));
    let bench = bench.restarted();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let filled = row(&bench).await;
    assert_eq!((filled.settings_version, filled.proposals.len()), (3, 0));
    assert!(filled.settings.unwrap().missing().is_empty(), "the key of the change is known");
    assert_eq!(committed(&bench, "stopWords").await, json!(["the"]));
}

#[tokio::test(start_paused = true)]
async fn changes_of_an_older_miroir_that_led_in_between_are_read_from_a_node() {
    let bench = trio().await;
    changed(&bench, with_key()).await;
    // The older Miroir changes the nodes and the registry, and leaves the row as it is.
    for node in TRIO {
        bench.nodes.server(node, |server| {
            let films = server.indexes.get_mut(&uid("films")).unwrap();
            films.settings.insert("stopWords".to_owned(), json!(["older"]));
        });
    }
    let mut entry = bench.entry("films").await.unwrap();
    entry.settings_version += 1;
    bench.rows.index_put(&entry).await.unwrap();
    let bench = bench.restarted();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(committed(&bench, "stopWords").await, json!(["older"]));
    let row = row(&bench).await;
    assert!(row.is_complete(3) && row.settings.unwrap().missing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn index_made_anew_begins_with_settings_of_its_own() {
    let bench = trio().await;
    changed(&bench, stop_words(&["the"])).await;
    let accepted = bench.index.index_delete(uid("films")).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(bench.rows.settings_get(&uid("films")).await.unwrap(), None);
    let accepted = bench.settings.settings_change(uid("films"), with_key()).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    assert_eq!(committed(&bench, "stopWords").await, Value::Null);
    assert_eq!(committed(&bench, "embedders").await["e"]["source"], "rest");
    assert_eq!(row(&bench).await.settings_version, 1);
}

#[tokio::test(start_paused = true)]
async fn deletion_that_no_node_took_leaves_the_settings() {
    let bench = trio().await;
    changed(&bench, with_key()).await;
    let before = row(&bench).await;
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::Refuse(403, "invalid_api_key"));
    }
    bench.index.index_delete(uid("films")).await.unwrap_err();
    assert_eq!(row(&bench).await, before);
}
