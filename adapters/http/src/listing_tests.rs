use std::collections::BTreeSet;

use miroir_domain::error::ErrorCode;
use serde_json::{Value, json};

use super::*;
use crate::error::status_of;
use crate::query_rule::query_name;
use crate::route::{Access, ServedBy};

/// The document in the repository, for people and tools.
const STORED: &str = include_str!("../../../docs/openapi.json");

fn document() -> Value {
    openapi::document(&routes::all())
}

#[test]
fn openapi_text_is_the_stored_document() {
    assert!(STORED == openapi_text(), "docs/openapi.json is out of date: run `make fix`");
}

#[test]
fn routes_are_declared_once() {
    let list = route_list();
    let distinct: BTreeSet<_> = list.iter().map(|route| (&route.method, &route.template)).collect();
    assert_eq!(distinct.len(), list.len());
}

#[test]
fn document_describes_every_route_with_its_key_tag_and_instance() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    let routes = routes::all();
    assert_eq!(operations, routes.len());
    for route in routes {
        let operation = &paths[&route.template][route.method.as_str().to_lowercase()];
        let name = format!("{} {}", route.method, route.template);
        let security = match route.access {
            Access::Open => json!([]),
            Access::Client => json!([{ "masterKey": [] }]),
            Access::Admin => json!([{ "adminKey": [] }, { "adminKeyHeader": [] }]),
        };
        assert_eq!(operation["security"], security, "{name}");
        let tags = texts(&operation["tags"]);
        assert_eq!((tags.len(), tags[0] != "unsupported"), (1, route.supported), "{name}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        let has_holder = matches!(route.served_by, ServedBy::RoleHolder(_));
        let unavailable = resolved(&document, &operation["responses"]["503"]);
        let codes = texts(&unavailable["x-error-codes"]);
        assert_eq!(codes.contains(&"miroir_no_leader"), has_holder, "{name}");
    }
}

#[test]
fn declared_parameters_are_components_with_their_name_and_location() {
    let document = document();
    let components = &document["components"]["parameters"];
    let mut checked = 0;
    let mut check = |component: &str, name: &str, location: &str| {
        assert_eq!(
            (&components[component]["name"], &components[component]["in"]),
            (&json!(name), &json!(location))
        );
        checked += 1;
    };
    for route in routes::all() {
        for parameter in route.query.parameters() {
            check(parameter, query_name(parameter), "query");
        }
        for header in route.description.headers {
            check(header, header, "header");
        }
        let path = route.template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        path.for_each(|name| check(name, name, "path"));
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn document_lists_every_code_and_each_under_its_status() {
    let document = document();
    let listed: Vec<&str> = texts(&document["components"]["schemas"]["ErrorCode"]["anyOf"][0]["enum"]);
    assert_eq!(listed, ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    let mut named = BTreeSet::new();
    for (operation, status, response) in responses(&document) {
        // A failed readiness check is a response of its own and not an error.
        let failed = status >= 400 && (operation.as_str(), status) != ("get /_miroir/ready", 503);
        assert_eq!(failed, response.get("x-error-codes").is_some(), "{operation} {status}");
        for word in texts(&response["x-error-codes"]) {
            let code = ErrorCode::ALL.iter().find(|code| code.as_str() == word).unwrap();
            let own_status = *code == ErrorCode::BadRequest && [408, 431].contains(&status);
            assert!(status_of(*code).as_u16() == status || own_status, "{operation} {status} {word}");
            named.insert(word.to_owned());
        }
        if failed {
            let schema = &response["content"]["application/json"]["schema"];
            let is_error = |schema: &Value| schema["$ref"] == "#/components/schemas/Error";
            let either = schema["anyOf"].as_array().is_some_and(|either| either.iter().any(is_error));
            assert!(is_error(schema) || either, "{operation} {status}: {schema}");
        }
        assert!(response["headers"].get("X-Request-Id").is_some(), "{operation} {status}");
    }
    // Codes of failed tasks, and the code of unknown paths.
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
fn document_has_unique_operation_ids_and_resolvable_references() {
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
            assert!(!unused, "{kind}/{name} is unused");
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Returns the target of a reference, or the value itself if it is not a reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().map(|reference| &reference[1..]);
    pointer.map_or(value, |pointer| document.pointer(pointer).unwrap())
}

/// Returns every response of every operation, with its status.
fn responses(document: &Value) -> Vec<(String, u16, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = resolved(document, response);
                all.push((format!("{method} {path}"), status.parse().unwrap(), response));
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
