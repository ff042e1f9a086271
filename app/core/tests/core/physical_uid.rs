//! An index that is made anew is another index on the nodes, and clients do not notice.

use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;
use miroir_domain::task::TaskQuery;
use miroir_domain::{IndexUid, PhysicalUid};
use miroir_ports::inbound::{ApiError, DocumentApi as _, IndexApi as _, SearchApi as _, TaskApi as _};
use miroir_ports::outbound::{Clock as _, LeaseTable as _};
use serde_json::{Map, Value, json};

use crate::support::{Bench, Layout, RuntimeClock, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// The time that a node needs to get back what it lacks.
const REPAIRED: Duration = Duration::from_mins(1);

async fn delete(bench: &Bench, index: &str) {
    let accepted = bench.index.index_delete(uid(index)).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
}

/// A cluster with `films(20, 30)` in the second index of the name `films`.
async fn made_anew() -> Bench {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    delete(&bench, "films").await;
    bench.written("films", films(20, 30)).await;
    bench
}

/// Everything that clients read of the index `films`.
async fn reads(bench: &Bench) -> Vec<Value> {
    let films = uid::<IndexUid>("films");
    let search = SearchRequest::from_json(json!({ "q": "film", "limit": 100 })).unwrap();
    vec![
        bench.search.search(films.clone(), search).await.unwrap().body,
        bench.index.index_get(films.clone()).await.unwrap().body,
        bench.index.index_list(0, 20).await.unwrap().body,
        bench.index.index_stats(films.clone()).await.unwrap().body,
        bench.index.stats().await.unwrap().body,
        bench.document.document_list(films.clone(), Map::new()).await.unwrap().body,
    ]
}

#[tokio::test(start_paused = true)]
async fn clients_see_the_name_of_an_index_that_was_made_anew() {
    let bench = made_anew().await;
    let physical = bench.physical("films").await;
    assert!(physical.starts_with("films--"), "{physical}");
    for node in TRIO {
        assert_eq!(bench.nodes.indexes(node), [uid(&physical)], "node {node}");
    }
    for body in reads(&bench).await {
        assert!(!body.to_string().contains("films--"), "{body}");
    }
    let facts = bench.index.index_get(uid("films")).await.unwrap().body;
    assert_eq!((&facts["uid"], &facts["primaryKey"]), (&json!("films"), &json!("id")));
    let newest = bench.task.task_list(TaskQuery::default()).await.unwrap().results.remove(0);
    assert_eq!(newest.index_uid.unwrap().as_str(), "films");
}

#[tokio::test(start_paused = true)]
async fn errors_of_nodes_name_the_index_as_clients_do() {
    let bench = made_anew().await;
    let keyed = json!([{ "book_id": 1 }]);
    let mut write = crate::support::additions("films", &keyed);
    write.primary_key = Some("book_id".to_owned());
    let message = match bench.document.documents_write(write).await {
        Err(refused) => refused.to_string(),
        Ok(accepted) => bench.finished(accepted.summary.task_uid).await.error.unwrap().message,
    };
    assert!(message.contains("`films`"), "{message}");
    let refused = bench.document.document_get(uid("films"), "99".to_owned(), Map::new()).await.unwrap_err();
    assert!(!refused.to_string().contains("films--"), "{refused}");
}

/// A node that was away keeps the deleted index for a while, and it must not answer for the next one.
#[tokio::test(start_paused = true)]
async fn documents_of_a_deleted_index_are_never_shown_by_a_node_that_was_away() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    bench.fell("b").await;
    delete(&bench, "films").await;
    bench.written("films", films(20, 30)).await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 20, "it was away");
    bench.revive("b").await;
    let search = || SearchRequest::from_json(json!({ "q": "film", "limit": 100 })).unwrap();
    let end = tokio::time::Instant::now() + REPAIRED;
    while tokio::time::Instant::now() < end {
        let hits = bench.search.search(uid("films"), search()).await.unwrap().body["hits"].take();
        let ids: Vec<u64> = hits.as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
        assert!(ids.len() == 10 && ids.iter().all(|id| *id >= 20), "{ids:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        bench.nodes.indexes("b"),
        [uid(&bench.physical("films").await)],
        "it has lost the deleted index"
    );
}

#[tokio::test(start_paused = true)]
async fn each_index_of_a_name_has_a_uid_of_its_own() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..5 {
        bench.written("films", films(0, 3)).await;
        assert!(used.insert(bench.physical("films").await), "{used:?}");
        delete(&bench, "films").await;
    }
    assert_eq!(used.first().map(String::as_str), Some("films"));
    assert!(TRIO.iter().all(|node| bench.nodes.indexes(node).is_empty()));
}

/// A client may choose a name that looks like the second index of another one.
#[tokio::test(start_paused = true)]
async fn name_with_the_form_of_a_further_uid_is_an_index_of_its_own() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    let further = PhysicalUid::further(&uid("films"), 7).unwrap().to_string();
    bench.written(&further, films(0, 5)).await;
    bench.written("films", films(10, 12)).await;
    let physical = bench.physical(&further).await;
    assert!(physical.starts_with(&format!("{further}--")), "{physical}");
    let count = async |index: &str| {
        bench.index.index_stats(uid(index)).await.unwrap().body["numberOfDocuments"].clone()
    };
    assert_eq!((count(&further).await, count("films").await), (json!(5), json!(2)));
}

/// Indexes that are older than physical uids have any name, and it is theirs on the nodes as well.
#[tokio::test(start_paused = true)]
async fn earlier_index_whose_name_ends_with_a_number_is_repaired_as_any_other() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    for name in ["logs--2024", "logs--1764573600", "logs"] {
        bench.written(name, films(0, 5)).await;
    }
    bench.fell("b").await;
    bench.written("logs--2024", films(5, 10)).await;
    bench.revive("b").await;
    bench.repaired("logs--2024", "b").await;
    assert_eq!(bench.nodes.ids("b", "logs--2024").len(), 10);
    let all = ["logs", "logs--1764573600", "logs--2024"].map(uid::<PhysicalUid>);
    assert_eq!(bench.nodes.indexes("b"), all);
}

/// An earlier program takes the name of an index for its uid on the nodes.
#[tokio::test(start_paused = true)]
async fn index_keeps_its_name_while_an_earlier_program_shares_the_store() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    delete(&bench, "films").await;
    let now = RuntimeClock::new().now();
    bench.rows.lease_acquire("instance:earlier", "http://127.0.0.1:1", REPAIRED, now).await.unwrap();
    bench.written("films", films(20, 30)).await;
    assert_eq!(bench.physical("films").await, "films");
    delete(&bench, "films").await;
    tokio::time::sleep(REPAIRED).await;
    bench.written("films", films(20, 30)).await;
    assert_ne!(bench.physical("films").await, "films", "the earlier program is gone");
}

#[tokio::test(start_paused = true)]
async fn name_that_is_too_long_to_be_given_again_is_refused_with_the_limit() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    let name = "n".repeat(IndexUid::MAX_BYTES);
    bench.written(&name, films(0, 3)).await;
    delete(&bench, &name).await;
    let refused = bench.index.index_create(uid(&name), None).await.unwrap_err();
    let ApiError::Refused { code: ErrorCode::InvalidIndexUid, message } = refused else {
        panic!("{refused:?}")
    };
    assert!(message.contains("at most 379 bytes"), "{message}");
    bench.write(&name, films(0, 3)).await.unwrap_err();
}
