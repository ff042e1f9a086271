//! Creations of API keys.

use serde_json::{Value, json};

use super::key::{UID, created, with};
use super::server::Server;

const OTHER_UID: &str = "c9d0ae7c-0a3f-4a4c-9cf4-0b8a43c7b1de";

/// Sends a creation with these fields in addition to the required ones, which must be refused.
async fn refused(server: &Server, fields: Value, code: &str, message: &str) {
    server.send("POST", "/keys", with(&fields)).await.refuses(400, code, message);
}

pub async fn creation_returns_the_key(server: &Server) {
    let fields = json!({
        "uid": UID, "name": "n", "description": "d", "actions": ["search", "documents.*"],
        "indexes": ["a", "b*"], "expiresAt": "2099-01-01T00:00:00Z",
    });
    let key = created(server, fields).await;
    let created_at = key["createdAt"].as_str().unwrap();
    assert!(created_at.starts_with("20") && created_at.ends_with('Z'), "{key}");
    let expected = json!({
        "name": "n", "description": "d", "key": server.api_key(UID), "uid": UID,
        "actions": ["search", "documents.*"], "indexes": ["a", "b*"],
        "expiresAt": "2099-01-01T00:00:00Z", "createdAt": created_at, "updatedAt": created_at,
    });
    assert_eq!(key, expected);
    assert_eq!(server.get(&format!("/keys/{UID}")).await, key);
}

pub async fn creation_chooses_a_random_uid(server: &Server) {
    let one = created(server, json!({})).await;
    let other = created(server, json!({ "name": null, "description": null })).await;
    assert_ne!(one["uid"], other["uid"]);
    for key in [one, other] {
        let uid = key["uid"].as_str().unwrap();
        assert_eq!((uid.len(), uid.as_bytes()[14]), (36, b'4'), "{uid}");
        assert_eq!(key["key"], server.api_key(uid));
        assert_eq!((&key["name"], &key["description"]), (&Value::Null, &Value::Null));
    }
}

pub async fn creation_keeps_empty_and_repeated_values(server: &Server) {
    let key = created(server, json!({})).await;
    assert_eq!((&key["actions"], &key["indexes"]), (&json!([]), &json!([])));
    let fields =
        json!({ "actions": ["stats.get", "search", "stats.get"], "indexes": ["b", "a*", "b"], "name": "" });
    let key = created(server, fields.clone()).await;
    for field in ["actions", "indexes", "name"] {
        assert_eq!(key[field], fields[field]);
    }
}

pub async fn creation_reads_other_forms_of_a_uid(server: &Server) {
    assert_eq!(created(server, json!({ "uid": UID.to_uppercase() })).await["uid"], UID);
    assert_eq!(created(server, json!({ "uid": OTHER_UID.replace('-', "") })).await["uid"], OTHER_UID);
    let of_version_7 = "0197abda-a5aa-7414-ac91-ecd7944c0f80";
    assert_eq!(created(server, json!({ "uid": of_version_7 })).await["uid"], of_version_7);
}

pub async fn creation_refuses_a_uid_that_exists(server: &Server) {
    created(server, json!({ "uid": UID, "name": "first" })).await;
    let message = format!("`uid` field value `{UID}` is already an existing API key.");
    let again = server.send("POST", "/keys", with(&json!({ "uid": UID.to_uppercase() }))).await;
    again.refuses(409, "api_key_already_exists", &message);
    assert_eq!(server.get(&format!("/keys/{UID}")).await["name"], "first");
}

pub async fn creation_needs_a_json_content_type(server: &Server) {
    let advice = "Accepted values for the Content-Type header are: `application/json`";
    let message = format!("A Content-Type header is missing. {advice}");
    server.request("POST", "/keys").await.refuses(415, "missing_content_type", &message);
    let message = "Invalid value type: expected an object, but found an array: `[]`";
    server.send("POST", "/keys", json!([])).await.refuses(400, "bad_request", message);
    server.send("PATCH", "/keys/a", json!([])).await.refuses(400, "bad_request", message);
}

pub async fn creation_needs_three_fields(server: &Server) {
    for (body, field, code) in [
        (json!({}), "actions", "missing_api_key_actions"),
        (json!({ "indexes": [], "expiresAt": null }), "actions", "missing_api_key_actions"),
        (json!({ "actions": [], "expiresAt": null }), "indexes", "missing_api_key_indexes"),
        (json!({ "actions": [], "indexes": [] }), "expiresAt", "missing_api_key_expires_at"),
    ] {
        let message = format!("Missing field `{field}`");
        server.send("POST", "/keys", body).await.refuses(400, code, &message);
    }
}

pub async fn creation_refuses_bad_uids(server: &Server) {
    for (uid, problem) in [
        ("nope", "invalid character: found `n` at 0"),
        ("", "invalid length: found 0"),
        ("6062abda", "invalid length: found 8"),
        ("6062abda-a5aa-4414-ac91-ecd7944c0f8", "invalid group length in group 4: expected 12, found 11"),
        ("6062abda-a5a-a4414-ac91-ecd7944c0f8d", "invalid group length in group 1: expected 4, found 3"),
        ("6062abda-a5aa4414-ac91-ecd7944c0f8d", "invalid group count: expected 5, found 4"),
        ("6062abda-a5aa-4414-ac91-ecd7944c0fxx", "invalid character: found `x` at 34"),
    ] {
        let message = format!("Invalid value at `.uid`: {problem}");
        refused(server, json!({ "uid": uid }), "invalid_api_key_uid", &message).await;
    }
    let message = "Invalid value type at `.uid`: expected a string, but found null";
    refused(server, json!({ "uid": null }), "invalid_api_key_uid", message).await;
}

pub async fn creation_refuses_bad_texts(server: &Server) {
    for (field, code) in [
        ("uid", "invalid_api_key_uid"),
        ("name", "invalid_api_key_name"),
        ("description", "invalid_api_key_description"),
        ("expiresAt", "invalid_api_key_expires_at"),
    ] {
        let message =
            format!("Invalid value type at `.{field}`: expected a string, but found a positive integer: `1`");
        refused(server, json!({ field: 1 }), code, &message).await;
    }
}

const ACTIONS: &str = "`*`, `search`, `documents.*`, `documents.add`, `documents.get`, `documents.delete`, `indexes.*`, \
                       `indexes.create`, `indexes.get`, `indexes.update`, `indexes.delete`, `indexes.swap`, `tasks.*`, \
                       `tasks.cancel`, `tasks.delete`, `tasks.get`, `settings.*`, `settings.get`, `settings.update`, \
                       `stats.*`, `stats.get`, `metrics.*`, `metrics.get`, `dumps.*`, `dumps.create`, `snapshots.*`, \
                       `snapshots.create`, `version`, `keys.create`, `keys.get`, `keys.update`, `keys.delete`, \
                       `experimental.get`, `experimental.update`, `export`, `network.get`, `network.update`, \
                       `chatCompletions`, `chats.*`, `chats.get`, `chats.delete`, `chatsSettings.*`, \
                       `chatsSettings.get`, `chatsSettings.update`, `*.get`, `webhooks.get`, `webhooks.update`, \
                       `webhooks.delete`, `webhooks.create`, `webhooks.*`, `indexes.compact`, `fields.post`, \
                       `tasks.compact`, `dynamicSearchRules.get`, `dynamicSearchRules.create`, \
                       `dynamicSearchRules.update`, `dynamicSearchRules.delete`, `dynamicSearchRules.*`";

pub async fn creation_refuses_bad_lists(server: &Server) {
    let unknown = format!("Unknown value `x` at `.actions[1]`: expected one of {ACTIONS}");
    let actions = json!({ "actions": ["search", "x"] });
    refused(server, actions, "invalid_api_key_actions", &unknown).await;
    for (pattern, uid) in [("a b", "a b"), ("*b", "*b"), ("", ""), ("a**", "a*"), ("a b*", "a b")] {
        let rule = "Index uid patterns can be an integer or a string containing only alphanumeric characters, hyphens \
                    (-), underscores (_), and optionally end with a star (*).";
        let message =
            format!("Invalid value at `.indexes[0]`: `{uid}` is not a valid index uid pattern. {rule}");
        refused(server, json!({ "indexes": [pattern] }), "invalid_api_key_indexes", &message).await;
    }
    for (field, code) in [("actions", "invalid_api_key_actions"), ("indexes", "invalid_api_key_indexes")] {
        for (value, path, problem) in [
            (json!(null), "", "expected an array, but found null"),
            (json!("x"), "", "expected an array, but found a string: `\"x\"`"),
            (json!([1]), "[0]", "expected a string, but found a positive integer: `1`"),
        ] {
            let message = format!("Invalid value type at `.{field}{path}`: {problem}");
            refused(server, json!({ field: value }), code, &message).await;
        }
    }
}

pub async fn creation_refuses_the_first_bad_field(server: &Server) {
    let unknown = "expected one of `description`, `name`, `uid`, `actions`, `indexes`, `expiresAt`";
    for field in ["foo", "key", "createdAt"] {
        let message = format!("Unknown field `{field}`: {unknown}");
        refused(server, json!({ field: 1 }), "bad_request", &message).await;
    }
    let message = format!("Unknown field `foo`: {unknown}");
    let unknown_first = server.send("POST", "/keys", json!({ "foo": 1, "name": 1 })).await;
    unknown_first.refuses(400, "bad_request", &message);
    let message = "Invalid value type at `.name`: expected a string, but found a positive integer: `1`";
    let name_first = server.send("POST", "/keys", json!({ "name": 1, "foo": 1 })).await;
    name_first.refuses(400, "invalid_api_key_name", message);
}

/// The prefixes of the actions that concern the whole server.
const GLOBAL_ACTIONS: [&str; 13] = [
    "chats.",
    "chatsSettings.",
    "dumps.",
    "dynamicSearchRules.",
    "experimental.",
    "export",
    "keys.",
    "metrics.",
    "network.",
    "snapshots.",
    "tasks.compact",
    "version",
    "webhooks.",
];

pub async fn creation_refuses_global_actions_for_some_indexes(server: &Server) {
    for action in ACTIONS.trim_matches('`').split("`, `") {
        let fields = json!({ "uid": UID, "actions": ["search", action], "indexes": ["a*"] });
        if GLOBAL_ACTIONS.iter().any(|prefix| action.starts_with(prefix)) {
            let hint = format!(
                "remove action `\"{action}\"` from the action list, or remove `indexes` to make the key global"
            );
            let message = format!(
                "cannot create index-scoped API key with global action `\"{action}\"`\n  - Hint: {hint}"
            );
            refused(server, fields, "index_scoped_api_key_with_global_action", &message).await;
        } else {
            created(server, fields).await;
            assert_eq!(server.request("DELETE", &format!("/keys/{UID}")).await.status, 204);
        }
    }
    for indexes in [json!([]), json!(["*"]), json!(["a", "*"])] {
        created(server, json!({ "actions": ["version"], "indexes": indexes })).await;
    }
}

pub async fn expiry_keeps_its_offset(server: &Server) {
    for (text, expected) in [
        ("2099-01-01", "2099-01-01T00:00:00Z"),
        ("2099-01-01 12:13:14", "2099-01-01T12:13:14Z"),
        ("2099-01-01T12:13:14", "2099-01-01T12:13:14Z"),
        ("2099-01-01t12:13:14z", "2099-01-01T12:13:14Z"),
        ("2099-01-01T12:13:14+00:00", "2099-01-01T12:13:14Z"),
        ("2099-01-01T12:13:14.500Z", "2099-01-01T12:13:14.5Z"),
        ("2099-01-01T12:13:14.123456789-05:30", "2099-01-01T12:13:14.123456789-05:30"),
    ] {
        assert_eq!(created(server, json!({ "expiresAt": text })).await["expiresAt"], expected);
    }
}

pub async fn expiry_must_be_in_the_future(server: &Server) {
    for text in [
        "",
        "nope",
        "1999-01-01T00:00:00Z",
        "2099-02-30",
        "2099-1-1",
        "2099-01-01T12:13",
        "2099-01-01T12:13:14.5",
        "2099-01-01T12:13:60Z",
        "2099-01-01T24:00:00Z",
        "2099-01-01T12:13:14+02",
    ] {
        let message = format!(
            "Invalid value at `.expiresAt`: `{text}` is not a valid date. It should follow the RFC 3339 format to \
             represents a date or datetime in the future or specified as a null value. e.g. 'YYYY-MM-DD' or \
             'YYYY-MM-DD HH:MM:SS'.\n"
        );
        refused(server, json!({ "expiresAt": text }), "invalid_api_key_expires_at", &message).await;
    }
}
