//! Refusals of every route before any port is called.

mod support;

use std::sync::Arc;

use miroir_domain::error::ErrorCode;
use miroir_http::{Apis, HttpOptions, Secret, route_list};
use miroir_ports::inbound::{ApiError, MockIndexApi};
use miroir_ports::outbound::StoreError;
use serde_json::json;
use support::{Request, Server, panicking_apis};

/// A method, a path, a body, and the status and code of the refusal.
type Case = (&'static str, &'static str, Option<&'static str>, u16, &'static str);

const CASES: &[Case] = &[
    // Parameters of a URL.
    ("GET", "/indexes?limit=a", None, 400, "invalid_index_limit"),
    ("GET", "/indexes?offset=-1", None, 400, "invalid_index_offset"),
    ("GET", "/indexes?x=1", None, 400, "bad_request"),
    ("GET", "/indexes/m/documents?limit=", None, 400, "invalid_document_limit"),
    ("GET", "/indexes/m/documents?offset=1&offset=x", None, 400, "invalid_document_offset"),
    ("GET", "/indexes/m/documents?retrieveVectors=1", None, 400, "invalid_document_retrieve_vectors"),
    ("GET", "/indexes/m/documents?useNetwork=true", None, 501, "miroir_not_supported"),
    ("GET", "/indexes/m/documents?x", None, 400, "bad_request"),
    ("GET", "/indexes/m/documents/1?limit=1", None, 400, "bad_request"),
    ("GET", "/indexes/m/search?x=1", None, 400, "bad_request"),
    ("GET", "/indexes/m/search?limit=a", None, 400, "invalid_search_limit"),
    ("GET", "/tasks?x=1", None, 400, "bad_request"),
    ("GET", "/tasks?limit=a", None, 400, "invalid_task_limit"),
    ("GET", "/tasks?statuses=done", None, 400, "invalid_task_statuses"),
    ("GET", "/tasks/a", None, 400, "invalid_task_uids"),
    ("GET", "/tasks/4294967296", None, 400, "invalid_task_uids"),
    ("GET", "/_miroir/tasks/-1", None, 400, "invalid_task_uids"),
    ("POST", "/indexes/m/documents?x=1", Some("[]"), 400, "bad_request"),
    ("POST", "/indexes/m/documents?csvDelimiter=%3B", Some("[]"), 415, "invalid_content_type"),
    ("POST", "/indexes/m/documents?csvDelimiter=", Some("[]"), 400, "invalid_document_csv_delimiter"),
    ("POST", "/indexes/m/documents?csvDelimiter=ab", Some("[]"), 400, "invalid_document_csv_delimiter"),
    ("POST", "/indexes/m/documents?csvDelimiter=%C3%A9", Some("[]"), 400, "invalid_document_csv_delimiter"),
    ("POST", "/indexes/m/documents?skipCreation=x", Some("[]"), 400, "invalid_skip_creation"),
    ("PUT", "/indexes/m/documents?skipCreation=true", Some("[]"), 501, "miroir_not_supported"),
    ("DELETE", "/indexes/m/documents?x=1", None, 400, "bad_request"),
    ("DELETE", "/indexes/m/documents/1?x=1", None, 400, "bad_request"),
    ("POST", "/indexes/m/documents/delete?x=1", Some("{}"), 400, "bad_request"),
    ("POST", "/indexes/m/documents/delete-batch?x=1", Some("[]"), 400, "bad_request"),
    // Shapes of a body.
    ("POST", "/indexes", Some("[]"), 400, "bad_request"),
    ("POST", "/indexes", Some("{}"), 400, "missing_index_uid"),
    ("POST", "/indexes", Some(r#"{"uid":1}"#), 400, "invalid_index_uid"),
    ("POST", "/indexes", Some(r#"{"uid":"a b"}"#), 400, "invalid_index_uid"),
    ("POST", "/indexes", Some(r#"{"uid":"a","primaryKey":1}"#), 400, "invalid_index_primary_key"),
    ("POST", "/indexes", Some(r#"{"uid":"a","x":1}"#), 400, "bad_request"),
    ("POST", "/indexes/m/documents/fetch", Some("[]"), 400, "bad_request"),
    ("POST", "/indexes/m/documents/fetch", Some(r#"{"limit":1.5}"#), 400, "invalid_document_limit"),
    ("POST", "/indexes/m/documents/delete-batch", Some("{}"), 400, "bad_request"),
    ("POST", "/indexes/m/documents/delete", Some("{}"), 400, "missing_document_filter"),
    ("POST", "/indexes/m/documents/delete", Some("[]"), 400, "bad_request"),
    ("POST", "/indexes/m/documents/delete", Some(r#"{"filter":1}"#), 400, "invalid_document_filter"),
    ("POST", "/indexes/m/documents/delete", Some(r#"{"filter":null}"#), 400, "invalid_document_filter"),
    ("POST", "/indexes/m/documents/delete", Some(r#"{"filter":" "}"#), 400, "invalid_document_filter"),
    ("POST", "/indexes/m/documents/delete", Some(r#"{"filter":[]}"#), 400, "invalid_document_filter"),
    ("POST", "/indexes/m/documents/delete", Some(r#"{"filter":"a","x":1}"#), 400, "bad_request"),
    ("POST", "/indexes/m/search", Some("[1]"), 400, "bad_request"),
    ("POST", "/indexes/m/search", Some(r#"{"x":1}"#), 400, "bad_request"),
    ("POST", "/indexes/m/search", Some(r#"{"limit":"a"}"#), 400, "invalid_search_limit"),
    // Canaries.
    ("GET", "/_miroir/canaries?limit=0", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries?limit=1001", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries?x=1", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries/a%20b", None, 400, "miroir_invalid_canary"),
    ("GET", "/_miroir/canaries/a?x=1", None, 400, "bad_request"),
    ("DELETE", "/_miroir/canaries/a:b", None, 400, "miroir_invalid_canary"),
    ("DELETE", "/_miroir/canaries/a?x=1", None, 400, "bad_request"),
    ("POST", "/_miroir/canaries/config:/run", None, 400, "miroir_invalid_canary"),
    ("POST", "/_miroir/canaries/a/run?x=1", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries/a/runs?limit=a", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries/a/runs?offset=1", None, 400, "bad_request"),
    ("GET", "/_miroir/canaries/status?x=1", None, 400, "bad_request"),
    ("PUT", "/_miroir/canaries/status", Some("{}"), 405, "not_found"),
    ("DELETE", "/_miroir/canaries/capture", None, 405, "not_found"),
    ("POST", "/_miroir/canaries", Some("[]"), 400, "miroir_invalid_canary"),
    ("POST", "/_miroir/canaries", Some("{}"), 400, "miroir_invalid_canary"),
    ("POST", "/_miroir/canaries?x=1", Some("{}"), 400, "bad_request"),
    ("PUT", "/_miroir/canaries/a", Some(r#"{"name":1}"#), 400, "miroir_invalid_canary"),
    ("PUT", "/_miroir/canaries/a%2Fb", Some("{}"), 400, "miroir_invalid_canary"),
    ("POST", "/_miroir/canaries/capture", Some(r#"{"index":"m","count":101}"#), 400, "miroir_invalid_canary"),
    ("POST", "/_miroir/canaries/capture?x=1", Some("{}"), 400, "bad_request"),
    // Jobs.
    ("GET", "/_miroir/jobs?limit=0", None, 400, "bad_request"),
    ("GET", "/_miroir/jobs?limit=1001", None, 400, "bad_request"),
    ("GET", "/_miroir/jobs?state=queued", None, 400, "bad_request"),
    ("GET", "/_miroir/jobs/a?x=1", None, 400, "bad_request"),
    ("DELETE", "/_miroir/jobs/a?x=1", None, 400, "bad_request"),
    ("POST", "/_miroir/jobs", Some("{}"), 405, "not_found"),
    // Paths and methods.
    ("GET", "/nope", None, 404, "not_found"),
    ("GET", "/indexes/m/settings/nope", None, 404, "not_found"),
    ("GET", "/_miroir/nope", None, 404, "not_found"),
    ("DELETE", "/health", None, 405, "not_found"),
    ("BREW", "/indexes", None, 405, "not_found"),
    ("GET", "/indexes/m/documents/fetch", None, 405, "not_found"),
];

async fn server() -> Server {
    Server::start(panicking_apis(), HttpOptions::default()).await
}

fn request(method: &'static str, path: &'static str, body: Option<&'static str>) -> Request<'static> {
    let request = Request::new(method, path);
    body.map_or(request.clone(), |body| request.json(body))
}

#[tokio::test]
async fn invalid_input_is_refused_with_its_code() {
    let server = server().await;
    for &(method, path, body, status, code) in CASES {
        let response = server.send(&request(method, path, body)).await;
        let got = (response.status, response.code());
        assert_eq!(got, (status, code.to_owned()), "{method} {path} {body:?}: {}", response.body);
        assert!(response.header("x-request-id").is_some());
    }
}

/// Returns a path of the template with an invalid index uid.
fn with_bad_index(template: &str) -> String {
    template.replace("{index_uid}", "a%20b").replace("{document_id}", "1")
}

#[tokio::test]
async fn routes_of_an_index_refuse_an_invalid_uid() {
    let server = server().await;
    let routes: Vec<_> = route_list()
        .into_iter()
        .filter(|route| route.supported && route.template.contains("{index_uid}"))
        .collect();
    assert!(routes.len() > 70, "{}", routes.len());
    for route in routes {
        let path = with_bad_index(&route.template);
        // A body that every route accepts, except those that require an array or a filter.
        let body = match () {
            () if path.ends_with("delete-batch") => "[]",
            () if path.ends_with("/delete") => r#"{"filter":"a"}"#,
            () => "{}",
        };
        let response = server.send(&Request::new(&route.method, &path).json(body)).await;
        let got = (response.status, response.code());
        assert_eq!(got, (400, "invalid_index_uid".to_owned()), "{} {path}", route.method);
        assert!(response.message().starts_with("`a b` is not a valid index uid."), "{}", response.body);
    }
}

/// Returns the routes that read a body, with the media types they accept.
fn readers() -> Vec<(&'static str, String, &'static str)> {
    const JSON: &str = "`application/json`";
    let mut readers: Vec<_> = route_list()
        .into_iter()
        .filter(|route| route.supported && matches!(route.method.as_str(), "PUT" | "PATCH"))
        .filter(|route| route.template.contains("settings"))
        .map(|route| {
            let method = if route.method == "PUT" { "PUT" } else { "PATCH" };
            (method, route.template.replace("{index_uid}", "m"), JSON)
        })
        .collect();
    readers.extend(
        ["/indexes", "/indexes/m/search", "/indexes/m/documents/fetch", "/indexes/m/documents/delete"]
            .map(|path| ("POST", path.to_owned(), JSON)),
    );
    readers.push(("POST", "/indexes/m/documents/delete-batch".to_owned(), JSON));
    readers.extend(
        ["/_miroir/canaries", "/_miroir/canaries/capture"].map(|path| ("POST", path.to_owned(), JSON)),
    );
    readers.push(("PUT", "/_miroir/canaries/a".to_owned(), JSON));
    for method in ["POST", "PUT"] {
        let all = "`application/json`, `application/x-ndjson`, `text/csv`";
        readers.push((method, "/indexes/m/documents".to_owned(), all));
    }
    readers
}

#[tokio::test]
async fn routes_with_a_body_refuse_a_wrong_type_an_empty_body_and_a_wrong_encoding() {
    let server = server().await;
    for (method, path, accepted) in readers() {
        let request = Request::new(method, &path);
        let expect = async |request: Request<'_>, status: u16, code: &str, part: &str| {
            let response = server.send(&request).await;
            assert_eq!((response.status, response.code().as_str()), (status, code), "{method} {path}");
            assert!(response.message().contains(part), "{method} {path}: {}", response.body);
        };
        expect(request.clone().body(b"{}"), 415, "missing_content_type", accepted).await;
        let wrong = request.clone().header("Content-Type", "text/plain");
        expect(wrong.body(b"{}"), 415, "invalid_content_type", accepted).await;
        expect(request.clone().json(""), 400, "missing_payload", "A json payload is missing.").await;
        let packed = request.clone().header("Content-Encoding", "br");
        expect(packed.json("{}"), 415, "invalid_content_type", "Content-Encoding `br`").await;
        let broken = request.clone().header("Content-Encoding", "gzip");
        expect(broken.json("{}"), 400, "bad_request", "Content-Encoding").await;
    }
}

#[tokio::test]
async fn routes_with_a_json_body_refuse_invalid_json() {
    let server = server().await;
    let readers = readers().into_iter().filter(|(_, _, accepted)| !accepted.contains("csv"));
    for (method, path, _) in readers {
        for body in ["{", "nul", "{} x", "\u{0}", "[[[[", "{\"a\":}"] {
            let response = server.send(&Request::new(method, &path).json(body)).await;
            let got = (response.status, response.code());
            assert_eq!(got, (400, "malformed_payload".to_owned()), "{method} {path} {body}");
        }
        let deep = "[".repeat(100_000);
        let response = server.send(&Request::new(method, &path).json(&deep)).await;
        assert_eq!(response.code(), "malformed_payload", "{method} {path}");
    }
}

#[tokio::test]
async fn refusals_repeat_only_the_start_of_a_large_value() {
    let server = server().await;
    let large = "x".repeat(100_000);
    for (method, path, body) in [
        ("POST", "/indexes", json!({ "uid": [large] })),
        ("POST", "/indexes", json!({ "uid": large })),
        ("POST", "/indexes/m/search", json!({ "limit": large })),
        ("POST", "/indexes/m/search", json!([large])),
        ("POST", "/indexes/m/documents/fetch", json!({ "offset": large })),
        ("POST", "/indexes/m/documents/delete", json!({ "filter": { "a": large } })),
        ("POST", "/multi-search", json!({ "queries": large })),
        ("POST", "/_miroir/aliases/_swap", json!({ "aliases": ["a", [large]] })),
    ] {
        let body = body.to_string();
        let response = server.send(&Request::new(method, path).json(&body)).await;
        assert_eq!(response.status, 400, "{method} {path}");
        let length = response.message().len();
        assert!((80..1_000).contains(&length), "{method} {path}: {length}");
        assert!(response.message().contains("xxx"), "{method} {path}");
    }
    let long = "x".repeat(10_000);
    for path in
        ["/indexes?limit=", "/indexes/m/search?limit=", "/tasks?limit=", "/tasks/", "/indexes/m/nope/"]
    {
        let response = server.get(&format!("{path}{long}")).await;
        assert!(response.message().len() < 1_000, "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn unsupported_routes_are_501_with_their_name() {
    let server = server().await;
    let routes: Vec<_> = route_list().into_iter().filter(|route| !route.supported).collect();
    assert!(routes.len() > 40, "{}", routes.len());
    for route in routes {
        let path = route.template.replace(['{', '}'], "");
        let response = server.send(&Request::new(&route.method, &path)).await;
        assert_eq!((response.status, response.code().as_str()), (501, "miroir_not_supported"), "{path}");
        let name = format!("`{} {}`", route.method, route.template);
        assert!(response.message().contains(&name), "{}", response.body);
    }
}

/// Returns every route with its path, and whether it is open.
fn all_routes() -> impl Iterator<Item = (String, String, bool)> {
    const OPEN: [&str; 5] =
        ["/", "/health", "/_miroir/ready", "/_miroir/openapi.json", "/_miroir/docs/errors"];
    route_list().into_iter().map(|route| {
        let open = OPEN.contains(&route.template.as_str());
        (route.method, route.template.replace(['{', '}'], ""), open)
    })
}

#[tokio::test]
async fn routes_require_their_key_unless_they_are_open() {
    let options = HttpOptions {
        master_key: Some(Secret::new("master")),
        admin_key: Some(Secret::new("admin")),
        ..HttpOptions::default()
    };
    let server = Server::start(panicking_apis(), options).await;
    for (method, path, _) in all_routes().filter(|(_, _, open)| !open) {
        let (no_key, wrong_key) = if path.starts_with("/_miroir") {
            ((401, "miroir_invalid_auth"), (401, "miroir_invalid_auth"))
        } else {
            ((401, "missing_authorization_header"), (403, "invalid_api_key"))
        };
        let response = server.send(&Request::new(&method, &path)).await;
        assert_eq!((response.status, response.code().as_str()), no_key, "{method} {path}");
        let wrong = Request::new(&method, &path).header("Authorization", "Bearer maste");
        let response = server.send(&wrong).await;
        assert_eq!((response.status, response.code().as_str()), wrong_key, "{method} {path}");
        // A key is not valid for the routes of the other.
        let other = if path.starts_with("/_miroir") { "Bearer master" } else { "Bearer admin" };
        let response = server.send(&Request::new(&method, &path).header("Authorization", other)).await;
        assert_eq!((response.status, response.code().as_str()), wrong_key, "{method} {path}");
        assert!(!response.body.contains("master"), "{}", response.body);
    }
    assert_eq!(server.get("/health").await.status, 200);
    assert_eq!(server.get("/nope").await.status, 404);
}

#[tokio::test]
async fn errors_of_the_port_keep_their_code_and_have_its_status() {
    for code in ErrorCode::ALL {
        let mut index = MockIndexApi::new();
        index.expect_index_get().returning(move |_| Err(ApiError::refused(code, "because")));
        let apis = Apis { index: Arc::new(index), ..panicking_apis() };
        let server = Server::start(apis, HttpOptions::default()).await;
        let response = server.get("/indexes/m").await;
        assert!(response.status >= 400, "{code:?}");
        assert_eq!((response.code(), response.message()), (code.as_str().to_owned(), "because".to_owned()));
        assert_eq!(response.header("retry-after").is_some(), response.status == 503, "{code:?}");
    }
}

#[tokio::test]
async fn contended_row_is_503_with_retry_after_and_names_no_row() {
    let mut index = MockIndexApi::new();
    index.expect_index_get().returning(|_| Err(StoreError::Contended("task 7 changed".to_owned()).into()));
    let apis = Apis { index: Arc::new(index), ..panicking_apis() };
    let response = Server::start(apis, HttpOptions::default()).await.get("/indexes/m").await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_store_unavailable"));
    assert_eq!(response.header("retry-after"), Some("10"));
    assert!(response.message().contains("may or may not"), "{}", response.message());
    assert!(!response.body.contains("task 7"), "{}", response.body);
}

#[tokio::test]
async fn invalid_aliases_and_searches_are_refused_before_the_port_is_called() {
    let server = Server::start(panicking_apis(), HttpOptions::default()).await;
    for (method, path, body, code, part) in [
        ("POST", "/_miroir/aliases", r#"{"name":"a"}"#, "bad_request", "`target`"),
        ("POST", "/_miroir/aliases", r#"{"name":"a b","target":"c"}"#, "invalid_index_uid", "`.name`"),
        ("PUT", "/_miroir/aliases/a%20b", r#"{"target":"c"}"#, "invalid_index_uid", "a b"),
        ("PUT", "/_miroir/aliases/a", r#"{"name":"a","target":"c"}"#, "bad_request", "`name`"),
        ("POST", "/_miroir/aliases/_swap", r#"{"aliases":["a"]}"#, "bad_request", "two aliases"),
        ("POST", "/_miroir/aliases/_swap", r#"{"aliases":["a",7]}"#, "bad_request", "`.aliases[1]`"),
        ("POST", "/multi-search", r#"{"queries":7}"#, "bad_request", "`.queries`"),
        ("POST", "/multi-search", "{}", "bad_request", "`queries`"),
        ("POST", "/multi-search", r#"{"queries":[],"federation":{}}"#, "miroir_not_supported", "federation"),
        ("POST", "/multi-search", r#"{"queries":[{"q":"x"}]}"#, "missing_index_uid", "Inside `.queries[0]`"),
        (
            "POST",
            "/multi-search",
            r#"{"queries":[{"indexUid":"a"},{"indexUid":"a","limit":-1}]}"#,
            "invalid_search_limit",
            "Inside `.queries[1]`",
        ),
    ] {
        let response = server.send(&Request::new(method, path).json(body)).await;
        let error = response.json();
        assert_eq!(error["code"], code, "{method} {path} {body}: {error}");
        assert!(error["message"].as_str().unwrap().contains(part), "{path} {body}: {error}");
    }
    for version in ["x", "-1", "\"\"", "+3"] {
        let flip = Request::new("PUT", "/_miroir/aliases/a").json(r#"{"target":"b"}"#);
        let response = server.send(&flip.header("If-Match", version)).await;
        assert_eq!((response.status, &response.json()["code"]), (400, &json!("bad_request")), "{version}");
    }
    for path in ["/_miroir/aliases?limit=0", "/_miroir/aliases?limit=1001", "/_miroir/aliases?x=1"] {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
}
