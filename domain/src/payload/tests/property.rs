//! Properties of any payload.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::json::fixture::any_json;
use crate::placement::shard_of;

fn values() -> impl Strategy<Value = Value> {
    any_json("\\PC{0,6}", "\\PC{0,12}|[\\n\\r\"\\\\{}\\[\\],:]{0,6}")
}

/// Documents with ids from a small set, so that some repeat.
fn documents() -> impl Strategy<Value = Vec<Map<String, Value>>> {
    let id = prop_oneof![(0_u32..30).prop_map(Value::from), "[a-c0-9_-]{1,2}".prop_map(Value::from)];
    let document =
        (id, proptest::collection::btree_map("[a-z\"é ]{0,4}", values(), 0..5)).prop_map(|(id, rest)| {
            let mut document: Map<String, Value> = rest.into_iter().collect();
            document.insert("id".into(), id);
            document
        });
    proptest::collection::vec(document, 0..30)
}

fn id_of(document: &Map<String, Value>) -> String {
    DocumentId::from_json(&document["id"]).unwrap().to_string()
}

proptest! {
    #[test]
    fn documents_in_any_format_reach_the_nodes_unchanged(
        documents in documents(),
        writing in 0..4,
        kept in proptest::collection::btree_set(0_u32..16, 0..17),
    ) {
        let lines = |pretty: bool| -> String {
            let print = |document| {
                if pretty { serde_json::to_string_pretty(document) } else { serde_json::to_string(document) }
            };
            documents.iter().map(|document| print(document).unwrap() + "\n").collect()
        };
        let (format, body) = match writing {
            0 => (JSON, serde_json::to_string(&documents).unwrap()),
            1 => (JSON, serde_json::to_string_pretty(&documents).unwrap()),
            2 => (NDJSON, lines(false) + "\n"),
            _ => (NDJSON, lines(true) + "\n"),
        };
        let payload = parse(format, body.as_bytes(), Some("id")).unwrap();
        prop_assert_eq!(payload.document_count(), documents.len());
        let ids: BTreeSet<String> = documents.iter().map(id_of).collect();
        prop_assert_eq!(payload.distinct_count(), ids.len());
        let shards: ShardSet = ids.iter().map(|id| shard_of(id, 16)).collect();
        prop_assert_eq!(payload.shards(), shards);

        let kept: ShardSet = kept.into_iter().map(Shard).collect();
        let expected: Vec<Value> = documents
            .iter()
            .filter(|document| kept.contains(shard_of(&id_of(document), 16)))
            .map(|document| {
                let mut document = document.clone();
                document.insert("_miroir_shard".into(), json!(crate::document::shard_value(shard_of(&id_of(&document), 16))));
                // The numbers as any reader of JSON text sees them.
                serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap()
            })
            .collect();
        let part = payload.part(&kept);
        let text = concat(&part);
        prop_assert_eq!(text.len() as u64, part.content_length());
        prop_assert_eq!(part.document_count(), expected.len());
        let sent: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(sent, expected);
    }

    #[test]
    fn parse_never_panics_on_bytes(body in proptest::collection::vec(any::<u8>(), 1..200), key in any::<bool>()) {
        for format in [JSON, NDJSON, CSV] {
            let _ = parse(format, &body, key.then_some("id"));
        }
    }

    #[test]
    fn parse_never_panics_on_json_tokens_and_sends_valid_json_only(
        tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"id\"", "\"a\"", "1", "1.5", "null", "\n", " ", "\"\\ud800\"", "\"x\"",
                "{\"id\":1}", "\"a.b\"", "{\"a\":{\"b\":2}}", "-", "0",
            ]),
            1..25,
        ),
        key in proptest::sample::select(vec![None, Some("id"), Some("a.b")]),
    ) {
        for format in [JSON, NDJSON, CSV] {
            if let Ok(payload) = parse(format, tokens.concat().as_bytes(), key) {
                for line in concat(&payload.part(&ShardSet::all(16))).lines() {
                    let document: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
                    prop_assert!(document.contains_key("_miroir_shard"));
                    prop_assert!(document.len() > 1);
                }
            }
        }
    }
}
