//! Definitions that are accepted, and refusals with their sentences.

use super::*;
use crate::error::ErrorCode;

/// Returns `base` with the fields of `change`; null removes a field.
fn with(change: Value) -> Value {
    let mut base = written(&json!({ "q": "x", "facets": ["genre"] }), &json!([]));
    for (name, value) in object(change) {
        match value {
            Value::Null => drop(base.as_object_mut().unwrap().remove(&name)),
            value => base[name] = value,
        }
    }
    base
}

#[test]
fn parse_accepts_values_at_every_bound() {
    for change in [
        json!({}),
        json!({ "id": "x".repeat(128) }),
        json!({ "name": "é".repeat(200) }),
        json!({ "intervalSeconds": 1 }),
        json!({ "intervalSeconds": 86_400 }),
        json!({ "assertions": null }),
        json!({ "enabled": false }),
        json!({ "query": {} }),
        json!({ "assertions": vec![json!({ "type": "min_hits", "value": 1 }); 100] }),
        json!({ "query": { "q": "x".repeat(65_536 - 8) } }),
    ] {
        let accepted = Definition::parse(&with(change.clone()));
        assert!(accepted.is_ok(), "{change:.100}: {accepted:?}");
    }
    let parsed = Definition::parse(&with(json!({ "id": "top" }))).unwrap();
    assert_eq!(parsed.id().unwrap().as_str(), "top");
    assert!(parsed.to_row(parsed.id().unwrap(), Timestamp::from_millis(5), 3).enabled, "by default");
}

#[test]
fn parse_refuses_invalid_definitions_and_names_the_place() {
    let deep = (0..64).fold(json!(1), |inner, _| json!([inner]));
    let cases = [
        (json!([]), "Invalid canary: expected an object, but found an array: `[]`."),
        (
            with(json!({ "naem": 1 })),
            "Invalid canary: unknown field `naem`: did you mean `name`? expected one of",
        ),
        (with(json!({ "version": 1 })), "unknown field `version`"),
        (with(json!({ "name": null })), "Invalid canary: the field `name` is missing."),
        (with(json!({ "name": 5 })), "at `.name`: expected a string, but found a positive integer: `5`."),
        (with(json!({ "name": " " })), "at `.name`: it is empty."),
        (with(json!({ "name": "x".repeat(201) })), "at `.name`: it is longer than 200 characters."),
        (with(json!({ "name": "a\nb" })), "at `.name`: it has a control character"),
        (
            with(json!({ "id": "a b" })),
            "at `.id`: `a b` is not a valid canary id: it must be 1 to 128 characters",
        ),
        (with(json!({ "id": "config:a" })), "at `.id`: `config:a` is not a valid canary id"),
        (with(json!({ "id": "status" })), "is reserved for a route"),
        (with(json!({ "id": 1 })), "at `.id`: expected a string"),
        (with(json!({ "index": "a b" })), "at `.index`: `a b` is not a valid index uid"),
        (with(json!({ "index": null })), "the field `index` is missing"),
        (with(json!({ "intervalSeconds": null })), "the field `intervalSeconds` is missing"),
        (
            with(json!({ "intervalSeconds": 0 })),
            "at `.intervalSeconds`: 0 is too small: it must be at least 1.",
        ),
        (with(json!({ "intervalSeconds": 86_401 })), "86401 is too large: it must be at most 86400, a day."),
        (with(json!({ "intervalSeconds": u64::MAX })), "is too large"),
        (with(json!({ "intervalSeconds": 1.5 })), "at `.intervalSeconds`: expected a positive integer"),
        (with(json!({ "enabled": "yes" })), "at `.enabled`: expected a boolean"),
        (with(json!({ "query": null })), "the field `query` is missing"),
        (with(json!({ "query": "x" })), "at `.query`: Invalid value type: expected an object"),
        (with(json!({ "query": { "limt": 1 } })), "at `.query`: Unknown field `limt`"),
        (with(json!({ "query": { "limit": -1 } })), "at `.query`: Invalid value type at `.limit`"),
        (
            with(json!({ "query": { "q": "x".repeat(65_536 - 7) } })),
            "at `.query`: it has 65537 bytes; at most 65536 are accepted.",
        ),
        (with(json!({ "query": { "media": deep } })), "at `.query`: it nests deeper than 64 levels."),
        (with(json!({ "assertions": {} })), "at `.assertions`: expected an array"),
        (with(json!({ "assertions": vec![0; 101] })), "there are 101; a canary has at most 100"),
        (
            with(
                json!({ "assertions": [{ "type": "facet_count", "facet": "genre", "value": "x".repeat(65_536), "min": 1 }] }),
            ),
            "at `.assertions`: it has 65",
        ),
    ];
    for (given, part) in cases {
        let refusal = Definition::parse(&given).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::MiroirInvalidCanary);
        assert!(refusal.message.contains(part), "{part} is not in {}", refusal.message);
        assert!(refusal.message.starts_with("Invalid canary") && refusal.message.ends_with('.'), "{refusal}");
        assert!(!refusal.message.ends_with(".."), "{refusal}");
    }
}

#[test]
fn parse_refuses_a_query_that_nests_too_deeply() {
    let list = |inner: Value| json!([inner]);
    let map = |inner: Value| json!({ "a": inner });
    // The query is a level itself.
    for nest in [list as fn(Value) -> Value, map] {
        let deep = |levels: u32| (0..levels).fold(json!(1), |inner, _| nest(inner));
        let parse = |levels| Definition::parse(&with(json!({ "query": { "media": deep(levels) } })));
        assert!(parse(63).is_ok());
        assert!(parse(64).unwrap_err().message.contains("nests deeper than 64 levels"));
    }
}

fn every_type() -> Value {
    json!([
        { "type": "top_hit_id", "id": "1" },
        { "type": "top_k_contains", "k": 5, "ids": ["1", "b"] },
        { "type": "must_not_contain_id", "id": "-5" },
        { "type": "min_hits", "value": 2 },
        { "type": "max_hits", "value": 9 },
        { "type": "max_latency_ms", "value": 1 },
        { "type": "max_p95_ms", "value": 1 },
        { "type": "settings_version_at_least", "value": 1 },
        { "type": "facet_count", "facet": "genre", "value": "Drama", "min": 0, "max": 0 },
    ])
}

#[test]
fn assertions_round_trip() {
    let query = json!({ "q": "x", "facets": ["genre"] });
    let parsed = definition(query.clone(), every_type());
    assert_eq!(parsed.assertions().len(), 9);
    let row = parsed.to_row(&CanaryId::of_name("c").unwrap(), Timestamp::from_millis(7), 4);
    assert_eq!((&row.assertions, &row.query), (&every_type(), &query));
    assert_eq!((row.id.as_str(), row.interval_s, row.version), ("c", 60, 4));
    assert_eq!(Definition::of_row(&row).unwrap(), parsed);
    assert_eq!(Definition::parse(&parsed.to_json()).unwrap(), parsed);
}

#[test]
fn parse_keeps_ids_in_canonical_form() {
    let parsed = definition(
        json!({}),
        json!([{ "type": "top_hit_id", "id": 1 }, { "type": "top_k_contains", "k": 2, "ids": [1, -2] }]),
    );
    assert_eq!(parsed.assertions()[0].to_json()["id"], "1");
    assert_eq!(parsed.assertions()[1].to_json()["ids"], json!(["1", "-2"]));
    let parsed = definition(
        json!({ "facets": ["*"] }),
        json!([{ "type": "facet_count", "facet": "year", "value": 1990, "max": 3 },
               { "type": "facet_count", "facet": "seen", "value": true, "min": 3 }]),
    );
    assert_eq!(parsed.assertions()[0].to_json()["value"], "1990");
    assert_eq!(parsed.assertions()[1].to_json()["value"], "true");
}

#[test]
fn parse_refuses_malformed_assertions() {
    for (assertion, part) in [
        (json!(1), "at `.assertions[0]`: expected an object"),
        (json!({}), "the field `type` is missing"),
        (json!({ "type": 1 }), "at `.assertions[0].type`: expected a string"),
        (json!({ "type": "min_hit", "value": 1 }), "unknown type `min_hit`: did you mean `min_hits`?"),
        (json!({ "type": "min_hits" }), "the field `value` is missing"),
        (
            json!({ "type": "min_hits", "value": -1 }),
            "at `.assertions[0].value`: expected a positive integer",
        ),
        (json!({ "type": "min_hits", "value": 1, "id": 1 }), "unknown field `id`"),
        (json!({ "type": "max_latency_ms", "value": 0 }), "0 is too small: it must be at least 1"),
        (json!({ "type": "max_p95_ms", "value": 0 }), "0 is too small"),
        (json!({ "type": "settings_version_at_least", "value": 0 }), "0 is too small"),
        (json!({ "type": "top_hit_id" }), "the field `id` is missing"),
        (
            json!({ "type": "top_hit_id", "id": "a b" }),
            "`.assertions[0].id`: expected a document id, but found a string: `\"a b\"`",
        ),
        (json!({ "type": "top_hit_id", "id": 1.5 }), "expected a document id, but found a number"),
        (json!({ "type": "must_not_contain_id", "id": null }), "expected a document id, but found null"),
        (json!({ "type": "top_k_contains", "k": 0, "ids": [1] }), "at `.assertions[0].k`: 0 is too small"),
        (
            json!({ "type": "top_k_contains", "k": 1001, "ids": [1] }),
            "1001 is too large: it must be at most 1000",
        ),
        (json!({ "type": "top_k_contains", "k": 1, "ids": [] }), "at `.assertions[0].ids`: it is empty"),
        (json!({ "type": "top_k_contains", "k": 1 }), "the field `ids` is missing"),
        (json!({ "type": "top_k_contains", "k": 1, "ids": 1 }), "at `.assertions[0].ids`: expected an array"),
        (json!({ "type": "top_k_contains", "k": 1, "ids": [1, 2] }), "it has more ids than 1 hits"),
        (
            json!({ "type": "top_k_contains", "k": 9, "ids": [1, "1"] }),
            "at `.assertions[0].ids[1]`: `1` is listed twice",
        ),
        (json!({ "type": "facet_count", "facet": "genre", "value": "a" }), "it has neither `min` nor `max`"),
        (
            json!({ "type": "facet_count", "facet": "genre", "value": "a", "min": 3, "max": 2 }),
            "no count is at least 3 and at most 2",
        ),
        (
            json!({ "type": "facet_count", "facet": "genre", "value": [], "min": 3 }),
            "expected a string, number or boolean",
        ),
        (json!({ "type": "facet_count", "facet": "genre", "min": 3 }), "the field `value` is missing"),
        (
            json!({ "type": "facet_count", "facet": "genre", "value": "a", "min": "x" }),
            "at `.assertions[0].min`: expected",
        ),
    ] {
        let refusal = Definition::parse(&with(json!({ "assertions": [assertion] }))).unwrap_err();
        assert!(refusal.message.contains(part), "{part} is not in {}", refusal.message);
    }
}

#[test]
fn of_row_refuses_a_row_that_is_not_a_definition() {
    let row = definition(json!({}), json!([])).to_row(
        &CanaryId::of_name("c").unwrap(),
        Timestamp::from_millis(0),
        1,
    );
    for bad in [
        Canary { interval_s: 0, ..row.clone() },
        Canary { query: Value::Null, ..row.clone() },
        Canary { assertions: json!({}), ..row.clone() },
        Canary { assertions: json!([{ "min_hits": 1 }]), ..row.clone() },
    ] {
        assert!(Definition::of_row(&bad).is_err(), "{bad:?}");
    }
}
