//! Payloads as their callers see them.

mod hostile;
mod property;
mod routing;

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::document::{DocumentId, PrimaryKey};
use crate::error::{ErrorCode, InvalidRequest};
use crate::{IndexUid, Shard, ShardSet};

const NDJSON: PayloadFormat = PayloadFormat::Ndjson;
const JSON: PayloadFormat = PayloadFormat::Json;
const CSV: PayloadFormat = PayloadFormat::Csv { delimiter: b',' };

fn index() -> IndexUid {
    "movies".parse().unwrap()
}

fn parse(format: PayloadFormat, body: &[u8], key: Option<&str>) -> Result<Arc<Payload>, PayloadError> {
    let key = key.map(|key| PrimaryKey::parse(key).unwrap());
    Payload::parse(format, Bytes::copy_from_slice(body), &index(), key.as_ref(), 16).map(Arc::new)
}

/// The whole payload as it is sent to a node that keeps every shard, without the shard fields.
fn sent(payload: &Arc<Payload>) -> Vec<String> {
    let text = concat(&payload.part(&ShardSet::all(16)));
    text.lines()
        .map(|line| {
            let (_, rest) = line.split_once(',').unwrap();
            format!("{{{rest}")
        })
        .collect()
}

fn concat(part: &PayloadPart) -> String {
    String::from_utf8(part.chunks().flatten().collect()).unwrap()
}

fn refused(format: PayloadFormat, body: impl AsRef<[u8]>) -> InvalidRequest {
    match parse(format, body.as_ref(), None) {
        Err(PayloadError::Refused(refusal)) => refusal,
        other => panic!("should be refused, but is {other:?}"),
    }
}

fn failed(format: PayloadFormat, body: impl AsRef<[u8]>, key: Option<&str>) -> InvalidRequest {
    match parse(format, body.as_ref(), key) {
        Err(PayloadError::Failed(failure)) => failure,
        other => panic!("should fail in its task, but is {other:?}"),
    }
}

#[test]
fn parse_reads_every_format_alike() {
    let bodies: [(PayloadFormat, &str); 5] = [
        (JSON, r#"[{"id":"1","a":"x"},{"id":"2","a":"y"}]"#),
        (JSON, " \n[ {\"id\":\"1\",\"a\":\"x\"} ,\t{\"id\":\"2\",\"a\":\"y\"}\r\n] \n"),
        (NDJSON, "{\"id\":\"1\",\"a\":\"x\"}\n{\"id\":\"2\",\"a\":\"y\"}"),
        (NDJSON, "\n\n{\"id\":\"1\",\"a\":\"x\"}{\"id\":\"2\",\"a\":\"y\"}\r\n\r\n"),
        (CSV, "id,a\n1,x\n2,y\n"),
    ];
    for (format, body) in bodies {
        let payload = parse(format, body.as_bytes(), None).unwrap();
        assert_eq!(payload.document_count(), 2, "{body}");
        assert_eq!(payload.primary_key().unwrap().as_str(), "id");
        assert_eq!(sent(&payload), [r#"{"id":"1","a":"x"}"#, r#"{"id":"2","a":"y"}"#], "{body}");
    }
}

#[test]
fn parse_accepts_one_object_as_a_list_of_one() {
    let payload = parse(JSON, b" {\"id\":1} ", None).unwrap();
    assert_eq!(sent(&payload), [r#"{"id":1}"#]);
}

#[test]
fn parse_keeps_the_text_of_numbers_and_escapes() {
    let document = r#"{"id":7,"big":123456789012345678901234567890,"e":1.50e+2,"s":"\u00e9\/é"}"#;
    let payload = parse(JSON, format!("[{document}]").as_bytes(), None).unwrap();
    assert_eq!(sent(&payload), [document]);
}

#[test]
fn parse_joins_the_lines_of_a_document_printed_over_several() {
    let payload = parse(NDJSON, b"{\n  \"id\": 1,\r\n  \"a\": [\n2]\n}\n{\"id\":2}", None).unwrap();
    assert_eq!(sent(&payload), [r#"{   "id": 1,    "a": [ 2] }"#, r#"{"id":2}"#]);
}

#[test]
fn parse_finds_no_document_in_space_or_an_empty_list() {
    for (format, body) in [(JSON, "[]"), (JSON, " [ ] "), (NDJSON, " \n "), (CSV, "id,a\n"), (CSV, " \n")] {
        let payload = parse(format, body.as_bytes(), None).unwrap();
        assert_eq!(payload.document_count(), 0);
        assert_eq!(payload.distinct_count(), 0);
        assert!(payload.shards().is_empty());
        assert_eq!(payload.primary_key(), None);
        assert_eq!(payload.part(&ShardSet::all(16)).chunks().count(), 0);
    }
    let keyed = parse(JSON, b"[]", Some("sku")).unwrap();
    assert_eq!(keyed.primary_key().unwrap().as_str(), "sku");
}

#[test]
fn parse_counts_distinct_ids() {
    let payload = parse(JSON, br#"[{"id":1},{"id":"1"},{"id":2},{"id":"\u0031"}]"#, None).unwrap();
    assert_eq!((payload.document_count(), payload.distinct_count()), (4, 2));
}

#[test]
fn parse_refuses_an_empty_body_by_its_format() {
    for (format, message) in [
        (JSON, "A json payload is missing."),
        (NDJSON, "A ndjson payload is missing."),
        (CSV, "A csv payload is missing."),
    ] {
        let refusal = refused(format, "");
        assert_eq!((refusal.code, refusal.message.as_str()), (ErrorCode::MissingPayload, message));
    }
}

#[test]
fn parse_refuses_reserved_attributes_with_the_position() {
    let fields =
        [r#""_miroir_shard":1"#, r#""\u005fmiroir_shard":1"#, r#""_miroir_shard":null,"_miroir_shard":2"#];
    for field in fields {
        let refusal = refused(JSON, format!("[{{\"id\":1}},{{\"id\":2,{field}}}]"));
        assert_eq!(refusal.code, ErrorCode::MiroirReservedField);
        assert_eq!(
            refusal.message,
            "Document 2 of the payload has the attribute `_miroir_shard`, which is reserved for Miroir: remove or rename it."
        );
    }
    assert_eq!(refused(CSV, "id,_miroir_shard:number\n1,2\n").code, ErrorCode::MiroirReservedField);
    let nested = parse(JSON, br#"[{"id":1,"a":{"_miroir_shard":1}}]"#, None).unwrap();
    assert_eq!(nested.document_count(), 1, "below the top level the name is the client's");
}

#[test]
fn parse_refuses_an_invalid_body_after_an_invalid_id() {
    let refusal = refused(NDJSON, "{\"id\":null}\n{\"id\":2,\"_miroir_shard\":1}");
    assert_eq!(refusal.code, ErrorCode::MiroirReservedField);
    assert_eq!(refused(JSON, "[{\"a\":1},").code, ErrorCode::MalformedPayload);
}

#[test]
fn parse_fails_on_an_invalid_id_and_names_the_document() {
    let failure = failed(JSON, r#"[{"id":1},{"id":"a b"},{"id":1.0}]"#, None);
    assert_eq!(failure.code, ErrorCode::InvalidDocumentId);
    assert!(failure.message.starts_with("Document identifier `\"a b\"` is invalid. "), "{failure}");
    assert!(failure.message.ends_with(" It is document 2 of 3 sent to index `movies`."), "{failure}");
    let alone = failed(JSON, r#"{"id":1.0}"#, None);
    assert!(alone.message.ends_with("can not be more than 511 bytes."), "{alone}");
}

#[test]
fn parse_accepts_the_ids_that_a_server_accepts() {
    let long = format!("\"{}\"", "a".repeat(512));
    for bad in [
        "1.0",
        "1e3",
        "-0",
        "18446744073709551616",
        "\"\"",
        "\"é\"",
        "\" 1\"",
        "\"a\\nb\"",
        "null",
        "true",
        "[1]",
        "{\"a\":1}",
        &long,
    ] {
        let failure = failed(JSON, format!("[{{\"id\":{bad}}}]"), None);
        assert_eq!(failure.code, ErrorCode::InvalidDocumentId, "{bad}");
    }
    let longest = format!("\"{}\"", "a".repeat(511));
    for good in ["-1", "0", "18446744073709551615", "-9223372036854775808", "\"\\u0061\"", "\"-\"", &longest]
    {
        assert!(parse(JSON, format!("[{{\"id\":{good}}}]").as_bytes(), None).is_ok(), "{good}");
    }
}

#[test]
fn parse_places_documents_by_their_canonical_id() {
    for (json, canonical) in [
        ("1", "1"),
        ("\"1\"", "1"),
        ("\"\\u0031\"", "1"),
        ("-12", "-12"),
        ("\"a-b_C\"", "a-b_C"),
        ("18446744073709551615", "18446744073709551615"),
        ("999999999999999999", "999999999999999999"),
    ] {
        let payload = parse(JSON, format!("[{{\"id\":{json}}}]").as_bytes(), None).unwrap();
        let shard = crate::placement::shard_of(canonical, 16);
        assert_eq!(payload.shards().iter().collect::<Vec<_>>(), [shard], "{json}");
    }
}

#[test]
fn parse_fails_without_a_primary_key_in_the_words_of_a_server() {
    let failure = failed(JSON, r#"[{"id":1},{"a" : "b c", "z":1.0, "b":[ 1 ]}]"#, None);
    assert_eq!(failure.code, ErrorCode::MissingDocumentId);
    assert_eq!(
        failure.message,
        "Document doesn't have a `id` attribute: `{\"a\":\"b c\",\"z\":1.0,\"b\":[1]}`. It is document 2 of 2 sent to index `movies`."
    );
    let alone = failed(JSON, "[{}]", Some("sku"));
    assert_eq!(alone.message, "Document doesn't have a `sku` attribute: `{}`.");
}

#[test]
fn parse_infers_the_key_from_the_first_document_alone() {
    let payload = parse(NDJSON, b"{\"movieId\":1}\n{\"movieId\":2,\"otherId\":3}", None).unwrap();
    assert_eq!(payload.primary_key().unwrap().as_str(), "movieId");
    let none = failed(JSON, r#"[{"a":1},{"id":1}]"#, None);
    assert_eq!(none.code, ErrorCode::IndexPrimaryKeyNoCandidateFound);
    assert_eq!(failed(JSON, "[{}]", None).code, ErrorCode::IndexPrimaryKeyNoCandidateFound);
    let several = failed(JSON, r#"{"a_id":1,"b_id":2}"#, None);
    assert_eq!(several.code, ErrorCode::IndexPrimaryKeyMultipleCandidatesFound);
}

#[test]
fn parse_finds_a_nested_key_in_every_form_of_its_path() {
    let documents = [
        (r#"{"a":{"b":{"c":5}}}"#, None),
        (r#"{"a.b.c":5}"#, None),
        (r#"{"a.b":{"c":5}}"#, None),
        (r#"{"a":{"b.c":5}}"#, None),
        (r#"{"a":null,"a.b":{"c":5}}"#, None),
        (r#"{"a":{"x":[{"b":1}],"b":{"c":5}}}"#, None),
        (r#"{"a":{"b":7}}"#, Some(ErrorCode::MissingDocumentId)),
        (r#"{"a":[{"b":{"c":5}}]}"#, Some(ErrorCode::MissingDocumentId)),
        (r#"{"a":{"b":{"c":{"d":5}}}}"#, Some(ErrorCode::InvalidDocumentId)),
        (r#"{"a":{"b":{"c":5}},"a.b.c":5}"#, Some(ErrorCode::InvalidDocumentId)),
        (r#"{"a":{"b":{"c":5,"c":6}}}"#, Some(ErrorCode::InvalidDocumentId)),
        (r#"{"ab":{"c":5},"a.bc":1,"a.b.":2}"#, Some(ErrorCode::MissingDocumentId)),
    ];
    for (document, fault) in documents {
        match fault {
            None => {
                let payload = parse(NDJSON, document.as_bytes(), Some("a.b.c")).unwrap();
                let shard = crate::placement::shard_of("5", 16);
                assert_eq!(payload.shards().iter().collect::<Vec<_>>(), [shard], "{document}");
            }
            Some(code) => assert_eq!(failed(NDJSON, document, Some("a.b.c")).code, code, "{document}"),
        }
    }
}

#[test]
fn parse_takes_the_last_of_equal_keys_in_json_and_refuses_them_in_ndjson() {
    let document = r#"{"z":1.50,"id":null,"id":2,"z":2.50}"#;
    let payload = parse(JSON, format!("[{document},{{\"id\":3}}]").as_bytes(), None).unwrap();
    assert_eq!(
        payload.shards(),
        [2, 3].map(|id| crate::placement::shard_of(&id.to_string(), 16)).into_iter().collect()
    );
    assert_eq!(sent(&payload), [r#"{"id":2,"z":2.50}"#, r#"{"id":3}"#]);
    let failure = failed(NDJSON, r#"{"id":1,"id":2}"#, None);
    assert_eq!(failure.code, ErrorCode::InvalidDocumentId);
    assert_eq!(failure.message, "Document have too many matching `id` attribute: `{\"id\":1,\"id\":2}`.");
    let other = parse(NDJSON, br#"{"id":1,"a":2,"a":3}"#, None).unwrap();
    assert_eq!(sent(&other), [r#"{"id":1,"a":2,"a":3}"#]);
}

#[test]
fn parse_ids_reads_all_or_names_the_invalid_one() {
    let ids = parse_ids(&[serde_json::json!(1), serde_json::json!("a")]).unwrap();
    assert_eq!(ids.iter().map(DocumentId::as_str).collect::<Vec<_>>(), ["1", "a"]);
    let error = parse_ids(&[serde_json::json!(1), serde_json::json!("a b")]).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidDocumentId);
    assert!(error.message.ends_with(" It is number 2 of the list."), "{error}");
}
