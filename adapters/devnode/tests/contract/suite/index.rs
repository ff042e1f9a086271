//! Indexes.

use serde_json::{Value, json};

use super::server::{Server, error, lasting};

const BAD_UID: &str = "Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) \
                       and underscores (_), and can not be more than 512 bytes.";

pub async fn creation_is_accepted_and_listed(server: &Server) {
    let task = server.succeeds("POST", "/indexes", json!({ "uid": "a", "primaryKey": "id" })).await;
    let expected = json!({
        "indexUid": "a", "status": "succeeded", "type": "indexCreation", "canceledBy": null,
        "details": { "primaryKey": "id" }, "error": null,
    });
    assert_eq!(lasting(&task), expected);
    let index = server.get("/indexes/a").await;
    assert_eq!((&index["uid"], &index["primaryKey"]), (&json!("a"), &json!("id")));
    let keys: Vec<&String> = index.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 4, "{index}");
    for name in ["createdAt", "updatedAt"] {
        assert!(index[name].as_str().unwrap().ends_with('Z'), "{index}");
    }
}

pub async fn creation_fails_when_the_index_exists(server: &Server) {
    server.succeeds("POST", "/indexes", json!({ "uid": "a" })).await;
    let task = server.done("POST", "/indexes", json!({ "uid": "a", "primaryKey": "id" })).await;
    assert_eq!(task["status"], "failed");
    assert_eq!(task["error"], error("index_already_exists", "Index `a` already exists."));
    assert_eq!(server.get("/indexes/a").await["primaryKey"], Value::Null);
}

pub async fn creation_refuses_bad_bodies(server: &Server) {
    let bad = format!("Invalid value at `.uid`: `a b` is not a valid index uid. {BAD_UID}");
    let wrong = "Invalid value type at `.uid`: expected a string, but found a positive integer: `3`";
    let unknown = "Unknown field `foo`: expected one of `uid`, `primaryKey`";
    for (body, code, message) in [
        (json!({ "uid": "a b" }), "invalid_index_uid", bad.as_str()),
        (json!({ "uid": 3 }), "invalid_index_uid", wrong),
        (json!({ "primaryKey": "id" }), "missing_index_uid", "Missing field `uid`"),
        (json!({ "uid": "a", "foo": 1 }), "bad_request", unknown),
    ] {
        server.send("POST", "/indexes", body).await.refuses(400, code, message);
    }
}

pub async fn creation_needs_a_json_content_type(server: &Server) {
    let advice = "Accepted values for the Content-Type header are: `application/json`";
    let missing = format!("A Content-Type header is missing. {advice}");
    server.request("POST", "/indexes").await.refuses(415, "missing_content_type", &missing);
    let invalid = format!("The Content-Type `text/plain` is invalid. {advice}");
    let response = server.typed("POST", "/indexes", "text/plain", "{}").await;
    response.refuses(415, "invalid_content_type", &invalid);
    let malformed =
        "The json payload provided is malformed. `EOF while parsing an object at line 1 column 1`.";
    let response = server.typed("POST", "/indexes", "application/json", "{").await;
    response.refuses(400, "malformed_payload", malformed);
}

pub async fn listing_is_sorted_and_paged(server: &Server) {
    for uid in ["c", "a", "b"] {
        server.succeeds("POST", "/indexes", json!({ "uid": uid })).await;
    }
    let uids = |page: &Value| -> Vec<String> {
        page["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|index| index["uid"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = server.get("/indexes").await;
    assert_eq!(uids(&all), ["a", "b", "c"]);
    assert_eq!((&all["offset"], &all["limit"], &all["total"]), (&json!(0), &json!(20), &json!(3)));
    let page = server.get("/indexes?offset=1&limit=1").await;
    assert_eq!(uids(&page), ["b"]);
    assert_eq!((&page["offset"], &page["limit"], &page["total"]), (&json!(1), &json!(1), &json!(3)));
    let message = "Invalid value in parameter `limit`: could not parse `x` as a positive integer";
    server.request("GET", "/indexes?limit=x").await.refuses(400, "invalid_index_limit", message);
    let message = "Unknown parameter `foo`: expected one of `offset`, `limit`";
    server.request("GET", "/indexes?foo=1").await.refuses(400, "bad_request", message);
}

pub async fn missing_index_is_not_found(server: &Server) {
    for path in ["", "/stats", "/settings", "/settings/synonyms", "/documents", "/documents/1"] {
        let response = server.request("GET", &format!("/indexes/nope{path}")).await;
        response.refuses(404, "index_not_found", "Index `nope` not found.");
    }
}

pub async fn invalid_uid_in_the_path_is_refused(server: &Server) {
    let message = format!("`a b` is not a valid index uid. {BAD_UID}");
    server.request("GET", "/indexes/a%20b").await.refuses(400, "invalid_index_uid", &message);
    server.request("DELETE", "/indexes/a%20b").await.refuses(400, "invalid_index_uid", &message);
}

pub async fn update_sets_the_primary_key_while_empty(server: &Server) {
    server.succeeds("POST", "/indexes", json!({ "uid": "a" })).await;
    for key in ["one", "two"] {
        let task = server.succeeds("PATCH", "/indexes/a", json!({ "primaryKey": key })).await;
        assert_eq!((&task["type"], &task["details"]), (&json!("indexUpdate"), &json!({ "primaryKey": key })));
        assert_eq!(server.get("/indexes/a").await["primaryKey"], key);
    }
    let message = "Unknown field `foo`: expected one of `primaryKey`, `uid`";
    server.send("PATCH", "/indexes/a", json!({ "foo": 1 })).await.refuses(400, "bad_request", message);
    let message = "Immutable field `createdAt`: expected one of `primaryKey`, `uid`";
    let response = server.send("PATCH", "/indexes/a", json!({ "createdAt": "x" })).await;
    response.refuses(400, "immutable_index_created_at", message);
    let task = server.done("PATCH", "/indexes/nope", json!({ "primaryKey": "x" })).await;
    assert_eq!(task["error"], error("index_not_found", "Index `nope` not found."));
}

pub async fn update_fails_once_documents_exist(server: &Server) {
    server.succeeds("POST", "/indexes/a/documents", json!([{ "id": 1 }])).await;
    let task = server.done("PATCH", "/indexes/a", json!({ "primaryKey": "other" })).await;
    let message = "Index `a`: Index already has a primary key: `id`.";
    assert_eq!(task["error"], error("index_primary_key_already_exists", message));
    server.succeeds("PATCH", "/indexes/a", json!({ "primaryKey": "id" })).await;
}

pub async fn update_renames_the_index(server: &Server) {
    server.succeeds("POST", "/indexes/a/documents", json!([{ "id": 1 }])).await;
    let task = server.succeeds("PATCH", "/indexes/a", json!({ "uid": "b" })).await;
    assert_eq!(task["details"], json!({ "primaryKey": null, "oldIndexUid": "a", "newIndexUid": "b" }));
    assert_eq!(server.request("GET", "/indexes/a").await.status, 404);
    assert_eq!(server.get("/indexes/b/documents").await["total"], 1);
}

pub async fn deletion_reports_its_documents(server: &Server) {
    server.succeeds("POST", "/indexes/a/documents", json!([{ "id": 1 }, { "id": 2 }])).await;
    let task = server.done_empty("DELETE", "/indexes/a").await;
    let expected = json!({
        "indexUid": "a", "status": "succeeded", "type": "indexDeletion", "canceledBy": null,
        "details": { "deletedDocuments": 2 }, "error": null,
    });
    assert_eq!(lasting(&task), expected);
    assert_eq!(server.request("GET", "/indexes/a").await.status, 404);
}

pub async fn deletion_of_a_missing_index_fails(server: &Server) {
    let task = server.done_empty("DELETE", "/indexes/nope").await;
    assert_eq!((&task["status"], &task["details"]), (&json!("failed"), &json!({ "deletedDocuments": 0 })));
    assert_eq!(task["error"], error("index_not_found", "Index `nope` not found."));
}

pub async fn stats_count_documents_and_fields(server: &Server) {
    let documents = json!([{ "id": 1, "a": 1, "o": { "x": 1 } }, { "id": 2, "a": null }]);
    server.succeeds("POST", "/indexes/a/documents", documents).await;
    let stats = server.get("/indexes/a/stats").await;
    assert_eq!((&stats["numberOfDocuments"], &stats["isIndexing"]), (&json!(2), &json!(false)));
    assert_eq!(stats["fieldDistribution"], json!({ "a": 2, "id": 2, "o": 1 }));
    let all = server.get("/stats").await;
    assert_eq!(all["indexes"]["a"]["numberOfDocuments"], 2);
    assert!(all["databaseSize"].is_u64() && all["lastUpdate"].is_string(), "{all}");
}

pub async fn stats_of_an_empty_server_have_no_update(server: &Server) {
    let stats = server.get("/stats").await;
    assert_eq!((&stats["lastUpdate"], &stats["indexes"]), (&Value::Null, &json!({})));
    assert!(stats["databaseSize"].is_u64() && stats["usedDatabaseSize"].is_u64(), "{stats}");
    assert_eq!(stats.as_object().unwrap().len(), 4, "{stats}");
}

pub async fn stats_have_the_last_update_of_an_index(server: &Server) {
    for uid in ["a", "b"] {
        server.succeeds("POST", "/indexes", json!({ "uid": uid })).await;
        let updated_at = server.get(&format!("/indexes/{uid}")).await["updatedAt"].clone();
        assert_eq!(server.get("/stats").await["lastUpdate"], updated_at);
    }
    server.succeeds("POST", "/indexes/a/documents", json!([{ "id": 1 }])).await;
    let [a, b] = [server.get("/indexes/a").await, server.get("/indexes/b").await];
    assert_eq!(server.get("/stats").await["lastUpdate"], a["updatedAt"]);
    server.done_empty("DELETE", "/indexes/a").await;
    assert_eq!(server.get("/stats").await["lastUpdate"], b["updatedAt"]);
    server.done_empty("DELETE", "/indexes/b").await;
    assert_eq!(server.get("/stats").await["lastUpdate"], Value::Null);
}

pub async fn stats_refuse_unknown_parameters(server: &Server) {
    let message = "Unknown parameter `foo`: expected one of `showInternalDatabaseSizes`, `sizeFormat`";
    for path in ["/stats?foo=1", "/indexes/nope/stats?foo=1"] {
        server.request("GET", path).await.refuses(400, "bad_request", message);
    }
}
