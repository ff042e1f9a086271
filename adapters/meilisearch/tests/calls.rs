//! Each operation of the port as an HTTP request, and how its response is read.

#[allow(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use miroir_domain::document::{DocumentId, PrimaryKey};
use miroir_domain::payload::{Payload, PayloadFormat, PayloadPart};
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::task::TaskStatus;
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{PhysicalUid, ShardSet, Timestamp};
use miroir_meilisearch::{ClientOptions, MeilisearchNodes};
use miroir_ports::error_chain;
use miroir_ports::outbound::{NodeError, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::{Map, Value, json};
use support::{Reply, Request, ScriptedNode, endpoint, merged, node, response};

const AMPLE: Duration = Duration::from_secs(10);

fn movies() -> PhysicalUid {
    "movies".parse().unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn part(body: &'static str) -> PayloadPart {
    let key = PrimaryKey::parse("id").unwrap();
    let payload =
        Payload::parse(PayloadFormat::Json, Bytes::from(body), &movies().name(), Some(&key), 4).unwrap();
    Arc::new(payload).part(&ShardSet::all(4))
}

/// Sends a write to a server that accepts everything. Returns the request that the server received.
async fn request_of(operation: WriteOperation, custom_metadata: Option<&str>) -> Request {
    let server = ScriptedNode::json("202 Accepted", r#"{"taskUid":3,"indexUid":"movies"}"#).await;
    let write = NodeWrite { index: movies(), operation, custom_metadata: custom_metadata.map(str::to_owned) };
    assert_eq!(server.client().node_write(&node(), write, AMPLE).await.unwrap(), 3);
    server.requests().remove(0)
}

fn add(primary_key: Option<&str>, mode: WriteMode, body: &'static str) -> WriteOperation {
    let primary_key = primary_key.map(|name| PrimaryKey::parse(name).unwrap());
    WriteOperation::DocumentsAdd { primary_key, mode, documents: part(body) }
}

#[tokio::test]
async fn documents_stream_as_ndjson_with_their_length() {
    let operation = add(Some("id"), WriteMode::Replace, r#"[{"id":1,"title":"Carol"},{"id":"b","n":1.0}]"#);
    let request = request_of(operation, Some("miroir:5")).await;
    assert_eq!(request.line(), "POST /indexes/movies/documents?primaryKey=id&customMetadata=miroir%3A5");
    assert_eq!(request.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
    assert_eq!(request.header("transfer-encoding"), None);
    assert_eq!(request.header("authorization"), Some("Bearer key-of-the-node"));
    let lines: Vec<Value> = request.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["title"], &lines[1]["id"]), (&json!("Carol"), &json!("b")));
    assert!(lines.iter().all(|line| line["_miroir_shard"].is_string()), "{lines:?}");
}

#[tokio::test]
async fn large_part_streams_whole() {
    let documents: Vec<Value> =
        (0..2_000).map(|id| json!({ "id": id, "text": "x".repeat(500), "name": "é" })).collect();
    let body: &'static str = Box::leak(Value::from(documents).to_string().into_boxed_str());
    let request = request_of(add(None, WriteMode::Update, body), None).await;
    assert_eq!(request.line(), "PUT /indexes/movies/documents");
    assert_eq!(request.text().lines().count(), 2_000);
}

#[tokio::test]
async fn no_documents_are_an_empty_array() {
    let request = request_of(add(None, WriteMode::Replace, "[]"), None).await;
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.text(), "[]");
}

#[tokio::test]
async fn query_parameters_are_escaped() {
    let operation = add(Some("a&b=c d"), WriteMode::Replace, r#"[{"id":1}]"#);
    let request = request_of(operation, Some("x&primaryKey=y%20")).await;
    assert_eq!(
        request.line(),
        "POST /indexes/movies/documents?primaryKey=a%26b%3Dc+d&customMetadata=x%26primaryKey%3Dy%2520"
    );
}

#[tokio::test]
async fn deletions_name_their_documents() {
    let ids = [json!(1), json!("b")].iter().map(|id| DocumentId::from_json(id).unwrap()).collect();
    let request = request_of(WriteOperation::DocumentsDelete(ids), Some("m")).await;
    assert_eq!(request.line(), "POST /indexes/movies/documents/delete-batch?customMetadata=m");
    assert_eq!(request.text(), r#"["1","b"]"#);

    let filter = WriteOperation::DocumentsDeleteByFilter(json!(["a = 1", ["b = 2"]]));
    let request = request_of(filter, Some("m")).await;
    assert_eq!(request.line(), "POST /indexes/movies/documents/delete?customMetadata=m");
    assert_eq!(request.text(), r#"{"filter":["a = 1",["b = 2"]]}"#);

    let request = request_of(WriteOperation::DocumentsDeleteAll, Some("m")).await;
    assert_eq!(request.line(), "DELETE /indexes/movies/documents?customMetadata=m");
}

#[tokio::test]
async fn index_calls_carry_no_metadata() {
    let primary_key = Some(PrimaryKey::parse("id").unwrap());
    let request = request_of(WriteOperation::IndexCreate { primary_key }, Some("m")).await;
    assert_eq!(request.line(), "POST /indexes");
    assert_eq!(
        serde_json::from_slice::<Value>(&request.body).unwrap(),
        json!({ "uid": "movies", "primaryKey": "id" })
    );
    let request = request_of(WriteOperation::IndexDelete, Some("m")).await;
    assert_eq!(request.line(), "DELETE /indexes/movies");
}

#[tokio::test]
async fn settings_use_the_method_of_their_route() {
    for (setting, action, line, body) in [
        (
            None,
            SettingsAction::Update(json!({ "stopWords": ["a"] })),
            "PATCH /indexes/movies/settings",
            r#"{"stopWords":["a"]}"#,
        ),
        (None, SettingsAction::Reset, "DELETE /indexes/movies/settings", ""),
        (
            Some(Setting::StopWords),
            SettingsAction::Update(json!(["a"])),
            "PUT /indexes/movies/settings/stop-words",
            r#"["a"]"#,
        ),
        (
            Some(Setting::Faceting),
            SettingsAction::Update(json!({ "maxValuesPerFacet": 5 })),
            "PATCH /indexes/movies/settings/faceting",
            r#"{"maxValuesPerFacet":5}"#,
        ),
        (Some(Setting::Faceting), SettingsAction::Reset, "DELETE /indexes/movies/settings/faceting", ""),
    ] {
        let request =
            request_of(WriteOperation::Settings(SettingsChange { setting, action }), Some("m")).await;
        assert_eq!((request.line(), request.text()), (line, body));
    }
}

#[tokio::test]
async fn reads_return_the_body_unchanged() {
    let parameters = object(&json!({ "fields": ["id", "title"], "retrieveVectors": true }));
    let body = object(&json!({ "q": "carol", "limit": 3 }));
    let id = DocumentId::from_json(&json!("a-1")).unwrap();
    for (read, line, sent) in [
        (NodeRead::Version, "GET /version", ""),
        (NodeRead::IndexList { offset: 2, limit: 5 }, "GET /indexes?offset=2&limit=5", ""),
        (NodeRead::Index(movies()), "GET /indexes/movies", ""),
        (NodeRead::Stats(movies()), "GET /indexes/movies/stats", ""),
        (NodeRead::AllStats, "GET /stats", ""),
        (NodeRead::Settings(movies(), None), "GET /indexes/movies/settings", ""),
        (NodeRead::Settings(movies(), Some(Setting::Synonyms)), "GET /indexes/movies/settings/synonyms", ""),
        (
            NodeRead::Document(movies(), id, parameters),
            "GET /indexes/movies/documents/a-1?fields=id%2Ctitle&retrieveVectors=true",
            "",
        ),
        (
            NodeRead::Documents(movies(), body),
            "POST /indexes/movies/documents/fetch",
            r#"{"limit":3,"q":"carol"}"#,
        ),
    ] {
        let server = ScriptedNode::json("200 OK", r#"{"some":["value",1.0,null]}"#).await;
        let response = server.client().node_read(&node(), read, AMPLE).await.unwrap();
        assert_eq!(response, json!({ "some": ["value", 1.0, null] }));
        let request = server.requests().remove(0);
        assert_eq!(request.line(), line);
        assert_eq!(request.text().is_empty(), sent.is_empty(), "{line}");
        if !sent.is_empty() {
            assert_eq!(
                serde_json::from_slice::<Value>(&request.body).unwrap(),
                serde_json::from_str::<Value>(sent).unwrap()
            );
        }
    }
}

#[tokio::test]
async fn search_returns_the_hits_of_the_node() {
    let found =
        r#"{"hits":[{"id":7,"_rankingScoreDetails":{}}],"processingTimeMs":1,"estimatedTotalHits":1}"#;
    let server = ScriptedNode::json("200 OK", found).await;
    let body = object(&json!({ "q": "carol", "limit": 3 }));
    let search = NodeSearch { index: movies(), body };
    let response = server.client().node_search(&node(), search, AMPLE).await.unwrap();
    assert_eq!(merged(response)["hits"], json!([{ "id": 7 }]));
    let request = server.requests().remove(0);
    assert_eq!(request.line(), "POST /indexes/movies/search");
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, json!({ "q": "carol", "limit": 3 }));
}

#[tokio::test]
async fn search_is_unknown_when_the_response_is_invalid() {
    for invalid in ["[]", "3", r#"{"hits":{"id":1}}"#, r#"{"hits":[{"id":1}"#, ""] {
        let server = ScriptedNode::json("200 OK", invalid).await;
        let search = NodeSearch { index: movies(), body: object(&json!({})) };
        match server.client().node_search(&node(), search, AMPLE).await {
            Err(NodeError::Unknown { source, .. }) => {
                let reason = error_chain(&source);
                assert!(reason.contains("not what was expected"), "{invalid}: {reason}");
            }
            other => panic!("{invalid}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn node_below_a_path_is_called_there() {
    let server = ScriptedNode::json("200 OK", r#"{"status":"available"}"#).await;
    let endpoint = endpoint(&format!("http://{}/search/node-1/", server.address));
    let nodes = MeilisearchNodes::unguarded([endpoint], &ClientOptions::default()).unwrap();
    nodes.node_read(&node(), NodeRead::Version, AMPLE).await.unwrap();
    let lines: Vec<String> = server.requests().iter().map(|request| request.line().to_owned()).collect();
    assert_eq!(lines, ["GET /search/node-1/version"]);
}

#[tokio::test]
async fn connections_are_reused() {
    let server = ScriptedNode::json("200 OK", r#"{"status":"available"}"#).await;
    let nodes = server.client();
    for _ in 0..20 {
        nodes.node_read(&node(), NodeRead::Version, AMPLE).await.unwrap();
    }
    drop(nodes);
    // Each connection adds one permit at its end, and dropping the client ends all of them.
    server.closed.acquire().await.unwrap().forget();
    assert_eq!(server.closed.available_permits(), 0, "more than one connection was made");
}

#[tokio::test]
async fn tasks_follow_every_page() {
    let server = ScriptedNode::start(|number, _| {
        let (task, next) = match number {
            0 => (
                r#"{"uid":9,"batchUid":4,"indexUid":"movies","status":"failed","type":"documentAdditionOrUpdate",
                    "canceledBy":null,"details":{"receivedDocuments":2},
                    "error":{"message":"m","code":"c","type":"invalid_request","link":"l"},"duration":"PT1S",
                    "enqueuedAt":"2024-01-01T00:00:00.5Z","startedAt":"2024-01-01T00:00:01.123456789Z",
                    "finishedAt":"2024-01-01T00:00:02Z","customMetadata":"miroir:1"}"#,
                "7",
            ),
            _ => (
                r#"{"uid":7,"batchUid":null,"indexUid":null,"status":"enqueued","type":"someFutureType","error":null,
                    "details":null,"enqueuedAt":"2024-01-01T00:00:00Z","startedAt":null,"finishedAt":null}"#,
                "null",
            ),
        };
        Reply::Send(response("200 OK", &format!(r#"{{"results":[{task}],"total":2,"limit":1,"from":9,"next":{next}}}"#)))
    })
    .await;
    let since = Timestamp::from_millis(1_700_000_000_123);
    let selection = NodeTaskSelection::IndexSince(movies(), since);
    let tasks = server.client().node_tasks(&node(), selection, AMPLE).await.unwrap();
    let lines: Vec<String> = server.requests().iter().map(|request| request.line().to_owned()).collect();
    let first = "GET /tasks?limit=1000&indexUids=movies&afterEnqueuedAt=2023-11-14T22%3A13%3A20.123Z";
    assert_eq!(lines, [first.to_owned(), format!("{first}&from=7")]);
    assert_eq!(tasks.iter().map(|task| task.uid).collect::<Vec<_>>(), [7, 9]);
    let (queued, failed) = (&tasks[0], &tasks[1]);
    assert_eq!((queued.status, queued.kind.as_str()), (TaskStatus::Enqueued, "someFutureType"));
    assert_eq!((&queued.index_uid, &queued.error, &queued.started_at), (&None, &None, &None));
    assert_eq!(failed.status, TaskStatus::Failed);
    assert_eq!(failed.error.as_ref().unwrap().code, "c");
    assert_eq!(failed.details.as_ref().unwrap()["receivedDocuments"], 2);
    assert_eq!(failed.started_at.unwrap().as_millis() % 10_000, 1_123);
    assert_eq!(failed.custom_metadata.as_deref(), Some("miroir:1"));
}

#[tokio::test]
async fn no_task_uids_need_no_request() {
    let server = ScriptedNode::always(Reply::Close).await;
    let tasks =
        server.client().node_tasks(&node(), NodeTaskSelection::Uids(Vec::new()), AMPLE).await.unwrap();
    assert!(tasks.is_empty() && server.requests().is_empty());
}
