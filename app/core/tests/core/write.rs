//! Writes when the nodes are well: recorded first, cut by shard, in order, the key settled once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use miroir_domain::alias::NewAlias;
use miroir_domain::document::SHARD_FIELD;
use miroir_domain::error::ErrorCode;
use miroir_domain::settings::{SettingsAction, SettingsChange};
use miroir_domain::task::NodeTaskState;
use miroir_domain::{NodeId, TaskUid};
use miroir_ports::inbound::{AliasApi, ApiError, DocumentApi, DocumentSelection, IndexApi, SettingsApi};
use miroir_ports::outbound::TaskTable;
use serde_json::json;

use crate::support::{Bench, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

#[tokio::test(start_paused = true)]
async fn write_calls_no_node_when_the_task_cannot_be_recorded() {
    let bench = Bench::idle(Layout::group(&TRIO, 2));
    bench.faults.script.fail("task_create", 1);
    let refusal = bench.write("films", films(0, 10)).await.unwrap_err();
    assert!(matches!(refusal, ApiError::Store(_)), "{refusal:?}");
    assert!(bench.nodes.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn write_reads_the_registry_entry_of_its_index_once() {
    let bench = Bench::idle(Layout::group(&TRIO, 2));
    bench.write("films", films(0, 10)).await.unwrap();
    let reads = || bench.faults.calls().iter().filter(|call| **call == "index_get").count();
    let before = reads();
    bench.write("films", films(10, 20)).await.unwrap();
    assert_eq!(reads() - before, 1);
}

/// A request whose body is complete only after the term must not write beside the next leader.
#[tokio::test(start_paused = true)]
async fn requests_that_change_something_are_refused_after_the_term() {
    let mut bench = Bench::idle(Layout::group(&TRIO, 2));
    bench.end_term();
    let reset = SettingsChange { setting: None, action: SettingsAction::Reset };
    let refusals = [
        bench.write("films", films(0, 10)).await.unwrap_err(),
        bench.document.documents_delete(uid("films"), DocumentSelection::All, None).await.unwrap_err(),
        bench.index.index_create(uid("films"), None).await.unwrap_err(),
        bench.index.index_delete(uid("films")).await.unwrap_err(),
        bench.settings.settings_change(uid("films"), reset).await.unwrap_err(),
        bench.alias.alias_create(new_alias()).await.unwrap_err(),
        bench.alias.alias_flip(uid("cinema"), new_alias().change, None).await.unwrap_err(),
        bench.alias.alias_swap(uid("cinema"), uid("films")).await.unwrap_err(),
        bench.alias.alias_delete(uid("cinema")).await.unwrap_err(),
    ];
    for refusal in refusals {
        let code = ErrorCode::MiroirStoreUnavailable;
        assert!(matches!(refusal, ApiError::Refused { code: found, .. } if found == code), "{refusal:?}");
    }
    assert!(bench.nodes.calls().is_empty());
    assert!(!bench.has_row(0).await);
}

fn new_alias() -> NewAlias {
    NewAlias::from_json(json!({ "name": "cinema", "target": "films" })).unwrap()
}

/// An entry that stayed would make the next write believe that the nodes have the index and its shard filter.
#[tokio::test(start_paused = true)]
async fn write_leaves_no_entry_of_a_new_index_when_the_task_cannot_be_recorded() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    bench.faults.script.fail("task_create", 1);
    bench.write("films", films(0, 10)).await.unwrap_err();
    assert_eq!(bench.entry("films").await, None);
    bench.written("films", films(0, 10)).await;
    for node in TRIO {
        assert_eq!(
            bench.nodes.index(node, "films").unwrap().all_settings()["filterableAttributes"][0],
            SHARD_FIELD
        );
    }
}

#[tokio::test(start_paused = true)]
async fn deletion_keeps_the_entry_of_an_index_when_the_task_cannot_be_recorded() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    bench.written("films", films(0, 10)).await;
    bench.faults.script.fail("task_create", 1);
    bench.index.index_delete(uid("films")).await.unwrap_err();
    assert!(bench.entry("films").await.is_some(), "the nodes still have the index");
}

#[tokio::test(start_paused = true)]
async fn write_is_on_record_with_every_node_pending_before_the_first_call() {
    let bench = Bench::idle(Layout::group(&TRIO, 2));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (rows, notes) = (Arc::clone(&bench.rows), Arc::clone(&seen));
    bench.nodes.observe(move |_| {
        let (rows, notes) = (Arc::clone(&rows), Arc::clone(&notes));
        async move {
            let row = rows.task_get(TaskUid(0)).await.unwrap().expect("the row is there before any call");
            let pending = row.node_tasks.values().all(|part| part.status == NodeTaskState::Pending);
            notes.lock().unwrap().push((row.node_tasks.len(), pending));
        }
    });
    bench.write("films", films(0, 30)).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 9, "creation, settings and documents for each of three nodes");
    assert!(seen.iter().all(|seen| *seen == (3, true)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn write_gives_each_replica_exactly_its_documents() {
    let bench = Bench::running(Layout::groups(&[&TRIO, &["d", "e"]], 2));
    bench.written("films", films(0, 60)).await;
    let mut copies = 0;
    for node in ["a", "b", "c", "d", "e"] {
        assert_eq!(bench.nodes.ids(node, "films"), bench.share(node, 60), "node {node}");
        copies += bench.nodes.ids(node, "films").len();
    }
    assert_eq!(copies, 60 * 2 * 2);
}

#[tokio::test(start_paused = true)]
async fn write_keeps_the_order_of_the_payload_on_every_node() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    let versions = (0..40).map(|number| json!({ "id": number % 4, "version": number })).collect();
    bench.written("films", versions).await;
    for node in TRIO {
        let index = bench.nodes.index(node, "films").unwrap();
        let order: Vec<i64> = index.history.iter().map(|one| one["version"].as_i64().unwrap()).collect();
        assert!(order.is_sorted(), "node {node}: {order:?}");
        for (id, document) in &index.documents {
            assert_eq!(document["version"], json!(36 + id.parse::<i64>().unwrap()), "the last one wins");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn first_write_creates_the_index_with_its_shard_filter_on_every_node_before_documents() {
    let bench = Bench::idle(Layout::group(&TRIO, 1));
    // One document: two of the nodes keep none of it, and must know the index all the same.
    bench.write("films", films(0, 1)).await.unwrap();
    for node in TRIO {
        let mut calls: Vec<&str> = bench.nodes.calls_to(node, "write").iter().map(|call| call.what).collect();
        // The deletion of nothing that carries the mark of a write whose route takes none.
        calls.retain(|what| *what != "write documents-delete");
        let first = ["write index-create", "write settings"];
        assert_eq!(calls[..2], first, "node {node}");
        assert_eq!(calls.len() - 2, bench.share(node, 1).len(), "node {node}");
        let index = bench.nodes.index(node, "films").unwrap();
        assert_eq!(index.all_settings()["filterableAttributes"], json!([SHARD_FIELD]));
        assert_eq!(index.primary_key.as_deref(), Some("id"));
    }
}

#[tokio::test(start_paused = true)]
async fn primary_key_is_inferred_once_under_concurrent_first_writes() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    let writes = (0..32).map(|number| {
        // Half of the payloads would have another key inferred if they came first.
        let document = if number % 2 == 0 {
            json!([{ "film_id": number, "title": "even" }])
        } else {
            json!([{ "id": number, "title": "odd" }])
        };
        bench.write("films", document)
    });
    let mut outcomes = Vec::new();
    for accepted in join_all(writes).await {
        outcomes.push(bench.finished(accepted.unwrap().summary.task_uid).await);
    }
    let key = bench.entry("films").await.unwrap().primary_key.unwrap();
    let succeeded = outcomes.iter().filter(|task| task.error.is_none()).count();
    assert_eq!(succeeded, 16, "the writes with the key `{}`", key.as_str());
    for task in outcomes.iter().filter(|task| task.error.is_some()) {
        assert_eq!(task.error.as_ref().unwrap().code, "missing_document_id");
    }
    for node in TRIO {
        assert_eq!(bench.nodes.index(node, "films").unwrap().primary_key.as_deref(), Some(key.as_str()));
        assert_eq!(bench.nodes.calls_to(node, "write index-create").len(), 1, "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn deletion_by_id_reaches_the_replicas_of_the_ids_alone() {
    let bench = Bench::running(Layout::group(&TRIO, 1));
    bench.written("films", films(0, 30)).await;
    bench.nodes.forget_calls();
    let ids = DocumentSelection::Ids(vec![json!(7)]);
    let accepted = bench.document.documents_delete(uid("films"), ids, None).await.unwrap();
    let task = bench.succeeded(accepted.summary.task_uid).await;
    let holders: BTreeSet<&NodeId> = task.node_tasks.keys().collect();
    assert_eq!(holders.len(), 1);
    let asked: usize = TRIO.iter().map(|node| bench.nodes.calls_to(node, "write").len()).sum();
    assert_eq!(asked, 1);
    for node in TRIO {
        let expected: Vec<String> = bench.share(node, 30).into_iter().filter(|id| id != "7").collect();
        assert_eq!(bench.nodes.ids(node, "films"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn deletion_by_filter_and_of_everything_reaches_every_node() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    bench.written("films", films(0, 30)).await;
    for node in TRIO {
        bench.nodes.server(node, |server| {
            let index = server.indexes.get_mut(&uid("films")).unwrap();
            index.settings["filterableAttributes"].as_array_mut().unwrap().push(json!("genre"));
        });
    }
    let filter = DocumentSelection::Filter(json!("genre = g1"));
    let accepted = bench.document.documents_delete(uid("films"), filter, None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    for node in TRIO {
        let index = bench.nodes.index(node, "films").unwrap();
        assert!(index.documents.values().all(|document| document["genre"] != "g1"));
        assert!(!index.documents.is_empty());
    }
    let accepted = bench.document.documents_delete(uid("films"), DocumentSelection::All, None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    assert!(TRIO.iter().all(|node| bench.nodes.ids(node, "films").is_empty()));
}

#[tokio::test(start_paused = true)]
async fn write_of_no_documents_succeeds_on_every_node() {
    let bench = Bench::running(Layout::group(&TRIO, 2));
    bench.written("films", films(0, 3)).await;
    let task = bench.written("films", json!([])).await;
    assert_eq!(task.node_tasks.len(), 3);
}
