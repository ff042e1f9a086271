//! Documents: writing, reading, deleting.

use serde_json::{Value, json};

use super::server::{Server, error, lasting};

const PATH: &str = "/indexes/a/documents";
const ID_RULE: &str = "A document identifier can be of type integer or string, only composed of alphanumeric \
                       characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes.";

async fn documents(server: &Server) -> Value {
    server.get(PATH).await["results"].clone()
}

pub async fn post_replaces_and_put_merges(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "id": 1, "a": 1, "o": { "x": 1, "y": 2 } }])).await;
    server.succeeds("PUT", PATH, json!([{ "id": 1, "b": 2, "o": { "x": 3 } }, { "id": 1, "c": 4 }])).await;
    assert_eq!(documents(server).await, json!([{ "id": 1, "a": 1, "o": { "x": 3 }, "b": 2, "c": 4 }]));
    server.succeeds("POST", PATH, json!([{ "id": 1, "d": 5 }])).await;
    assert_eq!(documents(server).await, json!([{ "id": 1, "d": 5 }]));
}

pub async fn primary_key_is_inferred(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "filmID": "x", "title": "y" }, { "filmID": "z", "id": 1 }])).await;
    assert_eq!(server.get("/indexes/a").await["primaryKey"], "filmID");
}

/// Asserts that an addition of documents fails with this error.
async fn assert_failed_addition(server: &Server, path: &str, body: Value, code: &str, message: &str) {
    let received = body.as_array().unwrap().len();
    let task = server.done("POST", path, body).await;
    let expected = json!({
        "indexUid": "a", "status": "failed", "type": "documentAdditionOrUpdate", "canceledBy": null,
        "details": { "receivedDocuments": received, "indexedDocuments": 0 }, "error": error(code, message),
    });
    assert_eq!(lasting(&task), expected);
}

pub async fn primary_key_without_a_candidate_fails(server: &Server) {
    let message = "The primary key inference failed as the engine did not find any field ending with `id` in its name. \
                   Please specify the primary key manually using the `primaryKey` query parameter.";
    let code = "index_primary_key_no_candidate_found";
    assert_failed_addition(server, PATH, json!([{ "title": 1 }]), code, message).await;
    assert_eq!(server.get("/indexes/a").await["primaryKey"], Value::Null);
}

pub async fn primary_key_with_several_candidates_fails(server: &Server) {
    let message = "The primary key inference failed as the engine found 2 fields ending with `id` in their names: \
                   'aid' and 'bid'. Please specify the primary key manually using the `primaryKey` query parameter.";
    let code = "index_primary_key_multiple_candidates_found";
    assert_failed_addition(server, PATH, json!([{ "aid": 1, "bid": 2 }]), code, message).await;
}

pub async fn primary_key_that_differs_fails(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "id": 1 }])).await;
    let path = format!("{PATH}?primaryKey=other");
    let message = "Index already has a primary key: `id`.";
    let code = "index_primary_key_already_exists";
    assert_failed_addition(server, &path, json!([{ "other": 1 }]), code, message).await;
    server.succeeds("POST", &format!("{PATH}?primaryKey=id"), json!([{ "id": 2 }])).await;
}

pub async fn primary_key_may_be_nested(server: &Server) {
    let path = format!("{PATH}?primaryKey=a.b");
    server.succeeds("POST", &path, json!([{ "a": { "b": 1 } }, { "a": { "b": "x" } }])).await;
    assert_eq!(server.get(&format!("{PATH}/x")).await, json!({ "a": { "b": "x" } }));
    let message = "Document doesn't have a `a.b` attribute: `{\"a\":{\"c\":2}}`.";
    assert_failed_addition(server, PATH, json!([{ "a": { "c": 2 } }]), "missing_document_id", message).await;
}

pub async fn ids_are_integers_or_plain_text(server: &Server) {
    let ids = json!([{ "id": 1 }, { "id": "1" }, { "id": -5 }, { "id": "a_B-9" }, { "id": u64::MAX }]);
    let task = server.succeeds("POST", PATH, ids).await;
    assert_eq!(task["details"], json!({ "receivedDocuments": 5, "indexedDocuments": 4 }));
    assert_eq!(server.get(&format!("{PATH}/1")).await, json!({ "id": "1" }));
    assert_eq!(server.get(&format!("{PATH}/-5")).await, json!({ "id": -5 }));
    assert_eq!(server.get(&format!("{PATH}/{}", u64::MAX)).await, json!({ "id": u64::MAX }));
}

pub async fn invalid_id_fails_the_whole_payload(server: &Server) {
    for (id, shown) in [
        (json!("a b"), "\"a b\"".to_owned()),
        (json!(1.5), "1.5".to_owned()),
        (json!(""), "\"\"".to_owned()),
        (json!(null), "null".to_owned()),
        (json!("x".repeat(512)), format!("\"{}\"", "x".repeat(512))),
    ] {
        let message = format!("Document identifier `{shown}` is invalid. {ID_RULE}");
        let body = json!([{ "id": 1 }, { "id": id }]);
        assert_failed_addition(server, PATH, body, "invalid_document_id", &message).await;
    }
    assert_eq!(documents(server).await, json!([]));
}

pub async fn missing_id_fails_the_whole_payload(server: &Server) {
    let message = "Document doesn't have a `id` attribute: `{\"x\":1.5}`.";
    let body = json!([{ "id": 1 }, { "x": 1.5 }]);
    assert_failed_addition(server, PATH, body, "missing_document_id", message).await;
    assert_eq!(documents(server).await, json!([]));
}

pub async fn empty_array_succeeds(server: &Server) {
    let task = server.succeeds("POST", PATH, json!([])).await;
    assert_eq!(task["details"], json!({ "receivedDocuments": 0, "indexedDocuments": 0 }));
    assert_eq!(server.get("/indexes/a").await["primaryKey"], Value::Null);
}

pub async fn distinct_ids_are_counted(server: &Server) {
    let body = json!([{ "id": 1, "v": 1 }, { "id": 2 }, { "id": 1, "v": 2 }]);
    let task = server.succeeds("POST", PATH, body).await;
    assert_eq!(task["details"], json!({ "receivedDocuments": 3, "indexedDocuments": 2 }));
    assert_eq!(server.get(&format!("{PATH}/1")).await, json!({ "id": 1, "v": 2 }));
}

pub async fn get_finds_by_id_and_selects_fields(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "id": 1, "a": 1, "o": { "x": 1, "y": 2 } }])).await;
    assert_eq!(server.get(&format!("{PATH}/1?fields=a")).await, json!({ "a": 1 }));
    assert_eq!(server.get(&format!("{PATH}/1?fields=o.x,id")).await, json!({ "id": 1, "o": { "x": 1 } }));
    let page = server.get(&format!("{PATH}?fields=id&limit=1")).await;
    assert_eq!(page, json!({ "results": [{ "id": 1 }], "offset": 0, "limit": 1, "total": 1 }));
}

pub async fn get_refuses_a_missing_document_or_index(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "id": 1 }])).await;
    let response = server.request("GET", &format!("{PATH}/2")).await;
    response.refuses(404, "document_not_found", "Document `2` not found.");
    let response = server.request("GET", "/indexes/nope/documents/2").await;
    response.refuses(404, "index_not_found", "Index `nope` not found.");
}

pub async fn fetch_pages_filters_and_sorts(server: &Server) {
    server.films().await;
    let fetch = async |body: Value| -> (Vec<u64>, Value) {
        let response = server.send("POST", "/indexes/films/documents/fetch", body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let ids =
            response.body["results"].as_array().unwrap().iter().map(|film| film["id"].as_u64().unwrap());
        (ids.collect(), json!([response.body["offset"], response.body["limit"], response.body["total"]]))
    };
    assert_eq!(fetch(json!({ "limit": 2, "offset": 3 })).await, (vec![4, 5], json!([3, 2, 11])));
    assert_eq!(fetch(json!({ "filter": "year = 2015" })).await, (vec![1, 4], json!([0, 20, 2])));
    assert_eq!(fetch(json!({ "ids": ["3", 5, "77"] })).await, (vec![3, 5], json!([0, 20, 2])));
    let sorted = fetch(json!({ "sort": ["year:desc", "rating:asc"], "limit": 3 })).await;
    assert_eq!(sorted, (vec![2, 7, 5], json!([0, 3, 11])));
    assert_eq!(fetch(json!({ "filter": ["year > 2000", ["genres = Family"]] })).await.0, [7]);
}

pub async fn fetch_refuses_bad_parameters(server: &Server) {
    server.films().await;
    let path = "/indexes/films/documents/fetch";
    let unknown = "Unknown field `foo`: expected one of `offset`, `limit`, `fields`, `retrieveVectors`, `ids`, `filter`, \
                   `sort`, `useNetwork`";
    server.send("POST", path, json!({ "foo": 1 })).await.refuses(400, "bad_request", unknown);
    let patterns = "Available filterable attribute patterns are: `genres`, `rating`, `studio`, `year`.";
    let message = format!("Attribute `title` is not filterable. {patterns}\n1:6 title=3");
    let response = server.send("POST", path, json!({ "filter": "title=3" })).await;
    response.refuses(400, "invalid_document_filter", &message);
    let message =
        "Attribute `id` is not sortable. Available sortable attributes are: `rating, studio, title, year`.";
    let response = server.send("POST", path, json!({ "sort": ["id:asc"] })).await;
    response.refuses(400, "invalid_document_sort", message);
    let message = "Invalid value in parameter `limit`: could not parse `x` as a positive integer";
    let response = server.request("GET", "/indexes/films/documents?limit=x").await;
    response.refuses(400, "invalid_document_limit", message);
}

async fn three(server: &Server) {
    server.succeeds("POST", PATH, json!([{ "id": 1 }, { "id": 2 }, { "id": 3 }])).await;
}

pub async fn deletion_by_id_counts_existing_documents(server: &Server) {
    three(server).await;
    for (id, deleted) in [("1", 1), ("77", 0), ("a%20b", 0)] {
        let task = server.done_empty("DELETE", &format!("{PATH}/{id}")).await;
        let details = json!({ "providedIds": 1, "deletedDocuments": deleted, "originalFilter": null });
        assert_eq!((&task["type"], &task["details"]), (&json!("documentDeletion"), &details), "{id}");
    }
    assert_eq!(documents(server).await, json!([{ "id": 2 }, { "id": 3 }]));
}

pub async fn deletion_by_batch_accepts_texts_and_numbers(server: &Server) {
    three(server).await;
    let task = server.succeeds("POST", &format!("{PATH}/delete-batch"), json!([1, "1", "2", 88])).await;
    assert_eq!(task["details"], json!({ "providedIds": 4, "deletedDocuments": 2, "originalFilter": null }));
    assert_eq!(documents(server).await, json!([{ "id": 3 }]));
}

pub async fn deletion_by_filter_counts_matches(server: &Server) {
    server.films().await;
    let path = "/indexes/films/documents/delete";
    let task = server.succeeds("POST", path, json!({ "filter": "year = 2015" })).await;
    let details = json!({ "providedIds": 0, "deletedDocuments": 2, "originalFilter": "\"year = 2015\"" });
    assert_eq!(task["details"], details);
    let task = server.done("POST", path, json!({ "filter": ["title = 1"] })).await;
    let patterns = "Available filterable attribute patterns are: `genres`, `rating`, `studio`, `year`.";
    let message = format!("Index `films`: Attribute `title` is not filterable. {patterns}\n1:6 title = 1");
    assert_eq!(task["error"], error("invalid_document_filter", &message));
    assert_eq!(server.get("/indexes/films/documents").await["total"], 9);
}

pub async fn deletion_by_filter_needs_a_filter(server: &Server) {
    let path = format!("{PATH}/delete");
    let response = server.send("POST", &path, json!({})).await;
    response.refuses(400, "missing_document_filter", "Missing field `filter`");
    let response = server.send("POST", &path, json!({ "filter": "id==" })).await;
    let message = "Was expecting a value but instead got nothing.\n4:4 id==";
    response.refuses(400, "invalid_document_filter", message);
}

pub async fn deletion_of_all_keeps_the_index(server: &Server) {
    three(server).await;
    let task = server.done_empty("DELETE", PATH).await;
    assert_eq!(
        (&task["type"], &task["details"]),
        (&json!("documentDeletion"), &json!({ "deletedDocuments": 3 }))
    );
    assert_eq!(documents(server).await, json!([]));
    assert_eq!(server.get("/indexes/a").await["primaryKey"], "id");
}

pub async fn deletion_in_a_missing_index_fails(server: &Server) {
    let missing = error("index_not_found", "Index `a` not found.");
    let task = server.done_empty("DELETE", PATH).await;
    assert_eq!((&task["error"], &task["details"]), (&missing, &json!({ "deletedDocuments": 0 })));
    let details = json!({ "providedIds": 1, "deletedDocuments": 0, "originalFilter": null });
    let task = server.done("POST", &format!("{PATH}/delete-batch"), json!([1])).await;
    assert_eq!((&task["error"], &task["details"]), (&missing, &details));
    let task = server.done("POST", &format!("{PATH}/delete"), json!({ "filter": "x = 1" })).await;
    assert_eq!(task["error"], missing);
}
