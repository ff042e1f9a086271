//! API keys, once they are created.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::server::{Response, Server};

pub const UID: &str = "6062abda-a5aa-4414-ac91-ecd7944c0f8d";

/// Returns the body of a creation with these fields in addition to the required ones.
pub fn with(fields: &Value) -> Value {
    let mut body = json!({ "actions": [], "indexes": [], "expiresAt": null });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Creates a key with these fields in addition to the required ones, and returns it.
pub async fn created(server: &Server, fields: Value) -> Value {
    let response = server.send("POST", "/keys", with(&fields)).await;
    assert_eq!(response.status, 201, "{}", response.body);
    response.body
}

fn not_found(response: &Response, name: &str) {
    response.refuses(404, "api_key_not_found", &format!("API key `{name}` not found."));
}

pub async fn default_keys_are_listed(server: &Server) {
    let list = server.get("/keys").await;
    assert_eq!((&list["offset"], &list["limit"], &list["total"]), (&json!(0), &json!(20), &json!(4)));
    let keys = list["results"].as_array().unwrap();
    let contents: Vec<Value> = keys
        .iter()
        .map(|key| json!([key["name"], key["actions"], key["indexes"], key["expiresAt"]]))
        .collect();
    let expected = [
        json!(["Default Search API Key", ["search"], ["*"], null]),
        json!(["Default Admin API Key", ["*"], ["*"], null]),
        json!(["Default Read-Only Admin API Key", ["*.get", "keys.get"], ["*"], null]),
        json!(["Default Chat API Key", ["chatCompletions", "search"], ["*"], null]),
    ];
    assert_eq!(contents, expected);
    for key in keys {
        assert!(key["description"].as_str().unwrap().starts_with("Use it"), "{key}");
        assert_eq!(key["key"], server.api_key(key["uid"].as_str().unwrap()));
    }
    let uids: BTreeSet<&str> = keys.iter().map(|key| key["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), 4);
}

pub async fn listing_is_newest_first_and_paged(server: &Server) {
    for name in ["a", "b", "c"] {
        created(server, json!({ "name": name })).await;
    }
    for (query, names) in
        [("limit=3", vec!["c", "b", "a"]), ("offset=1&limit=1", vec!["b"]), ("limit=0", vec![])]
    {
        let page = server.get(&format!("/keys?{query}")).await;
        let keys = page["results"].as_array().unwrap();
        let found: Vec<&str> = keys.iter().map(|key| key["name"].as_str().unwrap()).collect();
        assert_eq!((found, &page["total"]), (names, &json!(7)), "{query}");
    }
    let text = "as a positive integer";
    for (query, code, message) in [
        (
            "limit=x",
            "invalid_api_key_limit",
            format!("Invalid value in parameter `limit`: could not parse `x` {text}"),
        ),
        (
            "offset=-1",
            "invalid_api_key_offset",
            format!("Invalid value in parameter `offset`: could not parse `-1` {text}"),
        ),
        ("foo=1", "bad_request", "Unknown parameter `foo`: expected one of `offset`, `limit`".to_owned()),
    ] {
        server.request("GET", &format!("/keys?{query}")).await.refuses(400, code, &message);
    }
}

pub async fn key_is_found_by_uid_and_by_text(server: &Server) {
    let key = created(server, json!({ "uid": UID })).await;
    for name in [UID, &UID.to_uppercase(), &UID.replace('-', ""), &server.api_key(UID)] {
        assert_eq!(server.get(&format!("/keys/{name}")).await, key, "{name}");
    }
}

pub async fn update_changes_name_and_description(server: &Server) {
    let path = format!("/keys/{UID}");
    let mut expected = created(server, json!({ "uid": UID, "name": "n", "description": "d" })).await;
    for change in [
        json!({ "name": "n2" }),
        json!({ "description": "d2" }),
        json!({ "name": null, "description": null }),
        json!({ "name": "n3", "description": "d3" }),
        json!({}),
    ] {
        let response = server.send("PATCH", &path, change.clone()).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let key = response.body;
        assert_ne!(key["updatedAt"], expected["updatedAt"], "{change}");
        for (name, value) in change.as_object().unwrap() {
            expected[name] = value.clone();
        }
        expected["updatedAt"] = key["updatedAt"].clone();
        assert_eq!(key, expected, "{change}");
        assert_eq!(server.get(&path).await, key);
    }
    let by_text = format!("/keys/{}", server.api_key(UID));
    assert_eq!(server.send("PATCH", &by_text, json!({ "name": "n4" })).await.body["name"], "n4");
}

pub async fn update_refuses_other_fields(server: &Server) {
    let key = created(server, json!({ "uid": UID })).await;
    let path = format!("/keys/{UID}");
    for (field, code) in [
        ("uid", "immutable_api_key_uid"),
        ("actions", "immutable_api_key_actions"),
        ("indexes", "immutable_api_key_indexes"),
        ("expiresAt", "immutable_api_key_expires_at"),
        ("createdAt", "immutable_api_key_created_at"),
        ("updatedAt", "immutable_api_key_updated_at"),
    ] {
        let message = format!("Immutable field `{field}`: expected one of `description`, `name`");
        let response = server.send("PATCH", &path, json!({ "name": "n", field: null })).await;
        response.refuses(400, code, &message);
    }
    for field in ["foo", "key"] {
        let message = format!("Unknown field `{field}`: expected one of `description`, `name`");
        server.send("PATCH", &path, json!({ field: 1 })).await.refuses(400, "bad_request", &message);
    }
    for (field, code) in [("name", "invalid_api_key_name"), ("description", "invalid_api_key_description")] {
        let message =
            format!("Invalid value type at `.{field}`: expected a string, but found a positive integer: `1`");
        server.send("PATCH", &path, json!({ field: 1, "uid": 1 })).await.refuses(400, code, &message);
    }
    assert_eq!(server.get(&path).await, key);
}

pub async fn deletion_removes_the_key(server: &Server) {
    for name in [UID.to_owned(), server.api_key(UID)] {
        let path = format!("/keys/{name}");
        created(server, json!({ "uid": UID })).await;
        let response = server.request("DELETE", &path).await;
        assert_eq!((response.status, response.body), (204, Value::Null));
        not_found(&server.request("GET", &path).await, &name);
        not_found(&server.request("DELETE", &path).await, &name);
    }
}

pub async fn missing_key_is_not_found(server: &Server) {
    let text = server.api_key(UID);
    for (name, shown) in [("nope", "nope"), (UID, UID), (&UID.to_uppercase(), UID), (&text, &text)] {
        let path = format!("/keys/{name}");
        not_found(&server.request("GET", &path).await, shown);
        not_found(&server.send("PATCH", &path, json!({ "name": "n" })).await, shown);
        not_found(&server.request("DELETE", &path).await, shown);
    }
}

pub async fn routes_need_a_master_key(server: &Server) {
    let open = server.without_master_key().await;
    assert_eq!(open.get("/indexes").await["total"], 0);
    let message = "Meilisearch is running without a master key. To access this API endpoint, you must have set a \
                   master key at launch.";
    for (method, path) in [
        ("GET", "/keys"),
        ("GET", "/keys?foo=1"),
        ("POST", "/keys"),
        ("GET", "/keys/a"),
        ("PATCH", "/keys/a"),
        ("DELETE", "/keys/a"),
    ] {
        open.request(method, path).await.refuses(401, "missing_master_key", message);
        let with_key = open.raw(method, path, &[("authorization", "Bearer x")], None).await;
        with_key.refuses(401, "missing_master_key", message);
    }
    open.send("POST", "/keys", with(&json!({}))).await.refuses(401, "missing_master_key", message);
    assert_eq!(open.request("PUT", "/keys").await.status, 405);
}
