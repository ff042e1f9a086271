//! Drafts of a client's search.

use super::*;
use crate::error::ErrorCode;
use crate::search::SearchRequest;

fn request(body: Value) -> SearchRequest {
    SearchRequest::from_json(body).unwrap()
}

fn films() -> crate::IndexUid {
    "films".parse().unwrap()
}

fn drafted(body: Value, hits: &[Value]) -> (CanaryId, Canary) {
    let (id, definition) = draft(&films(), &request(body), hits, Some(&key()), Some("shop")).unwrap();
    let row = definition.to_row(&id, Timestamp::from_millis(0), 1);
    (id, row)
}

#[test]
fn draft_is_disabled_and_asserts_the_first_hits() {
    let hits: Vec<Value> = (1..9).map(|id| json!({ "id": id })).collect();
    let (_, row) = drafted(json!({ "q": "war" }), &hits);
    assert!(!row.enabled);
    assert_eq!((row.name.as_str(), row.interval_s), ("shop: war", 60));
    assert_eq!(row.query, json!({ "q": "war" }));
    assert_eq!(
        row.assertions,
        json!([{ "type": "top_k_contains", "k": 5, "ids": ["1", "2", "3", "4", "5"] }])
    );
    let (_, few) = drafted(json!({ "q": "war", "limit": 2 }), &hits[..2]);
    assert_eq!(few.assertions, json!([{ "type": "top_k_contains", "k": 2, "ids": ["1", "2"] }]));
}

#[test]
fn draft_has_no_assertion_if_hits_hide_their_ids() {
    for hits in [&[][..], &[json!({ "id": 1 }), json!({})], &[json!("x")]] {
        assert_eq!(drafted(json!({}), hits).1.assertions, json!([]), "{hits:?}");
    }
    let (_, definition) = draft(&films(), &request(json!({})), &[json!({ "id": 1 })], None, None).unwrap();
    assert!(definition.assertions().is_empty());
    assert_eq!(definition.name(), "captured search");
}

#[test]
fn draft_name_is_cut_and_printable() {
    let (_, row) = drafted(json!({ "q": format!("a\n{}", "é".repeat(500)) }), &[]);
    assert_eq!(row.name.chars().count(), 200);
    assert!(row.name.starts_with("shop: a é"), "{}", row.name);
}

#[test]
fn draft_id_ignores_the_order_of_parameters() {
    let id = |body: Value| drafted(body, &[]).0;
    let first = id(json!({ "q": "a", "limit": 3, "hybrid": { "embedder": "e", "semanticRatio": 0.5 } }));
    assert_eq!(
        first,
        id(json!({ "limit": 3, "hybrid": { "semanticRatio": 0.5, "embedder": "e" }, "q": "a" }))
    );
    assert_ne!(first, id(json!({ "q": "a", "limit": 4 })));
    let other = draft(&"f".parse().unwrap(), &request(json!({})), &[], None, None).unwrap().0;
    assert_ne!(other, id(json!({})));
    assert!(first.as_str().starts_with("capture-") && first.as_str().len() == 24, "{first}");
}

#[test]
fn draft_refuses_a_search_that_is_too_large() {
    let large = request(json!({ "q": "x".repeat(70_000) }));
    assert_eq!(draft(&films(), &large, &[], None, None).unwrap_err().code, ErrorCode::MiroirInvalidCanary);
}

#[test]
fn capture_request_refuses_values_out_of_bounds() {
    let parsed = CaptureRequest::parse(&json!({ "index": "films", "count": 100, "name": "x" })).unwrap();
    assert_eq!((parsed.count, parsed.name.as_deref()), (100, Some("x")));
    assert!(CaptureRequest::parse(&json!({ "index": "films", "count": 1 })).unwrap().name.is_none());
    for (given, part) in [
        (json!({ "index": "films", "count": 0 }), "at `.count`: 0 is too small"),
        (json!({ "index": "films", "count": 101 }), "101 is too large: it must be at most 100"),
        (json!({ "index": "films", "count": u64::MAX }), "is too large"),
        (json!({ "index": "films" }), "the field `count` is missing"),
        (json!({ "index": "a b", "count": 1 }), "at `.index`"),
        (json!({ "count": 1 }), "the field `index` is missing"),
        (json!({ "index": "films", "count": 1, "name": " " }), "at `.name`: it is empty"),
        (json!({ "index": "films", "count": 1, "x": 1 }), "unknown field `x`"),
        (json!(1), "expected an object"),
    ] {
        let refusal = CaptureRequest::parse(&given).unwrap_err();
        assert!(refusal.message.contains(part), "{part} is not in {}", refusal.message);
    }
}
