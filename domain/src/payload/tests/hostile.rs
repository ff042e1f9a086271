//! Bodies that are malformed, or made to break the reader.

use super::*;

#[test]
fn malformed_json_is_refused_with_line_and_column() {
    let cases: [(PayloadFormat, &[u8], &str); 17] = [
        (JSON, b"  ", "EOF while parsing a value at line 1 column 2"),
        (JSON, b"[{\"id\":1}", "EOF while parsing a list at line 1 column 9"),
        (JSON, b"{\"id\":1", "EOF while parsing an object at line 1 column 7"),
        (JSON, b"{\"id\":1} {\"id\":2}", "trailing characters at line 1 column 10"),
        (JSON, b"[{\"id\":1}] x", "trailing characters at line 1 column 12"),
        (JSON, b"[{\"id\":1}]\0", "trailing characters at line 1 column 11"),
        (JSON, b"\xef\xbb\xbf[{\"id\":1}]", "expected value at line 1 column 1"),
        (JSON, b"[{\"id\":01}]", "invalid number at line 1 column 9"),
        (JSON, b"[{\"id\":1},]", "trailing comma at line 1 column 11"),
        (JSON, b"[{\"id\":1,\"a\":\"\xff\"}]", "invalid unicode code point at line 1 column 15"),
        (NDJSON, b"{\"id\":1,\"a\":\"\xff\"}", "invalid unicode code point at line 1 column 14"),
        (NDJSON, b"{\"id\":1}\n{\"id\":", "EOF while parsing a value at line 2 column 6"),
        (NDJSON, b"{\"id\":1}\n{\"id\":2", "EOF while parsing an object at line 2 column 7"),
        (NDJSON, b"{\"id\":1}\n\n{id:2}", "key must be a string at line 3 column 2"),
        (NDJSON, b"\xef\xbb\xbf{\"id\":1}", "expected value at line 1 column 1"),
        (NDJSON, b"{\"id\":1}\0", "expected value at line 1 column 9"),
        (NDJSON, b"{\"id\":1}, {\"id\":2}", "expected value at line 1 column 9"),
    ];
    for (format, body, fault) in cases {
        let shown = String::from_utf8_lossy(body);
        let word = if format == JSON { "json" } else { "ndjson" };
        let refusal = refused(format, body);
        assert_eq!(refusal.code, ErrorCode::MalformedPayload, "{shown}");
        let expected = format!(
            "The `{word}` payload provided is malformed. `Couldn't serialize document value: {fault}`."
        );
        assert_eq!(refusal.message, expected, "{shown}");
    }
}

#[test]
fn json_that_is_not_a_document_is_refused() {
    for body in ["\"text\"", "null", "12", "true"] {
        let refusal = refused(JSON, body);
        assert_eq!(refusal.code, ErrorCode::MalformedPayload);
        assert_eq!(
            refusal.message,
            "The `json` payload provided is malformed. `Couldn't serialize document value: data are neither an object nor a list of objects`."
        );
    }
    for (format, body) in
        [(JSON, "[{\"id\":1},7]"), (NDJSON, "{\"id\":1}\n[{\"id\":2}]"), (JSON, "[{\"id\":1},[]]")]
    {
        let refusal = refused(format, body);
        assert_eq!(refusal.code, ErrorCode::MalformedPayload);
        assert!(refusal.message.contains("a list of objects (document 2)"), "{refusal}");
    }
}

#[test]
fn values_that_a_node_rejects_later_are_refused_with_their_position() {
    let cases = [
        (r#""a":1e999"#, "number out of range at line 1 column"),
        (r#""a":{"b":["\ud800"]}"#, "unexpected end of hex escape at line 1 column"),
        (r#""\ud800":1"#, "unexpected end of hex escape at line 1 column"),
        (
            "\"a\":\"x\ny\"",
            "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0",
        ),
        ("\"a\":\"\0\"", "control character (\\u0000-\\u001F) found while parsing a string at line 1 column"),
    ];
    for (attribute, fault) in cases {
        let refusal = refused(NDJSON, format!("{{\"id\":1}}{{\"id\":2,{attribute}}}"));
        assert_eq!(refusal.code, ErrorCode::MalformedPayload, "{attribute}");
        assert!(refusal.message.contains(fault.split(" at line").next().unwrap()), "{refusal}");
    }
    let located = refused(NDJSON, "{\"id\":1}\n{\"id\":2,\"a\":1e999}");
    assert!(located.message.contains("number out of range at line 1 column 17 of document 2"), "{located}");
}

#[test]
fn deep_nesting_is_refused_without_running_out_of_stack() {
    let depth = 100_000;
    let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for value in [&lists, &objects] {
        for body in
            [format!("{{\"id\":1,\"a\":{value}}}"), format!("{{\"id\":{value}}}"), format!("[{value}]")]
        {
            for format in [JSON, NDJSON] {
                let refusal = refused(format, &body);
                assert_eq!(refusal.code, ErrorCode::MalformedPayload);
                assert!(refusal.message.len() < 300, "{refusal}");
            }
        }
    }
    for body in ["[".repeat(depth), "{\"a\":".repeat(depth), lists] {
        assert_eq!(refused(JSON, &body).code, ErrorCode::MalformedPayload);
    }
    let path = vec!["a"; depth].join(".");
    let found = parse(NDJSON, objects.as_bytes(), Some(&path));
    assert!(matches!(found, Err(PayloadError::Refused(_))), "the key leads down as deep as the document");
}

#[test]
fn sensible_nesting_is_accepted() {
    let value = format!("{}{}", "[".repeat(120), "]".repeat(120));
    assert!(parse(JSON, format!("[{{\"id\":1,\"a\":{value}}}]").as_bytes(), None).is_ok());
}

#[test]
fn errors_repeat_huge_texts_in_part_only() {
    let huge = "é".repeat(500_000);
    for body in [format!("[{{\"id\":\"{huge}\"}}]"), format!("[{{\"id\":1}},{{\"x\":\"{huge}\"}}]")] {
        let failure = failed(JSON, body, None);
        assert!(failure.message.len() < 2_500, "{} bytes", failure.message.len());
    }
}

#[test]
fn every_truncation_of_a_body_is_refused_or_shorter() {
    let json = br#"[{"id":1,"a":{"b":[1,2.5e3,"x\u00e9\n"]}},{"id":"2","c":null}]"#;
    for end in 1..json.len() {
        assert_eq!(refused(JSON, &json[..end]).code, ErrorCode::MalformedPayload, "cut at {end}");
    }
    let ndjson = b"{\"id\":1,\"a\":\"x\"}\n{\"id\":2}\n";
    for end in 1..ndjson.len() {
        if let Ok(payload) = parse(NDJSON, &ndjson[..end], None) {
            assert!(ndjson[..end].trim_ascii_end().ends_with(b"}"), "cut at {end}");
            assert!(payload.document_count() <= 2);
        }
    }
}
