//! Recording: each write that took effect becomes exactly one event.

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_domain::change::Origin;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::task::TaskStatus;
use miroir_fault::{Chance, Fault as StoreFault};
use miroir_ports::inbound::{ApiError, DocumentApi as _, DocumentSelection, SettingsApi as _};
use miroir_ports::outbound::ChangeOutbox as _;
use serde_json::{Value, json};

use super::{TRIO, caught_up, hooked, id_and_keys, trio, view};
use crate::support::{Bench, Fault, Receiver, delivery, films, rules, uid};

async fn delete(bench: &Bench, selection: DocumentSelection) {
    let accepted = bench.document.documents_delete(uid("films"), selection, None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
}

#[tokio::test(start_paused = true)]
async fn recorder_records_successful_writes_once_in_order() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    let setting = Some(Setting::FilterableAttributes);
    let filterable = SettingsChange { setting, action: SettingsAction::Update(json!(["genre"])) };
    let accepted = bench.settings.settings_change(uid("films"), filterable).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.written("films", films(0, 3)).await;
    let update = bench.update("films", json!([{"id": 1, "title": "other"}])).await.unwrap();
    bench.succeeded(update.summary.task_uid).await;
    delete(&bench, DocumentSelection::Ids(vec![json!(2), json!("0")])).await;
    delete(&bench, DocumentSelection::Filter(json!("genre = g1"))).await;
    delete(&bench, DocumentSelection::Ids(Vec::new())).await;
    delete(&bench, DocumentSelection::All).await;
    bench.written("films", json!([])).await;
    bench.written("books", films(7, 8)).await;
    let view = caught_up(&bench, "hook").await;
    let events = receiver.taken();
    let of = |uid: &str| events.iter().filter(|event| event["subject"] == uid).cloned().collect::<Vec<_>>();
    let films = of("films");
    let kinds: Vec<&str> = films.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let (upserted, updated, deleted) =
        ("io.miroir.document.upserted", "io.miroir.document.updated", "io.miroir.document.deleted");
    assert_eq!(kinds, [upserted, updated, deleted, deleted, deleted]);
    let expected = [
        ("films:1:1", "0", "2"),
        ("films:1:2", "1", "1"),
        ("films:1:3", "2", "0"),
        ("films:1:4", "", ""),
        ("films:1:5", "", ""),
    ];
    assert_eq!(id_and_keys(&films), expected.map(|(id, first, last)| (id.into(), first.into(), last.into())));
    assert_eq!(films[3]["data"]["filter"], "genre = g1");
    assert_eq!(films[4]["data"]["all"], true);
    let tasks: Vec<u64> = films.iter().map(|event| event["data"]["taskUid"].as_u64().unwrap()).collect();
    assert_eq!(tasks, [1, 2, 3, 4, 6], "settings, an empty list and an empty payload change no document");
    assert!(films.iter().all(|event| event["source"] == "bench" && event["specversion"] == "1.0"));
    assert!(films.iter().all(|event| event["data"].get("documents").is_none()));
    assert_eq!(id_and_keys(&of("books")), [("books:1:1".into(), "7".into(), "7".into())]);
    assert_eq!((view.published, view.dropped, view.suppressed, view.failures), (6, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn events_contain_documents_only_for_sinks_that_are_configured_so() {
    let (whole, bare) = (Receiver::default(), Receiver::default());
    let mut with_documents = rules("whole");
    with_documents.documents = true;
    let layout = trio().with_sink(with_documents, delivery(&whole)).with_sink(rules("bare"), delivery(&bare));
    let bench = Bench::running(layout);
    let film = json!({"id": 1, "title": "a \" b", "year": 1.50});
    bench.written("films", json!([film])).await;
    caught_up(&bench, "whole").await;
    caught_up(&bench, "bare").await;
    assert_eq!(whole.taken()[0]["data"]["documents"], json!([film]));
    assert_eq!(bare.taken()[0]["data"].get("documents"), None);
}

#[tokio::test(start_paused = true)]
async fn recorder_ignores_failed_writes() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    bench.written("films", films(0, 3)).await;
    let bad = bench.write("films", json!([{"id": "not valid"}])).await.unwrap();
    assert_eq!(bench.finished(bad.summary.task_uid).await.status, TaskStatus::Failed);
    for node in TRIO {
        bench.nodes.always(node, "write", Fault::Refuse(400, "invalid_document_fields"));
    }
    let refused = bench.write("films", films(3, 5)).await;
    assert!(matches!(refused, Err(ApiError::Node { status: 400, .. })), "{refused:?}");
    for node in TRIO {
        bench.nodes.heal(node);
    }
    bench.written("films", films(5, 6)).await;
    caught_up(&bench, "hook").await;
    let expected = [("films:1:1", "0", "2"), ("films:1:2", "5", "5")];
    assert_eq!(
        id_and_keys(&receiver.taken()),
        expected.map(|(id, first, last)| (id.into(), first.into(), last.into()))
    );
}

/// The end of a task and its event are one change of the store, so a lost response does not duplicate the
/// event.
#[tokio::test(start_paused = true)]
async fn event_is_recorded_once_if_the_store_fails() {
    for fault in [StoreFault::NotApplied, StoreFault::LostBefore, StoreFault::LostAfter] {
        let (layout, receiver) = hooked();
        let bench = Bench::running(layout);
        bench.faults.script.then("change_append_with_task", [fault, fault]);
        bench.faults.script.then("task_changes", [fault]);
        bench.written("films", films(0, 3)).await;
        caught_up(&bench, "hook").await;
        assert_eq!(receiver.ids(), ["films:1:1"], "{fault:?}");
    }
}

/// The changes of a write survive the process that accepted the write.
#[tokio::test(start_paused = true)]
async fn event_is_recorded_by_the_process_in_which_the_write_ends() {
    for after_ms in [1, 20, 60, 110, 500] {
        let (layout, receiver) = hooked();
        let bench = Bench::running(layout);
        bench
            .nodes
            .delay(|call, _| Duration::from_millis(if call.what.starts_with("write") { 100 } else { 1 }));
        let document = std::sync::Arc::clone(&bench.document);
        let request = crate::support::additions("films", &films(0, 3));
        let writing = tokio::spawn(async move { document.documents_write(request).await });
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        let bench = bench.restarted();
        writing.abort();
        if bench.has_row(0).await {
            let task = bench.finished(miroir_domain::TaskUid(0)).await;
            caught_up(&bench, "hook").await;
            let expected: &[&str] = if task.status == TaskStatus::Succeeded { &["films:1:1"] } else { &[] };
            assert_eq!(receiver.ids(), expected, "killed after {after_ms} ms");
        }
    }
}

/// Each task that succeeded has one event in the outbox, and no other task has one.
#[tokio::test(start_paused = true)]
async fn events_match_successful_tasks_while_the_store_fails_at_random() {
    for seed in 0..20 {
        let (layout, receiver) = hooked();
        let bench = Bench::running(layout);
        bench.written("films", films(0, 5)).await;
        bench.faults.gamble(Some(Chance::new(seed, 6)));
        for number in 1..=10 {
            // A refused write can have left a task.
            let _ = bench.write("films", films(number, number + 1)).await;
        }
        bench.faults.gamble(None);
        let last = bench.written("films", films(500, 501)).await;
        let mut succeeded = BTreeSet::new();
        for uid in 0..=last.uid.0 {
            let task = bench.finished(miroir_domain::TaskUid(uid)).await;
            if task.status == TaskStatus::Succeeded {
                succeeded.insert(u64::from(uid));
            }
        }
        caught_up(&bench, "hook").await;
        let events = receiver.taken();
        let recorded: BTreeSet<u64> =
            events.iter().map(|event| event["data"]["taskUid"].as_u64().unwrap()).collect();
        assert_eq!(recorded, succeeded, "seed {seed}");
        let position = view(&bench, "hook").await.indexes.remove(0);
        assert_eq!(position.last, succeeded.len() as u64, "seed {seed}: one event for each");
    }
}

#[tokio::test(start_paused = true)]
async fn last_event_of_a_document_contains_the_document_that_nodes_hold() {
    let receiver = Receiver::default();
    let mut with_documents = rules("hook");
    with_documents.documents = true;
    let bench = std::sync::Arc::new(Bench::running(trio().with_sink(with_documents, delivery(&receiver))));
    bench.written("films", films(0, 1)).await;
    bench.nodes.delay(|_, number| Duration::from_millis(number as u64 * 7 % 50));
    let writes = (1..60).map(|number| {
        let bench = std::sync::Arc::clone(&bench);
        tokio::spawn(
            async move { bench.written("films", json!([{"id": number % 5, "number": number}])).await },
        )
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    caught_up(&bench, "hook").await;
    let mut mirror = std::collections::BTreeMap::new();
    for event in receiver.taken() {
        for document in event["data"]["documents"].as_array().unwrap() {
            mirror.insert(document["id"].as_u64().unwrap(), document.clone());
        }
    }
    for (id, document) in mirror {
        let held =
            bench.document.document_get(uid("films"), id.to_string(), serde_json::Map::new()).await.unwrap();
        assert_eq!(held.body, document);
    }
}

#[tokio::test(start_paused = true)]
async fn repairs_are_recorded_for_some_sinks_and_suppressed_for_others() {
    let (receiving, other) = (Receiver::default(), Receiver::default());
    let mut repairing = rules("repairs");
    repairing.origins = BTreeSet::from([Origin::Client, Origin::Repair]);
    let layout = crate::support::Layout { replication_factor: 3, ..trio() };
    let bench = Bench::running(
        layout.with_sink(repairing, delivery(&receiving)).with_sink(rules("other"), delivery(&other)),
    );
    bench.written("films", films(0, 3)).await;
    bench.fell("c").await;
    bench.written("films", films(3, 9)).await;
    bench.revive("c").await;
    bench.repaired("films", "c").await;
    bench.until("the repair is delivered", || receiving.taken().len() > 2).await;
    let repairs: Vec<Value> =
        receiving.taken().into_iter().filter(|event| event["data"]["origin"] == "repair").collect();
    assert!(!repairs.is_empty());
    assert!(repairs.iter().all(|event| event["data"]["taskUid"].is_null()), "{repairs:?}");
    caught_up(&bench, "other").await;
    assert_eq!(other.ids(), ["films:1:1", "films:1:2"]);
    assert_eq!(view(&bench, "other").await.suppressed, repairs.len() as u64);
    assert_eq!(view(&bench, "repairs").await.suppressed, 0);
}

#[tokio::test(start_paused = true)]
async fn recorder_records_nothing_without_sinks() {
    let bench = Bench::running(trio());
    bench.written("films", films(0, 3)).await;
    assert_eq!(bench.rows.change_positions("hook").await.unwrap(), []);
}
