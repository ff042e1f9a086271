//! Reads over the cluster: nothing counted twice, failing nodes replaced, refusals and garbage told as they
//! are.

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_core::cluster::SearchPolicy;
use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;
use miroir_ports::inbound::{ApiError, DocumentApi, IndexApi, ReadResponse, SearchApi};
use serde_json::{Map, Value, json};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

async fn bench(layout: Layout) -> Bench {
    let bench = Bench::idle(layout);
    bench.start_poller();
    bench.written("films", films(0, 60)).await;
    bench.nodes.forget_calls();
    bench
}

async fn search(bench: &Bench, body: Value) -> Result<ReadResponse, ApiError> {
    bench.search.search(uid("films"), SearchRequest::from_json(body).unwrap()).await
}

/// The ids of the hits, which must not repeat.
fn ids(answer: &ReadResponse) -> BTreeSet<u64> {
    let hits = answer.body["hits"].as_array().unwrap();
    let ids: BTreeSet<u64> = hits.iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), hits.len(), "a hit came twice");
    ids
}

fn everything() -> Value {
    json!({ "q": "film", "limit": 100, "facets": ["genre"] })
}

fn assert_complete(answer: &ReadResponse) {
    assert_eq!(ids(answer), (0..60).collect());
    assert_eq!(answer.body["estimatedTotalHits"], 60);
    assert_eq!(answer.body["facetDistribution"], json!({ "genre": { "g0": 20, "g1": 20, "g2": 20 } }));
    assert_eq!(answer.degraded, None);
}

#[tokio::test(start_paused = true)]
async fn search_counts_nothing_twice_where_nodes_hold_the_same_shards() {
    for layout in [
        Layout::group(&TRIO, 1),
        Layout::group(&TRIO, 2),
        Layout::group(&TRIO, 3),
        Layout::groups(&[&TRIO, &["d", "e", "f", "g"]], 2),
    ] {
        let bench = bench(layout).await;
        for _ in 0..4 {
            let answer = search(&bench, everything()).await.unwrap();
            assert_complete(&answer);
            let text = answer.body.to_string();
            assert!(!text.contains("_miroir"), "{text}");
        }
    }
}

/// However many copies there are, and although a node is away.
#[tokio::test(start_paused = true)]
async fn stats_count_each_document_once() {
    for layout in
        [Layout::group(&TRIO, 1), Layout::group(&TRIO, 2), Layout::groups(&[&TRIO, &["d", "e", "f"]], 2)]
    {
        let replicated = layout.groups.len() > 1 || layout.replication_factor > 1;
        let bench = bench(layout).await;
        let fields = json!({ "id": 60, "title": 60, "genre": 60 });
        let stats = bench.index.index_stats(uid("films")).await.unwrap();
        assert_eq!((&stats.body["numberOfDocuments"], &stats.degraded), (&json!(60), &None));
        assert_eq!(stats.body["fieldDistribution"], fields);
        bench.fell("a").await;
        let stats = bench.index.index_stats(uid("films")).await.unwrap();
        if replicated {
            assert_eq!(
                (&stats.body["numberOfDocuments"], &stats.body["fieldDistribution"]),
                (&json!(60), &fields)
            );
        } else {
            let documents = stats.body["numberOfDocuments"].as_u64().unwrap();
            assert!(documents < 60 && stats.degraded.is_some(), "{stats:?}");
        }
        let all = bench.index.stats().await.unwrap().body;
        assert_eq!(all["indexes"]["films"], stats.body);
    }
    let bench = bench(Layout::group(&TRIO, 2)).await;
    let missing = bench.index.index_stats(uid("absent")).await.unwrap_err();
    assert!(matches!(missing, ApiError::Refused { code: ErrorCode::IndexNotFound, .. }), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn search_pages_tile() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    let mut seen = Vec::new();
    for offset in (0..70).step_by(7) {
        let page = search(&bench, json!({ "q": "film", "offset": offset, "limit": 7 })).await.unwrap();
        seen.extend(ids(&page));
    }
    assert_eq!(seen.len(), 60);
    assert_eq!(seen.into_iter().collect::<BTreeSet<u64>>().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn node_that_fails_in_the_middle_is_replaced() {
    for fault in [
        Fault::Unreachable,
        Fault::Hang,
        Fault::ServerError,
        Fault::LoseAnswer,
        Fault::Refuse(404, "index_not_found"),
    ] {
        for victim in TRIO {
            let bench = bench(Layout::group(&TRIO, 2)).await;
            bench.nodes.always(victim, "read search", fault.clone());
            assert_complete(&search(&bench, everything()).await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn group_borrows_shards_from_another_group() {
    let bench = bench(Layout::groups(&[&["a", "b"], &["c", "d"]], 1)).await;
    bench.nodes.always("a", "read search", Fault::Unreachable);
    for _ in 0..4 {
        assert_complete(&search(&bench, everything()).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_of_all_nodes_is_the_answer() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    let refusal = search(&bench, json!({ "q": "film", "filter": "genre = g1" })).await.unwrap_err();
    let ApiError::Node { status: 400, error } = refusal else { panic!("{refusal:?}") };
    assert_eq!(error.code, "invalid_document_filter");
    assert!(bench.nodes.calls().iter().filter(|call| call.what == "read search").count() <= 3);
}

#[tokio::test(start_paused = true)]
async fn refusal_stands_when_the_other_nodes_cannot_be_reached() {
    let bench = bench(Layout::group(&TRIO, 1)).await;
    bench.nodes.always("b", "read search", Fault::Unreachable);
    let refusal = search(&bench, json!({ "q": "film", "filter": "genre = g1" })).await.unwrap_err();
    let ApiError::Node { status: 400, error } = refusal else { panic!("{refusal:?}") };
    assert_eq!(error.code, "invalid_document_filter");
}

#[tokio::test(start_paused = true)]
async fn shards_nobody_serves_are_named_or_refuse_the_search_by_policy() {
    let partial = bench(Layout::group(&TRIO, 1)).await;
    partial.nodes.always("b", "read search", Fault::Unreachable);
    let answer = search(&partial, everything()).await.unwrap();
    let rest: BTreeSet<u64> =
        ["a", "c"].iter().flat_map(|node| partial.share(node, 60)).map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids(&answer), rest);
    assert_eq!(answer.body["estimatedTotalHits"], rest.len());
    let degraded = answer.degraded.unwrap();
    assert_eq!(degraded.nodes.iter().map(miroir_domain::NodeId::as_str).collect::<Vec<_>>(), ["b"]);

    let strict = Layout { search_policy: SearchPolicy::Error, ..Layout::group(&TRIO, 1) };
    let strict = bench(strict).await;
    strict.nodes.always("b", "read search", Fault::Unreachable);
    let refusal = search(&strict, everything()).await.unwrap_err();
    let ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, message } = refusal else {
        panic!("{refusal:?}")
    };
    assert!(message.contains("Shards ") && message.contains("`b`"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn search_without_any_node_is_refused_whatever_the_policy() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    for node in TRIO {
        bench.fell(node).await;
    }
    let refusal = search(&bench, everything()).await.unwrap_err();
    assert!(
        matches!(refusal, ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, .. }),
        "{refusal:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn garbage_is_reported_or_replaced_and_never_believed() {
    let missing_total = json!({ "hits": [], "processingTimeMs": 1 });
    let wrong_hits = json!({ "hits": [1, "x", null], "estimatedTotalHits": 3 });
    for garbage in [json!(null), json!([]), json!("<html>"), json!({}), missing_total, wrong_hits] {
        let bench = bench(Layout::group(&["a", "b"], 2)).await;
        bench.nodes.always("a", "read", Fault::Garbage(garbage.clone()));
        bench.nodes.always("b", "read", Fault::Garbage(garbage.clone()));
        let refusal = search(&bench, everything()).await.unwrap_err();
        assert!(matches!(refusal, ApiError::Refused { .. }), "{garbage}: {refusal:?}");
        let listing = bench.document.document_list(uid("films"), Map::new()).await.unwrap_err();
        assert!(matches!(listing, ApiError::Refused { .. }), "{garbage}: {listing:?}");
        // One document is answered as the node gave it; all that matters is that nothing breaks.
        let _ = bench.document.document_get(uid("films"), "1".to_owned(), Map::new()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_answers_garbage_is_replaced() {
    for garbage in [
        json!("<html>"),
        json!({ "message": "proxy" }),
        json!({ "hits": 3 }),
        json!({ "hits": [1], "estimatedTotalHits": 1 }),
    ] {
        for victim in TRIO {
            let bench = bench(Layout::group(&TRIO, 2)).await;
            bench.nodes.always(victim, "read search", Fault::Garbage(garbage.clone()));
            assert_complete(&search(&bench, everything()).await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn groups_take_turns() {
    let bench = bench(Layout::groups(&[&["a", "b"], &["c", "d"]], 2)).await;
    for _ in 0..10 {
        assert_complete(&search(&bench, everything()).await.unwrap());
    }
    let visited = |nodes: [&str; 2]| -> usize {
        nodes.iter().map(|node| bench.nodes.calls_to(node, "read search").len()).sum()
    };
    assert!(visited(["a", "b"]) >= 5 && visited(["c", "d"]) >= 5);
}

#[tokio::test(start_paused = true)]
async fn reads_avoid_a_stale_node_while_they_can() {
    let bench = bench(Layout::group(&TRIO, 3)).await;
    bench.nodes.once("b", "write", Fault::Refuse(507, "no_space_left_on_device"));
    bench.written("films", films(60, 70)).await;
    bench.nodes.forget_calls();
    for _ in 0..6 {
        let answer = search(&bench, everything()).await.unwrap();
        assert_eq!(ids(&answer).len(), 70);
    }
    assert!(bench.nodes.calls_to("b", "read").is_empty());
}

#[tokio::test(start_paused = true)]
async fn listing_pages_tile_without_gap_or_repeat() {
    for layout in [Layout::group(&TRIO, 2), Layout::groups(&[&TRIO, &["d", "e"]], 2)] {
        let bench = bench(layout).await;
        let mut seen = Vec::new();
        for offset in (0..70).step_by(7) {
            let parameters = json!({ "offset": offset, "limit": 7 }).as_object().unwrap().clone();
            let page = bench.document.document_list(uid("films"), parameters).await.unwrap();
            assert_eq!(page.body["total"], 60);
            let results = page.body["results"].as_array().unwrap();
            assert!(results.len() == 7 || offset + 7 > 60);
            seen.extend(results.iter().map(|document| document["id"].as_u64().unwrap()));
        }
        let distinct: BTreeSet<u64> = seen.iter().copied().collect();
        assert_eq!((seen.len(), distinct.len()), (60, 60));
    }
}

#[tokio::test(start_paused = true)]
async fn document_falls_over_to_another_replica() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    for victim in TRIO {
        bench.nodes.always(victim, "read document", Fault::Unreachable);
        for id in 0..60 {
            let answer = bench.document.document_get(uid("films"), id.to_string(), Map::new()).await.unwrap();
            assert_eq!(
                answer.body,
                json!({ "id": id, "title": format!("film {id}"), "genre": format!("g{}", id % 3) })
            );
        }
        bench.revive(victim).await;
    }
    let missing = bench.document.document_get(uid("films"), "99".to_owned(), Map::new()).await.unwrap_err();
    assert!(matches!(missing, ApiError::Node { status: 404, .. }), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn dropped_search_ends_its_calls() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    bench.nodes.delay(|_, _| Duration::from_secs(3));
    let searching = search(&bench, everything());
    assert!(tokio::time::timeout(Duration::from_secs(1), searching).await.is_err());
    for node in TRIO {
        let snapshot = bench.cluster.nodes.health().snapshot(&node.parse().unwrap()).unwrap();
        assert_eq!(snapshot.in_flight, 0, "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn node_is_told_its_shards_only_where_it_holds_others() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    search(&bench, everything()).await.unwrap();
    let asked = bench.nodes.calls().into_iter().filter_map(|call| Some((call.node, call.search?.body)));
    let placement = bench.cluster.placements.of(8);
    let mut shards = 0;
    for (node, body) in asked {
        let held = placement.shards_of(&node).len();
        shards +=
            body.get("filter").map_or(held, |filter| filter.as_str().unwrap().matches(", ").count() + 1);
    }
    assert_eq!(shards, 8, "each shard is asked of one node");
}

/// A client that requests too much at once must not make nodes count as failed.
#[tokio::test(start_paused = true)]
async fn reads_that_ask_for_too_much_are_refused_and_leave_the_nodes_healthy() {
    let bench = bench(Layout::group(&TRIO, 2)).await;
    bench.nodes.limit_responses(1_500);
    let all: Map<String, Value> = json!({ "limit": 100 }).as_object().unwrap().clone();
    for _ in 0..5 {
        let refusals = [
            search(&bench, everything()).await.unwrap_err(),
            bench.document.document_list(uid("films"), all.clone()).await.unwrap_err(),
        ];
        for refusal in refusals {
            let ApiError::Refused { code: ErrorCode::BadRequest, message } = refusal else {
                panic!("{refusal:?}")
            };
            assert!(message.contains("1500 bytes") && message.contains("fewer"), "{message}");
        }
    }
    let answer = search(&bench, json!({ "q": "film", "limit": 5 })).await.unwrap();
    assert_eq!((ids(&answer).len(), answer.degraded), (5, None));
    assert!(TRIO.iter().all(|node| bench.cluster.nodes.is_healthy(&uid(node))));
}
