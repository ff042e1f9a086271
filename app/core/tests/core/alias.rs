//! Aliases in the services: resolution, freshness after a change, and races.

use std::sync::Arc;
use std::time::Duration;

use miroir_core::alias::AliasResolver;
use miroir_core::cluster::ActiveCluster;
use miroir_core::registry::LastKnown;
use miroir_core::service::DocumentService;
use miroir_domain::alias::{AliasChange, NewAlias};
use miroir_domain::error::ErrorCode;
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search::SearchRequest;
use miroir_domain::settings::{SettingsAction, SettingsChange};
use miroir_domain::task::TaskQuery;
use miroir_fault::Fault as StoreFault;
use miroir_ports::inbound::{
    AliasApi, ApiError, DocumentApi, DocumentSelection, IndexApi, SearchApi, SettingsApi, TaskApi,
};
use miroir_ports::outbound::{AliasTable, RolloverTable, StoreError};
use serde_json::{Map, Value, json};

use crate::support::{Bench, Layout, additions, films, uid};

async fn bench() -> Bench {
    let bench = Bench::idle(Layout::group(&["a", "b", "c"], 2));
    bench.start_poller();
    bench.written("v1", films(0, 10)).await;
    bench.written("v2", films(100, 130)).await;
    bench
}

async fn create(bench: &Bench, body: Value) -> Result<u64, ApiError> {
    Ok(bench.alias.alias_create(NewAlias::from_json(body).unwrap()).await?.version)
}

async fn flip(bench: &Bench, name: &str, target: &str, version: Option<u64>) -> Result<u64, ApiError> {
    let change = AliasChange::from_json(json!({ "target": target })).unwrap();
    Ok(bench.alias.alias_flip(uid(name), change, version).await?.version)
}

/// Returns the number of documents that a search of `name` finds.
async fn found(bench: &Bench, name: &str) -> Result<u64, ApiError> {
    let searches = Arc::clone(&bench.search);
    let request = SearchRequest::from_json(json!({ "q": "film", "limit": 0 })).unwrap();
    Ok(searches.search(uid(name), request).await?.body["estimatedTotalHits"].as_u64().unwrap())
}

#[track_caller]
fn assert_code<T: std::fmt::Debug>(outcome: Result<T, ApiError>, expected: ErrorCode) {
    match outcome.unwrap_err() {
        ApiError::Refused { code, message } => assert_eq!(code, expected, "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_inbound_port_resolves_an_alias() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    let documents = Arc::clone(&bench.document);
    let indexes = Arc::clone(&bench.index);
    let settings = Arc::clone(&bench.settings);
    let tasks = Arc::clone(&bench.task);

    assert_eq!(found(&bench, "films").await.unwrap(), 10);
    let write = documents.documents_write(additions("films", &films(10, 12))).await.unwrap();
    assert_eq!(write.summary.index_uid, Some(uid("v1")));
    bench.succeeded(write.summary.task_uid).await;
    let deletion = DocumentSelection::Ids(vec![json!(0)]);
    let deleted = documents.documents_delete(uid("films"), deletion, None).await.unwrap();
    bench.succeeded(deleted.summary.task_uid).await;
    assert_eq!(found(&bench, "films").await.unwrap(), 11);
    let one = documents.document_get(uid("films"), "11".to_owned(), Map::new()).await.unwrap();
    assert_eq!(one.body["title"], "film 11");
    let page = documents.document_list(uid("films"), Map::new()).await.unwrap();
    assert_eq!(page.body["total"], 11);
    assert_eq!(indexes.index_get(uid("films")).await.unwrap().body["uid"], "v1");
    settings.settings_get(uid("films"), None).await.unwrap();
    let change =
        SettingsChange { setting: None, action: SettingsAction::Update(json!({ "stopWords": ["a"] })) };
    let changed = settings.settings_change(uid("films"), change).await.unwrap();
    assert_eq!(changed.summary.index_uid, Some(uid("v1")));
    let query = TaskQuery { index_uids: Some([uid("films")].into()), ..TaskQuery::default() };
    let listed = tasks.task_list(query).await.unwrap();
    assert!(listed.total >= 4 && listed.results.iter().all(|task| task.index_uid == Some(uid("v1"))));
}

#[tokio::test(start_paused = true)]
async fn alias_of_several_targets_is_read_as_one_index_and_refuses_writes() {
    let bench = bench().await;
    create(&bench, json!({ "name": "all", "targets": ["v1", "v2"] })).await.unwrap();
    assert_eq!(found(&bench, "all").await.unwrap(), 40);
    let searches = Arc::clone(&bench.search);
    let mut seen = std::collections::BTreeSet::new();
    for offset in (0..40).step_by(7) {
        let body = json!({ "q": "film", "offset": offset, "limit": 7, "facets": ["genre"] });
        let response =
            searches.search(uid("all"), SearchRequest::from_json(body).unwrap()).await.unwrap().body;
        assert_eq!(
            response["facetDistribution"]["genre"]
                .as_object()
                .unwrap()
                .values()
                .map(|count| count.as_u64().unwrap())
                .sum::<u64>(),
            40
        );
        seen.extend(response["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()));
    }
    assert_eq!(seen, (0..10).chain(100..130).collect());
    let documents = Arc::clone(&bench.document);
    let mut listed = Vec::new();
    for offset in (0..40).step_by(9) {
        let page = Map::from_iter([("offset".to_owned(), json!(offset)), ("limit".to_owned(), json!(9))]);
        let page = documents.document_list(uid("all"), page).await.unwrap().body;
        assert_eq!(page["total"], 40);
        listed.extend(page["results"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()));
    }
    listed.sort_unstable();
    assert_eq!(listed, (0..10).chain(100..130).collect::<Vec<u64>>());
    for id in ["3", "120"] {
        assert!(documents.document_get(uid("all"), id.to_owned(), Map::new()).await.is_ok(), "{id}");
    }
    let missing = documents.document_get(uid("all"), "77".to_owned(), Map::new()).await;
    assert!(matches!(missing, Err(ApiError::Node { status: 404, .. })), "{missing:?}");
    let write = documents.documents_write(additions("all", &films(0, 1))).await;
    assert_code(write, ErrorCode::MiroirMultiAliasNotWritable);
    assert_code(flip(&bench, "all", "v1", None).await, ErrorCode::MiroirMultiAliasNotWritable);
    let settings = Arc::clone(&bench.settings);
    assert_code(settings.settings_get(uid("all"), None).await, ErrorCode::MiroirAliasConflict);
}

#[tokio::test(start_paused = true)]
async fn create_and_flip_refuse_invalid_names_and_targets() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    for body in [
        json!({ "name": "films", "target": "v2" }),
        json!({ "name": "v2", "target": "v1" }),
        json!({ "name": "x", "target": "films" }),
        json!({ "name": "x", "target": "nothing" }),
        json!({ "name": "x", "targets": ["v1", "nothing"] }),
        json!({ "name": "x", "targets": ["v1", "films"], "requireTargetExists": false }),
    ] {
        assert_code(create(&bench, body).await, ErrorCode::MiroirAliasConflict);
    }
    assert_code(flip(&bench, "films", "nothing", None).await, ErrorCode::MiroirAliasConflict);
    assert_code(flip(&bench, "absent", "v1", None).await, ErrorCode::MiroirAliasNotFound);
    // A cycle would need an alias of an alias, which can be neither created nor made by a flip.
    create(&bench, json!({ "name": "ahead", "target": "later", "requireTargetExists": false }))
        .await
        .unwrap();
    assert_code(
        create(&bench, json!({ "name": "later", "target": "v1" })).await,
        ErrorCode::MiroirAliasConflict,
    );
    assert_code(flip(&bench, "ahead", "films", None).await, ErrorCode::MiroirAliasConflict);
}

/// Returns a registry that is never used while the store is away.
fn no_last_known() -> Arc<LastKnown> {
    Arc::new(LastKnown::new(Duration::ZERO, Arc::default()))
}

#[tokio::test(start_paused = true)]
async fn index_create_refuses_names_of_aliases_and_index_delete_their_targets() {
    let bench = bench().await;
    // This resolver resolves the name before the alias is created. The write is sent afterwards.
    let early = Arc::new(AliasResolver::new(Arc::clone(&bench.cluster.store), no_last_known()));
    assert_eq!(early.readable(&uid("films")).await.unwrap(), [uid("films")]);
    let active = Arc::new(ActiveCluster::new(Arc::clone(&bench.cluster)));
    let _activation = active.activate(Arc::clone(&bench.cluster));
    let early = DocumentService::new(active, early);
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    assert_code(bench.index.index_create(uid("films"), None).await, ErrorCode::MiroirAliasConflict);
    let write = early.documents_write(additions("films", &films(0, 1)));
    assert_code(write.await, ErrorCode::MiroirAliasConflict);
    assert!(bench.entry("films").await.is_none());
    assert_code(bench.index.index_delete(uid("v1")).await, ErrorCode::MiroirAliasConflict);
    assert!(bench.entry("v1").await.is_some());
    flip(&bench, "films", "v2", None).await.unwrap();
    let deleted = bench.index.index_delete(uid("v1")).await.unwrap();
    bench.succeeded(deleted.summary.task_uid).await;
}

#[tokio::test(start_paused = true)]
async fn delete_refuses_an_alias_that_a_policy_uses() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    let policy = RolloverPolicy {
        name: "daily".to_owned(),
        write_alias: uid("films"),
        read_alias: uid("all"),
        pattern: "films-{date}".to_owned(),
        triggers: json!({}),
        retention: json!({}),
        template: json!({}),
        enabled: true,
        version: 1,
    };
    bench.rows.rollover_create(&policy).await.unwrap();
    assert_code(bench.alias.alias_delete(uid("films")).await, ErrorCode::MiroirAliasConflict);
    bench.rows.rollover_delete("daily").await.unwrap();
    bench.alias.alias_delete(uid("films")).await.unwrap();
    assert_code(bench.alias.alias_delete(uid("films")).await, ErrorCode::MiroirAliasNotFound);
}

#[tokio::test(start_paused = true)]
async fn one_of_racing_conditional_flips_succeeds_and_all_unconditional_ones_do() {
    let bench = Arc::new(bench().await);
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    let racers = (0..8).map(|_| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { flip(&bench, "films", "v2", Some(1)).await })
    });
    let outcomes = futures_util::future::join_all(racers).await;
    let succeeded = outcomes.into_iter().filter_map(|outcome| outcome.unwrap().ok()).count();
    assert_eq!(succeeded, 1);
    let racers = (0..8).map(|number| {
        let bench = Arc::clone(&bench);
        let target = if number % 2 == 0 { "v1" } else { "v2" };
        tokio::spawn(async move { flip(&bench, "films", target, None).await })
    });
    for outcome in futures_util::future::join_all(racers).await {
        outcome.unwrap().unwrap();
    }
    let row = bench.rows.alias_get(&uid("films")).await.unwrap().unwrap();
    let versions: Vec<u64> = row.history.iter().map(|state| state.version).collect();
    assert_eq!(versions, (1..row.version).rev().collect::<Vec<u64>>(), "a state was lost");
}

#[tokio::test(start_paused = true)]
async fn swap_exchanges_both_targets_or_none() {
    let bench = bench().await;
    create(&bench, json!({ "name": "blue", "target": "v1" })).await.unwrap();
    create(&bench, json!({ "name": "green", "target": "v2" })).await.unwrap();
    bench.alias.alias_swap(uid("blue"), uid("green")).await.unwrap();
    assert_eq!((found(&bench, "blue").await.unwrap(), found(&bench, "green").await.unwrap()), (30, 10));
    assert_code(bench.alias.alias_swap(uid("blue"), uid("absent")).await, ErrorCode::MiroirAliasNotFound);
    assert_code(bench.alias.alias_swap(uid("blue"), uid("blue")).await, ErrorCode::BadRequest);
    assert_eq!(found(&bench, "blue").await.unwrap(), 30);
}

/// A flip whose response was lost can have taken effect, so the cache must be cleared.
#[tokio::test(start_paused = true)]
async fn alias_is_read_again_after_a_flip_of_unknown_outcome() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    assert_eq!(found(&bench, "films").await.unwrap(), 10);
    bench.faults.script.then("alias_put", [StoreFault::LostAfter]);
    let lost = flip(&bench, "films", "v2", None).await;
    assert!(matches!(lost, Err(ApiError::Store(StoreError::Unavailable { .. }))), "{lost:?}");
    assert_eq!(found(&bench, "films").await.unwrap(), 30);
}

/// Simulates another instance by a second resolver over the same store.
#[tokio::test(start_paused = true)]
async fn other_instances_resolve_a_flipped_alias_within_a_second() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    let other = AliasResolver::new(Arc::clone(&bench.cluster.store), no_last_known());
    for round in 0..20_u32 {
        let (old, new) = if round % 2 == 0 { ("v1", "v2") } else { ("v2", "v1") };
        assert_eq!(other.readable(&uid("films")).await.unwrap(), [uid(old)]);
        flip(&bench, "films", new, None).await.unwrap();
        assert_eq!(bench.aliases.readable(&uid("films")).await.unwrap(), [uid(new)]);
        tokio::time::sleep(Duration::from_millis(999)).await;
        assert_eq!(other.readable(&uid("films")).await.unwrap(), [uid(new)]);
    }
}

#[tokio::test(start_paused = true)]
async fn search_fails_if_the_alias_cannot_be_read() {
    let bench = bench().await;
    create(&bench, json!({ "name": "films", "target": "v1" })).await.unwrap();
    bench.faults.script.then("alias_get", [StoreFault::NotApplied]);
    assert!(matches!(found(&bench, "films").await, Err(ApiError::Store(_))));
    assert_eq!(found(&bench, "films").await.unwrap(), 10);
}
