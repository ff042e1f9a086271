//! Every supported route, from the request to the port and back.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use miroir_domain::payload::PayloadFormat;
use miroir_domain::quorum::Degraded;
use miroir_domain::settings::{Setting, SettingsAction, UpdateMethod};
use miroir_domain::task::TaskKind;
use miroir_domain::write::WriteMode;
use miroir_domain::{GroupId, Shard};
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{
    DocumentSelection, MockDocumentApi, MockIndexApi, MockSearchApi, MockSettingsApi,
};
use serde_json::{Value, json};
use support::{Request, Server, accepted, cluster_api, panicking_apis, read_response, stub_apis};

async fn server(apis: Apis) -> Server {
    Server::start(apis, HttpOptions::default()).await
}

#[tokio::test]
async fn reads_return_200_with_the_result_of_the_port() {
    let server = server(stub_apis()).await;
    for (path, body) in [
        ("/health", json!({"status": "available"})),
        ("/version", json!({"pkgVersion": "1.50.0"})),
        ("/indexes", json!({"offset": 0, "limit": 20})),
        ("/indexes?offset=3&limit=4", json!({"offset": 3, "limit": 4})),
        ("/indexes/movies", json!({"uid": "movies"})),
        ("/indexes/movies/stats", json!({"stats": "movies"})),
        ("/stats", json!({"indexes": {}})),
        ("/indexes/m/documents?fields=a,b&limit=1", json!({"limit": 1, "fields": ["a", "b"]})),
        ("/indexes/m/documents/x%20y?fields=a", json!({"id": "x y", "parameters": {"fields": ["a"]}})),
        ("/indexes/m/settings", json!({"setting": null})),
        ("/indexes/m/settings/stop-words", json!({"setting": "stopWords"})),
        ("/_miroir/ready", json!({"ready": true, "reasons": []})),
    ] {
        let response = server.get(path).await;
        assert_eq!((response.status, response.json()), (200, body), "{path}");
        assert_eq!(response.header("content-type"), Some("application/json"));
    }
    let fetch = Request::new("POST", "/indexes/m/documents/fetch").json(r#"{"limit":1,"ids":["a"]}"#);
    assert_eq!(server.send(&fetch).await.json(), json!({"limit": 1, "ids": ["a"]}));
}

#[tokio::test]
async fn tasks_and_topology_are_returned_in_their_shapes() {
    let server = server(stub_apis()).await;
    let list = server.get("/tasks?limit=5&from=9").await;
    assert_eq!(list.json(), json!({"results": [], "total": 0, "limit": 5, "from": 9, "next": null}));
    let task = server.get("/tasks/3").await.json();
    assert_eq!((&task["uid"], &task["type"]), (&json!(3), &json!("indexCreation")));
    assert_eq!(server.get("/_miroir/tasks/3").await.json()["nodeTasks"], json!({}));
    assert_eq!(server.get("/_miroir/topology").await.json()["replicationFactor"], json!(1));
}

#[tokio::test]
async fn searches_reach_the_port_from_a_body_and_from_a_url() {
    let server = server(stub_apis()).await;
    let body = Request::new("POST", "/indexes/m/search").json(r#"{"q":"a","limit":2}"#);
    assert_eq!(server.send(&body).await.json(), json!({"q": "a", "limit": 2}));
    let url = server.get("/indexes/m/search?q=a%20b&limit=2&filter=%5B%22x=1%22%5D").await.json();
    assert_eq!((&url["q"], &url["limit"], &url["filter"]), (&json!("a b"), &json!(2), &json!(["x=1"])));
}

#[tokio::test]
async fn readiness_is_503_while_not_ready() {
    let apis = Apis { cluster: Arc::new(cluster_api(false)), ..panicking_apis() };
    let response = server(apis).await.get("/_miroir/ready").await;
    assert_eq!((response.status, response.json()["ready"].clone()), (503, json!(false)));
}

#[tokio::test]
async fn index_creation_passes_uid_and_primary_key_to_the_port() {
    let mut index = MockIndexApi::new();
    index
        .expect_index_create()
        .withf(|uid, key| uid.as_str() == "movies" && key.as_deref() == Some("id"))
        .returning(|uid, _| Ok(accepted(TaskKind::IndexCreation, &uid)));
    let server = server(Apis { index: Arc::new(index), ..panicking_apis() }).await;
    let request = Request::new("POST", "/indexes").json(r#"{"uid":"movies","primaryKey":"id"}"#);
    let response = server.send(&request).await;
    assert_eq!(response.status, 202);
    assert_eq!(
        response.json(),
        json!({
            "taskUid": 7, "indexUid": "movies", "status": "enqueued", "type": "indexCreation",
            "enqueuedAt": "1970-01-01T00:00:00.000Z",
        })
    );
}

/// Returns the mode, format, primary key, metadata and body of the write that reaches the port.
async fn written(request: Request<'_>) -> (WriteMode, PayloadFormat, Option<String>, Option<String>, Bytes) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut document = MockDocumentApi::new();
    document.expect_documents_write().returning(move |write| {
        let accepted_write = accepted(TaskKind::DocumentAdditionOrUpdate, &write.index);
        sender.send(write).unwrap();
        Ok(accepted_write)
    });
    let server = server(Apis { document: Arc::new(document), ..panicking_apis() }).await;
    let response = server.send(&request).await;
    assert_eq!(response.status, 202, "{}", response.body);
    let write = receiver.recv().await.unwrap();
    assert_eq!(write.index.as_str(), "m");
    (write.mode, write.format, write.primary_key, write.custom_metadata, write.body)
}

#[tokio::test]
async fn writes_pass_format_mode_and_parameters_to_the_port() {
    let path = "/indexes/m/documents";
    let json = written(Request::new("POST", path).json("[]")).await;
    assert_eq!(json, (WriteMode::Replace, PayloadFormat::Json, None, None, Bytes::from("[]")));

    let path = "/indexes/m/documents?primaryKey=id&customMetadata=a%20b&skipCreation=false";
    let ndjson = Request::new("PUT", path).header("Content-Type", "application/x-ndjson").body(b"{}");
    let expected = (
        WriteMode::Update,
        PayloadFormat::Ndjson,
        Some("id".to_owned()),
        Some("a b".to_owned()),
        Bytes::from("{}"),
    );
    assert_eq!(written(ndjson).await, expected);

    for (path, delimiter) in [("/indexes/m/documents", b','), ("/indexes/m/documents?csvDelimiter=%3B", b';')]
    {
        let csv = Request::new("POST", path).header("Content-Type", "text/csv; charset=utf-8").body(b"id");
        assert_eq!(written(csv).await.1, PayloadFormat::Csv { delimiter }, "{path}");
    }
}

#[tokio::test]
async fn deletions_pass_their_selection_to_the_port() {
    let cases: [(Request<'_>, DocumentSelection, Option<&str>); 4] = [
        (Request::new("DELETE", "/indexes/m/documents"), DocumentSelection::All, None),
        (
            Request::new("DELETE", "/indexes/m/documents/a%20b?customMetadata=x"),
            DocumentSelection::Ids(vec![json!("a b")]),
            Some("x"),
        ),
        (
            Request::new("POST", "/indexes/m/documents/delete-batch").json(r#"[1,"a"]"#),
            DocumentSelection::Ids(vec![json!(1), json!("a")]),
            None,
        ),
        (
            Request::new("POST", "/indexes/m/documents/delete").json(r#"{"filter":["a = 1"]}"#),
            DocumentSelection::Filter(json!(["a = 1"])),
            None,
        ),
    ];
    for (request, selection, metadata) in cases {
        let metadata = metadata.map(str::to_owned);
        let mut document = MockDocumentApi::new();
        document
            .expect_documents_delete()
            .withf(move |_, sent, custom| *sent == selection && *custom == metadata)
            .returning(|index, _, _| Ok(accepted(TaskKind::DocumentDeletion, &index)));
        let server = server(Apis { document: Arc::new(document), ..panicking_apis() }).await;
        assert_eq!(server.send(&request).await.status, 202);
    }
}

#[tokio::test]
async fn settings_are_changed_with_their_method_and_reset() {
    let mut settings = MockSettingsApi::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    settings.expect_settings_change().returning(move |index, change| {
        sender.send(change).unwrap();
        Ok(accepted(TaskKind::SettingsUpdate, &index))
    });
    let server = server(Apis { settings: Arc::new(settings), ..panicking_apis() }).await;
    let whole = [(None, String::new(), "PATCH")];
    let each = Setting::ALL.iter().map(|&setting| {
        let method = match setting.update_method() {
            UpdateMethod::Put => "PUT",
            UpdateMethod::Patch => "PATCH",
        };
        (Some(setting), format!("/{}", setting.route()), method)
    });
    for (setting, route, method) in whole.into_iter().chain(each) {
        let path = format!("/indexes/m/settings{route}");
        let update = Request::new(method, &path).json("null");
        assert_eq!(server.send(&update).await.status, 202, "{method} {path}");
        let change = receiver.recv().await.unwrap();
        assert_eq!((change.setting, change.action), (setting, SettingsAction::Update(Value::Null)));

        assert_eq!(server.send(&Request::new("DELETE", &path)).await.status, 202, "DELETE {path}");
        let change = receiver.recv().await.unwrap();
        assert_eq!((change.setting, change.action), (setting, SettingsAction::Reset));

        let other = if method == "PUT" { "PATCH" } else { "PUT" };
        let refused = server.send(&Request::new(other, &path).json("null")).await;
        assert_eq!(refused.status, 405);
        assert_eq!(refused.header("allow"), Some(format!("GET, {method}, DELETE").as_str()));
    }
}

#[tokio::test]
async fn degraded_responses_have_a_header_with_the_missing_parts() {
    let shards = [Shard(1), Shard(2)].into_iter().collect();
    let degraded = Degraded {
        groups: BTreeMap::from([(GroupId(0), shards)]),
        nodes: BTreeSet::from(["node-a".parse().unwrap()]),
    };
    let mut search = MockSearchApi::new();
    let missing = degraded.clone();
    search.expect_search().returning(move |_, _| {
        Ok(miroir_ports::inbound::ReadResponse {
            degraded: Some(missing.clone()),
            ..read_response(json!({}))
        })
    });
    let mut index = MockIndexApi::new();
    let missing = degraded.clone();
    index.expect_index_delete().returning(move |index| {
        let accepted = accepted(TaskKind::IndexDeletion, &index);
        Ok(miroir_ports::inbound::Accepted { degraded: Some(missing.clone()), ..accepted })
    });
    let server = server(Apis { search: Arc::new(search), index: Arc::new(index), ..panicking_apis() }).await;
    let expected = degraded.to_string();
    let search = server.get("/indexes/m/search").await;
    assert_eq!(search.header("x-miroir-degraded"), Some(expected.as_str()));
    assert_eq!(search.json(), json!({ "degraded": expected }));
    let delete = server.send(&Request::new("DELETE", "/indexes/m")).await;
    assert_eq!(delete.header("x-miroir-degraded"), Some(expected.as_str()));
}

#[tokio::test]
async fn compressed_body_reaches_the_port_decompressed() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"[{\"id\":1}]").unwrap();
    let packed = encoder.finish().unwrap();
    let request = Request::new("POST", "/indexes/m/documents")
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(&packed);
    assert_eq!(written(request).await.4, Bytes::from("[{\"id\":1}]"));
}

#[tokio::test]
async fn request_ids_are_kept_or_generated_and_always_returned() {
    let server = server(stub_apis()).await;
    for path in ["/health", "/nope", "/indexes/a%20b"] {
        let kept = server.send(&Request::new("GET", path).header("X-Request-Id", "mine-1")).await;
        assert_eq!(kept.header("x-request-id"), Some("mine-1"), "{path}");
        let first = server.get(path).await.header("x-request-id").unwrap().to_owned();
        let second = server.send(&Request::new("GET", path).header("X-Request-Id", "not sane")).await;
        assert_ne!(Some(first.as_str()), second.header("x-request-id"), "{path}");
        assert_ne!(second.header("x-request-id"), Some("not sane"));
    }
}

#[tokio::test]
async fn cross_origin_requests_are_allowed_on_client_routes_only() {
    let server = server(stub_apis()).await;
    let preflight = |path| {
        Request::new("OPTIONS", path)
            .header("Origin", "http://a.test")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type")
    };
    let allowed = server.send(&preflight("/indexes/m/search")).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization,content-type"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("POST"));
    for path in ["/_miroir/topology", "//_miroir/topology", "/%5Fmiroir/topology"] {
        let refused = server.send(&preflight(path)).await;
        assert_eq!(refused.status, 405, "{path}");
        let read = server.send(&Request::new("GET", path).header("Origin", "http://a.test")).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, None), "{path}");
    }
    let read = server.send(&Request::new("GET", "/health").header("Origin", "http://a.test")).await;
    assert_eq!(read.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn aliases_are_returned_with_their_shape_and_version() {
    let server = server(stub_apis()).await;
    let body = r#"{"name":"films","target":"v1"}"#;
    let created = server.send(&Request::new("POST", "/_miroir/aliases").json(body)).await;
    assert_eq!((created.status, created.header("etag")), (201, Some("\"3\"")));
    assert_eq!(created.json()["target"], "v1");
    assert_eq!(server.get("/_miroir/aliases?after=a&limit=1").await.json()["next"], "a");
    assert_eq!(server.get("/_miroir/aliases/films").await.header("etag"), Some("\"3\""));
    let flip = || Request::new("PUT", "/_miroir/aliases/films").json(r#"{"target":"v2"}"#);
    for version in ["\"3\"", "3", "*", " \"3\" ", "W/\"3\""] {
        let flipped = server.send(&flip().header("If-Match", version)).await;
        assert_eq!((flipped.status, &flipped.json()["target"]), (200, &json!("v2")), "{version}");
    }
    let swap = Request::new("POST", "/_miroir/aliases/_swap").json(r#"{"aliases":["a","b"]}"#);
    assert_eq!(server.send(&swap).await.json()["results"][0]["target"], "v2");
    let deleted = server.send(&Request::new("DELETE", "/_miroir/aliases/films")).await;
    assert_eq!((deleted.status, deleted.body.len(), deleted.header("content-type")), (204, 0, None));
}

#[tokio::test]
async fn multi_search_returns_the_responses_in_the_order_of_the_queries() {
    let server = server(stub_apis()).await;
    let body = r#"{"queries":[{"indexUid":"a","q":"x"},{"indexUid":"b","limit":1}]}"#;
    let response = server.send(&Request::new("POST", "/multi-search").json(body)).await;
    let expected = json!({"results": [{"indexUid": "a", "q": "x"}, {"indexUid": "b", "limit": 1}]});
    assert_eq!((response.status, response.json()), (200, expected));
}
