//! Bad input of every kind against the whole process: Miroir refuses it in the format of Meilisearch before
//! it calls a node, creates no task, and keeps running.

use std::io::Write as _;
use std::time::Duration;

use miroir_devnode::RecordedRequest;
use miroir_e2e::{Client, Cluster, TIMEOUT};
use miroir_http::route_list;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const MAX_BODY_BYTES: usize = 300_000;
const BODY_TIMEOUT_MS: u64 = 700;

/// A cluster with an index `films` of one film. The request logs of its nodes are empty.
struct Fixture {
    cluster: Cluster,
    client: Client,
    tasks: Value,
}

impl Fixture {
    async fn new() -> Self {
        let cluster = Cluster::builder().nodes(2).replication_factor(2).configuration(json!({
            "server": { "max_body_bytes": MAX_BODY_BYTES, "body_timeout_ms": BODY_TIMEOUT_MS },
        }));
        let mut cluster = cluster.start().await.unwrap();
        let client = cluster.client();
        let film = json!([{ "id": 1, "title": "Metropolis" }]);
        let task = client.write("POST", "/indexes/films/documents?primaryKey=id", film).await.unwrap();
        assert_eq!(task["status"], "succeeded", "{task}");
        let tasks = client.get("/tasks").await.unwrap().expect(200).unwrap();
        for node in cluster.nodes() {
            node.simulated().unwrap().control().clear_requests();
        }
        Self { cluster, client, tasks }
    }

    /// Asserts that nodes got health checks only, that no task was created, and that Miroir is running.
    async fn is_untouched(&mut self) {
        let client = &self.client;
        assert_eq!(client.get("/tasks").await.unwrap().expect(200).unwrap(), self.tasks);
        for node in self.cluster.nodes() {
            let requests: Vec<RecordedRequest> = node
                .simulated()
                .unwrap()
                .control()
                .requests()
                .into_iter()
                .filter(|request| !is_probe(request))
                .collect();
            assert!(requests.is_empty(), "{} got requests: {requests:#?}", node.id());
        }
        client.get("/_miroir/ready").await.unwrap().expect(200).unwrap();
        let found =
            client.call("POST", "/indexes/films/search", json!({})).await.unwrap().expect(200).unwrap();
        assert_eq!(found["estimatedTotalHits"], 1, "{found}");
        assert!(self.cluster.miroir().process().is_running().unwrap());
    }

    /// Sends raw bytes, closes the sending side, and reads the status and the body of the response.
    async fn raw(&self, bytes: &[u8]) -> (u16, Value) {
        let address = self.client.base_url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Miroir may respond and close before everything is sent.
        let _ = stream.write_all(bytes).await;
        let mut response = Vec::new();
        let read =
            timeout(TIMEOUT, stream.read_to_end(&mut response)).await.expect("the connection stays open");
        assert!(read.is_ok() || !response.is_empty(), "{read:?}");
        let text = String::from_utf8(response).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (
            status.unwrap_or_else(|| panic!("no response: {text}")),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }
}

/// Asserts that the response is a refusal in the format of Meilisearch.
fn assert_refusal(status: u16, body: &Value, what: &str) {
    assert!((400..500).contains(&status) || status == 501, "{what}: {status} {body}");
    for field in ["message", "code", "type", "link"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: no `{field}` in {body}");
    }
    let kind = body["type"].as_str().unwrap();
    assert!(["invalid_request", "auth", "system"].contains(&kind), "{what}: {body}");
}

/// Each `POST` route without a body.
const WITHOUT_BODY: [&str; 5] = [
    "/_miroir/canaries/{id}/run",
    "/_miroir/cdc/sinks/{sink}/pause",
    "/_miroir/cdc/sinks/{sink}/resume",
    "/_miroir/nodes/{node}/adopt",
    "/_miroir/nodes/{node}/reset",
];

/// Returns every route with a body, as a path that would otherwise succeed.
fn routes_with_body() -> Vec<(String, String)> {
    let routes = route_list().into_iter().filter(|route| {
        ["POST", "PUT", "PATCH"].contains(&route.method.as_str())
            && !WITHOUT_BODY.contains(&route.template.as_str())
    });
    let fill = |template: String| {
        let names = [
            ("{index_uid}", "films"),
            ("{document_id}", "1"),
            ("{name}", "films"),
            ("{id}", "1"),
            ("{sink}", "s"),
        ];
        names.iter().fold(template, |path, (parameter, value)| path.replace(parameter, value))
    };
    let routes: Vec<_> = routes.map(|route| (route.method, fill(route.template))).collect();
    assert!(routes.len() > 30, "{routes:?}");
    routes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn malformed_bodies_are_refused_on_every_route() {
    let mut fixture = Fixture::new().await;
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"[{\"id\":1},",
        b"{\"id\":2} trailing",
        b"\xff\xfe\x00\x01",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":NaN}",
        b"\"never closed",
        &deep,
    ];
    for (method, path) in routes_with_body() {
        for body in bodies {
            let request = fixture.client.request(&method, &path).unwrap();
            let request = request.header("Content-Type", "application/json").body(body.to_vec());
            let response = fixture.client.send(request).await.unwrap();
            let start = String::from_utf8_lossy(&body[..body.len().min(20)]);
            assert_refusal(response.status, &response.body, &format!("{method} {path} {start}"));
        }
    }
    fixture.is_untouched().await;
}

#[tokio::test]
async fn wrong_content_types_and_encodings_are_refused_on_every_route() {
    let mut fixture = Fixture::new().await;
    let good = br#"[{"id":2}]"#.to_vec();
    let bomb = gzip(&vec![b' '; MAX_BODY_BYTES * 20]);
    assert!(bomb.len() < MAX_BODY_BYTES);
    let cut = gzip(&good)[..12].to_vec();
    let cases: [(&str, &str, &[u8]); 7] = [
        ("text/plain", "", &good),
        ("application/xml", "", &good),
        ("\u{e9}", "", &good),
        ("application/json", "zstd-of-my-own", &good),
        ("application/json", "gzip", &good),
        ("application/json", "gzip", &cut),
        ("application/json", "gzip", &bomb),
    ];
    for (method, path) in routes_with_body() {
        for (kind, encoding, body) in cases {
            let mut request = fixture.client.request(&method, &path).unwrap().header("Content-Type", kind);
            if !encoding.is_empty() {
                request = request.header("Content-Encoding", encoding);
            }
            let response = fixture.client.send(request.body(body.to_vec())).await.unwrap();
            assert_refusal(response.status, &response.body, &format!("{method} {path} {kind} {encoding}"));
        }
    }
    fixture.is_untouched().await;
}

#[tokio::test]
async fn wrong_values_are_refused_with_their_code() {
    let mut fixture = Fixture::new().await;
    for (method, path, body, code) in [
        ("POST", "/indexes", json!({ "uid": "../etc" }), "invalid_index_uid"),
        ("POST", "/indexes", json!({ "uid": "x".repeat(401) }), "invalid_index_uid"),
        ("POST", "/indexes", json!({ "primaryKey": "id" }), "missing_index_uid"),
        ("GET", "/indexes?limit=ten", Value::Null, "invalid_index_limit"),
        ("POST", "/indexes/..%2F..%2Fetc/documents", json!([{ "id": 1 }]), "invalid_index_uid"),
        ("POST", "/indexes/%00/search", json!({}), "invalid_index_uid"),
        ("POST", "/indexes/%FF%FE/search", json!({}), "invalid_index_uid"),
        ("POST", "/indexes/films/documents", json!([1, 2]), "malformed_payload"),
        ("POST", "/indexes/films/documents", json!("text"), "malformed_payload"),
        (
            "POST",
            "/indexes/films/documents",
            json!([{ "id": 1, "_miroir_shard": 3 }]),
            "miroir_reserved_field",
        ),
        ("POST", "/indexes/films/documents/delete-batch", json!({ "ids": [1] }), "bad_request"),
        ("POST", "/indexes/films/documents/delete", json!({ "filter": 7 }), "invalid_document_filter"),
        ("GET", "/indexes/films/documents?limit=-1", Value::Null, "invalid_document_limit"),
        ("GET", "/indexes/films/documents/a%20b", Value::Null, "invalid_document_id"),
        ("POST", "/indexes/films/search", json!({ "limit": "ten" }), "invalid_search_limit"),
        ("POST", "/indexes/films/search", json!({ "offset": 1e30 }), "invalid_search_offset"),
        ("POST", "/indexes/films/search", json!({ "q": 7 }), "invalid_search_q"),
        ("POST", "/indexes/films/search", json!({ "facets": "genre" }), "invalid_search_facets"),
        ("POST", "/indexes/films/search", json!({ "lmit": 1 }), "bad_request"),
        ("GET", "/indexes/films/search?page=first", Value::Null, "invalid_search_page"),
        ("PATCH", "/indexes/films/settings", json!({ "stopWords": 1 }), "invalid_settings_stop_words"),
        ("PATCH", "/indexes/films/settings", json!({ "colour": 1 }), "bad_request"),
        ("PUT", "/indexes/films/settings/ranking-rules", json!(["luck"]), "invalid_settings_ranking_rules"),
        ("PUT", "/indexes/films/settings/search-cutoff-ms", json!(-5), "invalid_settings_search_cutoff_ms"),
        ("GET", "/tasks?statuses=lost", Value::Null, "invalid_task_statuses"),
        ("GET", "/tasks?uids=1,two", Value::Null, "invalid_task_uids"),
        ("GET", "/tasks?afterEnqueuedAt=yesterday", Value::Null, "invalid_task_after_enqueued_at"),
        ("GET", "/tasks?limit=99999999999999999999", Value::Null, "invalid_task_limit"),
        ("GET", "/tasks?nonsense=1", Value::Null, "bad_request"),
        ("GET", "/tasks/-1", Value::Null, "invalid_task_uids"),
    ] {
        let response = fixture.client.call(method, path, body).await.unwrap();
        assert_refusal(response.status, &response.body, &format!("{method} {path}"));
        assert_eq!(
            (response.status, response.body["code"].as_str()),
            (400, Some(code)),
            "{method} {path}: {}",
            response.body
        );
    }
    fixture.is_untouched().await;
}

#[tokio::test]
async fn payload_with_one_bad_document_is_written_to_no_node() {
    let mut fixture = Fixture::new().await;
    let mut documents: Vec<Value> = (10..60).map(|id| json!({ "id": id })).collect();
    documents.push(json!({ "id": "not valid!" }));
    let task = fixture.client.write("POST", "/indexes/films/documents", json!(documents)).await.unwrap();
    assert_eq!(
        (task["status"].as_str(), task["error"]["code"].as_str()),
        (Some("failed"), Some("invalid_document_id")),
        "{task}"
    );
    // The failed task stays, as on a single server, and nothing else.
    fixture.tasks = fixture.client.get("/tasks").await.unwrap().expect(200).unwrap();
    assert_eq!(fixture.tasks["total"], 2);
    fixture.is_untouched().await;
}

#[tokio::test]
async fn oversized_requests_are_refused_with_every_framing() {
    let mut fixture = Fixture::new().await;
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    for (method, path) in routes_with_body() {
        let request = fixture.client.request(&method, &path).unwrap();
        let request = request.header("Content-Type", "application/json").body(large.clone());
        let response = fixture.client.send(request).await.unwrap();
        assert_refusal(response.status, &response.body, &path);
        assert!([413, 501].contains(&response.status), "{method} {path}: {}", response.body);
    }
    let start = "POST /indexes/films/documents HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let chunked = format!(
        "{start}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        large.len(),
        " ".repeat(large.len())
    );
    let lying = format!("{start}Content-Length: 99999999999999\r\n\r\n[");
    for request in [chunked, lying] {
        let (status, body) = fixture.raw(request.as_bytes()).await;
        assert_eq!((status, body["code"].as_str()), (413, Some("payload_too_large")), "{body}");
    }
    let header = format!(
        "GET /indexes HTTP/1.1\r\nHost: m\r\nConnection: close\r\nX-Long: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    let (status, _) = fixture.raw(header.as_bytes()).await;
    assert_eq!(status, 431);
    let url =
        format!("GET /indexes?{} HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n", "x".repeat(200_000));
    let (status, _) = fixture.raw(url.as_bytes()).await;
    assert!([414, 431].contains(&status), "{status}");
    fixture.is_untouched().await;
}

#[tokio::test]
async fn incomplete_upload_leaves_no_trace() {
    let mut fixture = Fixture::new().await;
    let address = fixture.client.base_url().strip_prefix("http://").unwrap().to_owned();
    let documents = br#"[{"id":5},{"id":6},{"id":7}]"#;
    for (kind, length) in [("application/json", 500), ("application/x-ndjson", 40), ("text/csv", 29)] {
        let head = format!(
            "POST /indexes/films/documents HTTP/1.1\r\nHost: m\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        // The client disconnects in the middle of the body.
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(documents).await.unwrap();
        drop(stream);
        // The client stays connected without sending the rest.
        let begun = tokio::time::Instant::now();
        let (status, body) = fixture.raw(&[head.as_bytes(), documents].concat()).await;
        assert_eq!(status, 408, "{body}");
        assert_refusal(status, &body, kind);
        assert!(begun.elapsed() < Duration::from_millis(BODY_TIMEOUT_MS) * 20);
    }
    fixture.is_untouched().await;
}

#[tokio::test]
async fn invalid_http_is_refused() {
    let mut fixture = Fixture::new().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET /indexes HTTP/9.9\r\n\r\n",
        b"GET /indexes HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /indexes HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
        b"POST /indexes HTTP/1.1\r\nHost: m\r\nContent-Length: -3\r\n\r\n",
        b"POST /indexes HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    ] {
        let (status, _) = fixture.raw(bytes).await;
        assert!((400..500).contains(&status), "{status} for {:?}", String::from_utf8_lossy(bytes));
    }
    fixture.is_untouched().await;
}

#[tokio::test]
async fn wrong_keys_are_refused_before_anything_else() {
    let mut cluster = Cluster::builder()
        .configuration(json!({ "auth": { "master_key": "the-master-key-of-this-test", "admin_key": "the-admin-key-of-this-test" } }))
        .start()
        .await
        .unwrap();
    let url = cluster.client().base_url().to_owned();
    for node in cluster.nodes() {
        node.simulated().unwrap().control().clear_requests();
    }
    for (key, status, code) in
        [(None, 401, "missing_authorization_header"), (Some("wrong"), 403, "invalid_api_key")]
    {
        let client = Client::new(&url, key).unwrap();
        for route in route_list() {
            let path = route.template.replace("{index_uid}", "films").replace("{document_id}", "1");
            let open = ["/", "/health", "/_miroir/ready", "/_miroir/openapi.json", "/_miroir/docs/errors"];
            if open.contains(&path.as_str()) {
                continue;
            }
            let response = client.call(&route.method, &path, Value::Null).await.unwrap();
            let what = format!("{} {path}", route.method);
            assert_refusal(response.status, &response.body, &what);
            let wanted =
                if path.starts_with("/_miroir") { (401, "miroir_invalid_auth") } else { (status, code) };
            assert_eq!(
                (response.status, response.body["code"].as_str().unwrap()),
                wanted,
                "{what}: {}",
                response.body
            );
        }
    }
    for node in cluster.nodes() {
        let control = node.simulated().unwrap().control();
        let requests: Vec<_> = control.requests().into_iter().filter(|request| !is_probe(request)).collect();
        assert!(requests.is_empty(), "{requests:?}");
    }
    let log = cluster.miroir().process().log();
    assert!(!log.contains("of-this-test"), "a key is in the log");
}

/// Returns whether a request to a node is part of a probe, which checks the identity of the node as well.
fn is_probe(request: &RecordedRequest) -> bool {
    let path = request.path.as_str();
    let is_check = matches!(path, "/health" | "/version" | "/tasks" | "/stats");
    request.method == "GET"
        && (is_check || path.starts_with("/keys/") || path.starts_with("/indexes/_miroir_marker/"))
}

#[tokio::test]
async fn wrong_configuration_exits_with_code_2_and_the_error() {
    let nodes = json!([{ "id": "a", "url": "http://127.0.0.1:1" }]);
    for (configuration, error) in [
        (json!({ "clutser": {} }), "did you mean `cluster`"),
        (json!({ "cluster": { "shard_count": 0 } }), "cluster.shard_count"),
        (json!({ "cluster": { "shard_count": "many" } }), "cluster.shard_count"),
        (
            json!({ "cluster": { "replication_factor": 2 }, "nodes": nodes }),
            "fewer than the replication factor",
        ),
        (json!({ "cluster": { "write_quorum": 2 }, "nodes": nodes }), "quorum"),
        (json!({ "nodes": [{ "id": "a", "url": "ftp://x" }] }), "url"),
        (json!({ "nodes": [{ "id": "a", "url": "http://x:1" }, { "id": "a", "url": "http://y:1" }] }), "`a`"),
        (json!({ "nodes": [{ "id": "no spaces", "url": "http://x:1" }] }), "id"),
        (json!({ "server": { "address": "nowhere" } }), "server.address"),
        (json!({ "log": { "format": "yaml" } }), "log.format"),
        (json!({ "store": { "backend": "postgres" } }), "store.backend"),
    ] {
        let mut cluster =
            Cluster::builder().nodes(0).configuration(configuration.clone()).start_nodes().await.unwrap();
        cluster.miroir().start_unready().unwrap();
        let status = cluster.miroir().process().wait().await.unwrap();
        let log = cluster.miroir().process().log();
        assert_eq!(status.code(), Some(2), "{configuration}: {log}");
        assert!(log.contains(error), "{configuration}: `{error}` is not in:\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}
