use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::error::ErrorCode;
use serde_json::Value;

use super::*;
use crate::error::status_of;
use crate::route::Access;
use crate::routes;

/// Where the document is kept for people and tools.
const KEPT: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn the_kept_document_is_the_one_that_is_served() {
    assert!(KEPT == document_text(), "docs/openapi.json is not what the code says: run `make fix`");
}

#[test]
fn routes_and_operations_are_the_same_both_ways() {
    // Who may use it, whether it is supported, and whether any instance answers it.
    type Facts = BTreeMap<(String, String), (Access, bool, bool)>;
    let routed: Facts = routes::all()
        .into_iter()
        .map(|route| {
            let anywhere = route.is_answered_anywhere();
            ((route.method.to_string(), route.template), (route.access, route.supported, anywhere))
        })
        .collect();
    // A route that a cluster does not have yet differs from the others in its tag.
    let described: Facts = operations::all()
        .into_iter()
        .map(|operation| {
            let supported = operation.to_json()["tags"][0] != "unsupported";
            let key = (operation.method().to_owned(), operation.template().to_owned());
            (key, (operation.access(), supported, operation.is_answered_anywhere()))
        })
        .collect();
    assert_eq!(operations::all().len(), described.len(), "an operation is described twice");
    for (route, facts) in &routed {
        assert_eq!(described.get(route), Some(facts), "{route:?} is not described, or not as it is");
    }
    for operation in described.keys() {
        assert!(routed.contains_key(operation), "{operation:?} is described and is no route");
    }
}

#[test]
fn every_code_is_listed_and_every_operation_names_codes_under_their_own_status() {
    let document = document();
    let listed: Vec<&str> = texts(&document["components"]["schemas"]["ErrorCode"]["anyOf"][0]["enum"]);
    assert_eq!(listed, ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    let mut named = BTreeSet::new();
    for (operation, status, answer) in answers(&document) {
        // Not to be ready is an answer of its own, and no error.
        let failed = status >= 400 && (operation.as_str(), status) != ("get /_miroir/ready", 503);
        assert_eq!(failed, answer.get("x-error-codes").is_some(), "{operation} {status}");
        for word in texts(&answer["x-error-codes"]) {
            let code = ErrorCode::ALL.iter().find(|code| code.as_str() == word).unwrap();
            let own_status = *code == ErrorCode::BadRequest && [408, 431].contains(&status);
            assert!(status_of(*code).as_u16() == status || own_status, "{operation} {status} {word}");
            named.insert(word.to_owned());
        }
        if failed {
            let schema = &answer["content"]["application/json"]["schema"];
            let is_error = |schema: &Value| schema["$ref"] == "#/components/schemas/Error";
            let either = schema["anyOf"].as_array().is_some_and(|either| either.iter().any(is_error));
            assert!(is_error(schema) || either, "{operation} {status}: {schema}");
        }
        assert!(answer["headers"].get("X-Request-Id").is_some(), "{operation} {status}");
    }
    // Codes that stand in a task alone, or that no path to an operation leads to.
    let elsewhere = [
        "not_found",
        "index_already_exists",
        "missing_document_id",
        "index_primary_key_no_candidate_found",
        "index_primary_key_multiple_candidates_found",
        "index_primary_key_already_exists",
    ];
    for code in listed {
        assert_eq!(named.contains(code), !elsewhere.contains(&code), "{code}");
    }
}

#[test]
fn names_are_unique_and_references_lead_somewhere() {
    let document = document();
    let mut ids = BTreeSet::new();
    let paths = document["paths"].as_object().unwrap();
    for operation in paths.values().flat_map(|path| path.as_object().unwrap().values()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id}");
    }
    let mut used = BTreeSet::new();
    visit(&document, &mut |reference| {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
        used.insert(pointer.to_owned());
    });
    for kind in ["schemas", "parameters", "headers", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let unused = !used.contains(&format!("/components/{kind}/{name}"));
            assert!(!unused, "{kind}/{name} is used by nothing");
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Every answer of every operation, with its status.
fn answers(document: &Value) -> Vec<(String, u16, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let shared = answer["$ref"].as_str().map(|reference| &reference[1..]);
                let answer = shared.map_or(answer, |pointer| document.pointer(pointer).unwrap());
                all.push((format!("{method} {path}"), status.parse().unwrap(), answer));
            }
        }
    }
    assert!(all.len() > 500);
    all
}

fn visit(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                seen(reference);
            }
            map.values().for_each(|inner| visit(inner, seen));
        }
        Value::Array(items) => items.iter().for_each(|inner| visit(inner, seen)),
        _ => {}
    }
}
