use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::document::{DocumentId, PrimaryKey};
use crate::payload::{Payload, PayloadFormat};
use crate::placement::shard_of;
use crate::{IndexUid, TaskUid, Timestamp};

fn films() -> IndexUid {
    "films".parse().unwrap()
}

fn events(changes: &PendingChanges, with_documents: bool) -> Vec<Value> {
    let index = films();
    let of = EventContext {
        source: "miroir",
        index: &index,
        epoch: 3,
        time: Timestamp::from_millis(1_000),
        task: Some(TaskUid(7)),
        origin: Origin::Client,
    };
    document_events(changes, &of, with_documents)
}

fn payload(format: PayloadFormat, body: &str, key: &str) -> Arc<Payload> {
    let key = PrimaryKey::parse(key).unwrap();
    Arc::new(Payload::parse(format, Bytes::from(body.to_owned()), &films(), Some(&key), 16).unwrap())
}

fn upserted(ids: impl IntoIterator<Item = Value>, texts: Option<Vec<String>>) -> PendingChanges {
    let ids = ids.into_iter().map(|id| DocumentId::from_json(&id).unwrap()).collect();
    PendingChanges {
        kind: ChangeKind::Upserted,
        shard_count: 16,
        settings_version: 3,
        changed: Changed::Documents { ids, texts },
    }
}

#[test]
fn event_has_every_attribute_of_cloud_events_and_a_numbered_id() {
    let event = events(&upserted([json!(1), json!("b")], None), true).remove(0);
    let shards =
        [shard_of("1", 16).0, shard_of("b", 16).0].into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        numbered(event, &films(), 42),
        json!({
            "id": "films:3:42",
            "specversion": "1.0",
            "source": "miroir",
            "type": "io.miroir.document.upserted",
            "subject": "films",
            "time": "1970-01-01T00:00:01.000Z",
            "datacontenttype": "application/json",
            "epoch": 3,
            "data": {
                "taskUid": 7,
                "origin": "client",
                "settingsVersion": 3,
                "primaryKeys": ["1", "b"],
                "shards": shards,
            },
        })
    );
}

#[test]
fn event_has_documents_only_if_requested() {
    let changes =
        upserted([json!(1), json!(2)], Some(vec![r#"{"id":1}"#.into(), r#"{"id":2,"x":1e400}"#.into()]));
    assert_eq!(events(&changes, false)[0]["data"].get("documents"), None);
    // A number that cannot be read has no body. Such a write is refused earlier.
    assert_eq!(events(&changes, true)[0]["data"]["documents"], json!([{"id": 1}, null]));
}

#[test]
fn event_replaces_a_document_that_nests_too_deeply() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let changes = upserted(
        [json!(1), json!(2)],
        Some(vec![nested(MAX_DOCUMENT_DEPTH), nested(MAX_DOCUMENT_DEPTH + 1)]),
    );
    let documents = &events(&changes, true)[0]["data"]["documents"];
    assert!(documents[0].is_array());
    assert_eq!(documents[1], Value::Null);
    assert!(crate::json::fits(&events(&changes, true)[0], 100), "a store keeps the event");
}

#[test]
fn event_of_a_deletion_has_its_filter_or_all() {
    let deleted =
        |changed| PendingChanges { kind: ChangeKind::Deleted, shard_count: 2, settings_version: 1, changed };
    let by_filter = events(&deleted(Changed::Matching(json!("year > 1950"))), false);
    assert_eq!(by_filter[0]["type"], "io.miroir.document.deleted");
    let expected = json!({"taskUid": 7, "origin": "client", "settingsVersion": 1, "primaryKeys": [], "shards": [0, 1], "filter": "year > 1950"});
    assert_eq!(by_filter[0]["data"], expected);
    assert_eq!(events(&deleted(Changed::All), false)[0]["data"]["all"], true);
}

#[test]
fn of_payload_keeps_documents_in_order_in_every_format() {
    let cases = [
        (PayloadFormat::Json, r#"[{"id":2,"a":1}, {"id":"x","a":2}, {"id":2,"a":3}]"#),
        (PayloadFormat::Ndjson, "{\"id\":2,\"a\":1}\n{\"id\":\"x\",\"a\":2}\n{\"id\":2,\"a\":3}"),
        (PayloadFormat::Csv { delimiter: b',' }, "id,a:number\n2,1\nx,2\n2,3\n"),
    ];
    for (format, body) in cases {
        let payload = payload(format, body, "id");
        let changed = Changed::of_payload(&payload, true).unwrap();
        let updated =
            PendingChanges { kind: ChangeKind::Updated, shard_count: 16, settings_version: 1, changed };
        let data = events(&updated, true).remove(0)["data"].clone();
        assert_eq!(data["primaryKeys"], json!(["2", "x", "2"]), "{format:?}");
        let values: Vec<f64> =
            data["documents"].as_array().unwrap().iter().map(|one| one["a"].as_f64().unwrap()).collect();
        assert_eq!(values, [1.0, 2.0, 3.0], "{format:?}");
    }
}

#[test]
fn documents_have_their_ids_if_the_key_is_nested_or_repeated() {
    let nested = payload(
        PayloadFormat::Json,
        r#"[{"a":{"b":"one"}},{"a.b":"t\u0077o"},{"a":{"b":1},"a":{"b":3}}]"#,
        "a.b",
    );
    let ids: Vec<_> = nested.documents().map(|(id, _)| id.as_str().to_owned()).collect();
    assert_eq!(ids, ["one", "two", "3"]);
}

#[test]
fn of_payload_returns_none_for_an_empty_payload() {
    let payload = payload(PayloadFormat::Json, "[]", "id");
    assert_eq!(Changed::of_payload(&payload, true), None);
}

#[test]
fn check_refuses_positions_outside_the_held_events() {
    let held = HeldEvents { first: Some(5), last: 9 };
    assert_eq!(held.check(3), Err(InvalidPosition::Trimmed { oldest: 5 }));
    assert_eq!([4, 5, 9].map(|since| held.check(since)), [Ok(()); 3]);
    assert_eq!(held.check(10), Err(InvalidPosition::Ahead { last: 9 }));
    let emptied = HeldEvents { first: None, last: 9 };
    assert_eq!(emptied.check(9), Ok(()));
    assert_eq!(emptied.check(8), Err(InvalidPosition::Trimmed { oldest: 10 }));
    assert_eq!(HeldEvents { first: None, last: 0 }.check(0), Ok(()));
}

#[test]
fn gap_event_has_its_bounds_and_a_distinct_id() {
    let event = gap_event("miroir", &films(), 2, Timestamp::from_millis(0), 3, 8);
    assert_eq!(
        (event["id"].as_str(), &event["data"]),
        (Some("films:2:lost:3-8"), &json!({"from": 3, "to": 8}))
    );
    assert_eq!(event["type"], "io.miroir.changes.lost");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn events_hold_every_document_once_within_their_bounds(
        lengths in proptest::collection::vec(0..MAX_EVENT_TEXT + 10_000, 0..10),
        few in 0_usize..2_500,
    ) {
        let texts: Vec<String> = lengths.iter().map(|length| format!("\"{}\"", "x".repeat(*length))).collect();
        let with_texts = upserted((0..texts.len()).map(|id| json!(id)), Some(texts.clone()));
        let without = upserted((0..few).map(|id| json!(id)), None);
        for changes in [with_texts, without] {
            let events = events(&changes, true);
            let Changed::Documents { ids, texts } = &changes.changed else { unreachable!() };
            let keys_of_events: Vec<&str> =
                events.iter().flat_map(|event| event["data"]["primaryKeys"].as_array().unwrap()).map(|key| key.as_str().unwrap()).collect();
            prop_assert_eq!(keys_of_events, ids.iter().map(DocumentId::as_str).collect::<Vec<_>>());
            for event in &events {
                let keys = event["data"]["primaryKeys"].as_array().unwrap();
                prop_assert!((1..=MAX_EVENT_DOCUMENTS).contains(&keys.len()));
                if texts.is_some() {
                    let bytes: usize = event["data"]["documents"].as_array().unwrap().iter().map(|one| one.to_string().len()).sum();
                    prop_assert!(bytes <= MAX_EVENT_TEXT || keys.len() == 1);
                }
            }
        }
    }

    #[test]
    fn pending_changes_round_trip(filter in ".*", ids in proptest::collection::vec(0_u64.., 0..5)) {
        for changed in [Changed::All, Changed::Matching(json!([filter])), Changed::Documents { ids: ids.iter().map(|id| DocumentId::from_json(&json!(id)).unwrap()).collect(), texts: None }] {
            let changes = PendingChanges { kind: ChangeKind::Deleted, shard_count: 3, settings_version: 9, changed };
            let text = serde_json::to_string(&changes).unwrap();
            prop_assert_eq!(serde_json::from_str::<PendingChanges>(&text).unwrap(), changes);
        }
    }
}
