//! Refusals and routes compared with a real Meilisearch, whose binary `MIROIR_MEILISEARCH_BIN` names.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Stdio;

use miroir_http::{HttpOptions, Secret, route_list};
use miroir_test_server::free_address;
use support::{Request, Response, Server, TIMEOUT, send, stub_apis};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Duration, sleep, timeout};

const BINARY: &str = "MIROIR_MEILISEARCH_BIN";
const MASTER_KEY: &str = "a-master-key-for-tests";

/// A Meilisearch server with an empty database. It is killed when dropped.
struct Real {
    address: SocketAddr,
    _process: Child,
    _directory: tempfile::TempDir,
}

impl Real {
    async fn start(master_key: Option<&str>) -> Self {
        let binary = std::env::var(BINARY).unwrap_or_else(|_| {
            panic!("set {BINARY} to the path of a meilisearch binary to run these tests")
        });
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut command = Command::new(binary);
        command.current_dir(directory.path()).args(["--no-analytics", "--env", "development"]);
        command.arg("--http-addr").arg(address.to_string());
        command.args(master_key.map(|key| format!("--master-key={key}")));
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().unwrap();
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TIMEOUT, listening).await.expect("meilisearch starts");
        Self { address, _process: process, _directory: directory }
    }
}

/// Sends the same request to both servers. The responses must agree in status, code and message.
async fn agree(real: &Real, ours: &Server, request: &Request<'_>, what: &str) {
    let (theirs, ours) = (send(real.address, request).await, ours.send(request).await);
    let summary = |response: &Response| (response.status, response.code(), response.message());
    assert_eq!(summary(&ours), summary(&theirs), "{what}");
}

#[tokio::test]
async fn refusals_equal_those_of_meilisearch() {
    let real = Real::start(None).await;
    let ours = Server::start(stub_apis(), HttpOptions::default()).await;
    for (method, path) in [
        ("GET", "/indexes?limit=a"),
        ("GET", "/indexes?offset=-1"),
        ("GET", "/indexes?limi=1"),
        ("GET", "/indexes?x=1&limit=a"),
        ("GET", "/indexes?limit=99999999999999999999999"),
        ("GET", "/indexes/a%20b"),
        ("GET", "/indexes/%ff"),
        ("DELETE", "/indexes/a%2Fb"),
        ("GET", "/indexes/m/documents?limit"),
        ("GET", "/indexes/m/documents?offset=1&offset=+1"),
        ("GET", "/indexes/m/documents?retrieveVectors=1"),
        ("GET", "/indexes/m/documents?x=1"),
        ("GET", "/indexes/m/documents/1?x=1"),
        ("GET", "/indexes/a%20b/documents"),
        ("DELETE", "/indexes/m/documents?x=1"),
        ("DELETE", "/indexes/m/documents/1?x=1"),
        ("GET", "/indexes/m/search?x=1"),
        ("GET", "/indexes/m/search?limit=a"),
        ("GET", "/indexes/a%20b/settings"),
        ("DELETE", "/indexes/a%20b/settings/faceting"),
        ("GET", "/tasks?x=1"),
        ("GET", "/tasks?limit=a"),
        ("GET", "/tasks/a"),
        ("GET", "/tasks/4294967296"),
    ] {
        agree(&real, &ours, &Request::new(method, path), path).await;
    }
    for (method, path, body) in [
        ("POST", "/indexes", "[]"),
        ("POST", "/indexes", "{}"),
        ("POST", "/indexes", "{"),
        ("POST", "/indexes", "nul"),
        ("POST", "/indexes", "{} x"),
        ("POST", "/indexes", ""),
        ("POST", "/indexes", r#"{"uid":1}"#),
        ("POST", "/indexes", r#"{"uid":null}"#),
        ("POST", "/indexes", r#"{"uid":"a b"}"#),
        ("POST", "/indexes", r#"{"uidd":"a"}"#),
        ("POST", "/indexes", r#"{"uid":"a","primaryKey":{"a":1.5}}"#),
        ("POST", "/indexes/m/documents?csvDelimiter=%3B", "[]"),
        ("POST", "/indexes/m/documents?csvDelimiter=", "[]"),
        ("POST", "/indexes/m/documents?csvDelimiter=ab", "[]"),
        ("POST", "/indexes/m/documents?csvDelimiter=%C3%A9", "[]"),
        ("POST", "/indexes/m/documents?skipCreation=x", "[]"),
        ("POST", "/indexes/m/documents?x=1", "[]"),
        ("PUT", "/indexes/m/documents", ""),
        ("POST", "/indexes/m/documents/fetch", "[]"),
        ("POST", "/indexes/m/documents/fetch", r#"{"x":1}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"limit":null}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"offset":-1}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"fields":"a"}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"fields":[1]}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"ids":"a"}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"sort":[1]}"#),
        ("POST", "/indexes/m/documents/fetch", r#"{"retrieveVectors":null}"#),
        ("POST", "/indexes/m/documents/delete", "{}"),
        ("POST", "/indexes/m/documents/delete", "[]"),
        ("POST", "/indexes/m/documents/delete", r#"{"filter":null}"#),
        ("POST", "/indexes/m/documents/delete", r#"{"filter":1}"#),
        ("POST", "/indexes/m/documents/delete", r#"{"filter":""}"#),
        ("POST", "/indexes/m/documents/delete", r#"{"filter":[]}"#),
        ("POST", "/indexes/m/documents/delete", r#"{"filter":"a","x":1}"#),
        ("POST", "/indexes/m/documents/delete-batch", "[1"),
        ("POST", "/indexes/m/search", "[1]"),
        ("POST", "/indexes/m/search", r#"{"limit":"a"}"#),
        ("PATCH", "/indexes/m/settings", "x"),
        ("PUT", "/indexes/m/settings/stop-words", ""),
        ("PATCH", "/indexes/a%20b/settings/faceting", "{}"),
    ] {
        agree(&real, &ours, &Request::new(method, path).json(body), &format!("{path} {body}")).await;
    }
    for path in ["/indexes", "/indexes/m/search", "/indexes/m/documents", "/indexes/m/documents/fetch"] {
        let request = Request::new("POST", path);
        agree(&real, &ours, &request.clone().body(b"{}"), path).await;
        for media in ["text/plain", "json", "application/ndjson", ""] {
            agree(&real, &ours, &request.clone().header("Content-Type", media).body(b"{}"), media).await;
        }
        // Both accept other spellings, and then refuse the missing body.
        for media in ["APPLICATION/json", "application/json;", "application/json; charset=latin1"] {
            agree(&real, &ours, &request.clone().header("Content-Type", media).body(b""), media).await;
        }
    }
}

#[tokio::test]
async fn keys_are_required_as_by_meilisearch() {
    let real = Real::start(Some(MASTER_KEY)).await;
    let options = HttpOptions { master_key: Some(Secret::new(MASTER_KEY)), ..HttpOptions::default() };
    let ours = Server::start(stub_apis(), options).await;
    let right = format!("Bearer {MASTER_KEY}");
    let lower = format!("bearer {MASTER_KEY}");
    let spaced = format!("Bearer  {MASTER_KEY}");
    for path in ["/indexes", "/version", "/stats", "/keys", "/indexes/a%20b", "/tasks?x=1"] {
        agree(&real, &ours, &Request::new("GET", path), path).await;
        for value in ["Bearer wrong", "wrong", "Basic x", "Bearer ", lower.as_str(), spaced.as_str()] {
            let request = Request::new("GET", path).header("Authorization", value);
            agree(&real, &ours, &request, value).await;
        }
    }
    for path in ["/health", "//health/", "/%68ealth"] {
        let request = Request::new("GET", path);
        let theirs = send(real.address, &request).await;
        assert_eq!((theirs.status, theirs.json()), (200, ours.send(&request).await.json()), "{path}");
    }
    let with_key = Request::new("GET", "/indexes").header("Authorization", &right);
    assert_eq!((send(real.address, &with_key).await.status, ours.send(&with_key).await.status), (200, 200));
    for path in ["/nope", "/indexes/m/nope", "/indexes/m/documents/1/2"] {
        let request = Request::new("GET", path);
        assert_eq!((send(real.address, &request).await.status, ours.send(&request).await.status), (404, 404));
    }
}

#[tokio::test]
async fn paths_support_the_methods_of_meilisearch() {
    let real = Real::start(None).await;
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in route_list().into_iter().filter(|route| !route.template.starts_with("/_miroir")) {
        methods.entry(route.template).or_default().insert(route.method);
    }
    // In development Meilisearch serves a page here, without a list of methods.
    methods.remove("/");
    for (template, ours) in methods {
        let path = template.replace(['{', '}'], "");
        let response = send(real.address, &Request::new("TRACE", &path)).await;
        assert_eq!(response.status, 405, "{template}");
        let theirs = response.header("allow").unwrap_or_else(|| panic!("{template}: no Allow"));
        let theirs: BTreeSet<String> = theirs.split(", ").map(str::to_owned).collect();
        assert_eq!(ours, theirs, "{template}");
    }
}
