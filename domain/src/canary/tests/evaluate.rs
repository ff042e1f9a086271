//! Responses that pass, responses that fail, and the evidence.

use super::*;

/// Four hits, the third of which does not show a valid id.
fn response() -> Map<String, Value> {
    object(json!({
        "hits": [{ "id": 1 }, { "id": "b" }, { "id": 1.5 }, { "id": "-4" }],
        "estimatedTotalHits": 40,
        "facetDistribution": { "genre": { "Drama": 7, "War": 0 }, "year": { "1990": 3 } },
    }))
}

fn judged(query: Value, assertion: &Value, body: &Map<String, Value>, recent: &[CanaryRun]) -> Option<Value> {
    let (definition, key) = (definition(query, json!([assertion])), key());
    let seen = Observation {
        body,
        latency_ms: 50,
        settings_version: Some(3),
        primary_key: Some(&key),
        degraded: None,
    };
    let verdict = evaluate(&definition, &seen, recent);
    let evidence = verdict.evidence();
    let failed = evidence.as_array().unwrap().clone();
    assert_eq!(verdict.status(), if failed.is_empty() { CanaryStatus::Pass } else { CanaryStatus::Fail });
    failed.into_iter().next()
}

#[test]
fn evaluate_passes_each_assertion_at_its_bound_and_fails_it_beyond() {
    let number = |kind: &str, value: u64| json!({ "type": kind, "value": value });
    let facet = |facet: &str, value: &str, bound: &str, count: u64| json!({ "type": "facet_count", "facet": facet, "value": value, bound: count });
    let top_k = |k: u64, ids: Value| json!({ "type": "top_k_contains", "k": k, "ids": ids });
    let top = |id: Value| json!({ "type": "top_hit_id", "id": id });
    let not = |id: Value| json!({ "type": "must_not_contain_id", "id": id });
    // The assertion, and the observed value and failing ids if it fails.
    let cases: Vec<(Value, Option<(Value, Value)>)> = vec![
        (top(json!(1)), None),
        (top(json!("1")), None),
        (top(json!("b")), Some((json!("1"), json!(["b"])))),
        (top_k(1, json!(["1"])), None),
        (top_k(2, json!(["b", 1])), None),
        (top_k(1, json!(["b"])), Some((json!(["1"]), json!(["b"])))),
        (top_k(3, json!([-4, "b"])), Some((json!(["1", "b", null]), json!(["-4"])))),
        (top_k(4, json!([-4, "b"])), None),
        (top_k(20, json!([-4, "x", "y"])), Some((json!(["1", "b", null, "-4"]), json!(["x", "y"])))),
        (not(json!("b")), Some((json!(2), json!(["b"])))),
        (not(json!(-4)), Some((json!(4), json!(["-4"])))),
        // One hit does not say which document it is.
        (not(json!("x")), Some((json!(null), json!(["x"])))),
        (number("min_hits", 40), None),
        (number("min_hits", 41), Some((json!(40), json!([])))),
        (number("max_hits", 40), None),
        (number("max_hits", 39), Some((json!(40), json!([])))),
        (number("max_latency_ms", 50), None),
        (number("max_latency_ms", 49), Some((json!(50), json!([])))),
        (number("max_p95_ms", 50), None),
        (number("max_p95_ms", 49), Some((json!(50), json!([])))),
        (number("settings_version_at_least", 3), None),
        (number("settings_version_at_least", 4), Some((json!(3), json!([])))),
        (facet("genre", "Drama", "min", 7), None),
        (facet("genre", "Drama", "min", 8), Some((json!(7), json!([])))),
        (facet("genre", "Drama", "max", 7), None),
        (facet("genre", "Drama", "max", 6), Some((json!(7), json!([])))),
        (facet("genre", "drama", "min", 1), Some((json!(0), json!([])))),
        (facet("genre", "drama", "max", 0), None),
        (facet("year", "1990", "min", 3), None),
        (facet("nothing", "x", "min", 1), Some((json!(0), json!([])))),
    ];
    for (assertion, fails) in cases {
        let failed = judged(json!({ "facets": ["*"] }), &assertion, &response(), &[]);
        match (failed, fails) {
            (None, None) => {}
            (Some(shown), Some((observed, ids))) => {
                assert_eq!((&shown["observed"], &shown["failingIds"]), (&observed, &ids), "{shown}");
                assert_eq!(shown["topIds"], json!(["1", "b", null, "-4"]));
                assert_eq!(shown["assertion"]["type"], assertion["type"]);
                assert!(!shown["message"].as_str().unwrap().is_empty());
                assert!(shown.get("degraded").is_none());
            }
            (shown, _) => panic!("{assertion}: {shown:?}"),
        }
    }
}

#[test]
fn evaluate_fails_assertions_about_hits_if_there_are_none() {
    let empty = object(json!({ "hits": [], "totalHits": 0, "estimatedTotalHits": 9 }));
    let top = json!({ "type": "top_hit_id", "id": 1 });
    let shown = judged(json!({}), &top, &empty, &[]).unwrap();
    assert_eq!((&shown["observed"], &shown["message"]), (&json!(null), &json!("there is no hit")));
    assert!(judged(json!({}), &json!({ "type": "must_not_contain_id", "id": 1 }), &empty, &[]).is_none());
    // The exhaustive total precedes the estimate.
    assert!(judged(json!({}), &json!({ "type": "max_hits", "value": 0 }), &empty, &[]).is_none());
    let hidden = object(json!({ "hits": [{}] }));
    assert_eq!(
        judged(json!({}), &top, &hidden, &[]).unwrap()["message"],
        "the first hit does not show its id"
    );
    assert!(judged(json!({}), &json!({ "type": "max_hits", "value": 1 }), &hidden, &[]).is_none());
    assert!(judged(json!({}), &json!({ "type": "min_hits", "value": 2 }), &hidden, &[]).is_some());
}

#[test]
fn evaluate_fails_if_settings_or_primary_key_are_unknown() {
    let body = response();
    let assertions = json!([
        { "type": "settings_version_at_least", "value": 1 }, { "type": "top_hit_id", "id": 1 },
        { "type": "min_hits", "value": 1 },
    ]);
    let seen = Observation {
        body: &body,
        latency_ms: 0,
        settings_version: None,
        primary_key: None,
        degraded: Some("shards=1"),
    };
    let verdict = evaluate(&definition(json!({}), assertions), &seen, &[]);
    let evidence = verdict.evidence();
    assert_eq!(evidence.as_array().unwrap().len(), 2);
    assert_eq!(evidence[0]["degraded"], "shards=1");
    assert_eq!(evidence[1]["topIds"], json!([null, null, null, null]));
}

#[test]
fn evaluate_finds_ids_inside_objects() {
    let key = PrimaryKey::parse("meta.id").unwrap();
    let body = object(json!({ "hits": [{ "meta": { "id": 7 } }, { "meta.id": "x" }] }));
    let seen = Observation {
        body: &body,
        latency_ms: 0,
        settings_version: None,
        primary_key: Some(&key),
        degraded: None,
    };
    let wants =
        json!([{ "type": "top_hit_id", "id": "7" }, { "type": "top_k_contains", "k": 2, "ids": ["x"] }]);
    assert_eq!(evaluate(&definition(json!({}), wants), &seen, &[]).status(), CanaryStatus::Pass);
}

#[test]
fn evidence_shows_at_most_twenty_ids() {
    let hits: Vec<Value> = (0..30).map(|id| json!({ "id": id })).collect();
    let body = object(json!({ "hits": hits }));
    let shown =
        judged(json!({ "limit": 30 }), &json!({ "type": "top_hit_id", "id": 5 }), &body, &[]).unwrap();
    assert_eq!(shown["topIds"].as_array().unwrap().len(), 20);
    let deep = json!({ "type": "top_k_contains", "k": 30, "ids": [29] });
    assert!(judged(json!({ "limit": 30 }), &deep, &body, &[]).is_none(), "all of them count");
}

#[test]
fn p95_counts_the_last_runs_with_a_response() {
    let fails = |value: u64, recent: &[CanaryRun]| {
        judged(json!({}), &json!({ "type": "max_p95_ms", "value": value }), &response(), recent)
            .map(|shown| shown["observed"].clone())
    };
    let runs = |latencies: &[u64]| -> Vec<CanaryRun> {
        latencies.iter().map(|latency| run(0, CanaryStatus::Pass, *latency)).collect()
    };
    // With fewer than twenty runs the slowest counts; of twenty, one may be slower. The present run took 50.
    let slow_one = |fast: usize| runs(&[&[900][..], &vec![10; fast]].concat());
    assert_eq!(fails(899, &slow_one(17)), Some(json!(900)));
    assert_eq!(fails(900, &slow_one(17)), None);
    assert_eq!(fails(50, &slow_one(18)), None);
    assert_eq!(fails(49, &slow_one(18)), Some(json!(50)));
    // Runs beyond the hundredth do not count, nor do those without a response.
    let old_and_slow = runs(&[&[10; 99][..], &[900; 50]].concat());
    assert_eq!(fails(10, &old_and_slow), None);
    let five_slow = runs(&[&[10; 94][..], &[900; 50]].concat());
    assert_eq!(fails(50, &five_slow), None);
    let six_slow = runs(&[&[10; 93][..], &[900; 50]].concat());
    assert_eq!(fails(50, &six_slow), Some(json!(900)));
    let failed = [run(0, CanaryStatus::Fail, 900), run(0, CanaryStatus::Error, 5_000)];
    assert_eq!(fails(899, &failed), Some(json!(900)));
    assert_eq!(fails(900, &failed), None);
}

#[test]
fn failed_search_is_an_error_with_its_message() {
    let error = crate::error::ErrorCode::IndexNotFound.with_message("Index `films` not found.");
    let verdict = Verdict::Error(error);
    assert_eq!(verdict.status(), CanaryStatus::Error);
    assert_eq!(verdict.evidence()[0]["error"]["message"], "Index `films` not found.");
}
