//! Metrics: their route, their listener, and the observation of requests.

mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;
use miroir_http::{Apis, HttpOptions, Secret, serve_metrics};
use miroir_ports::inbound::{ApiError, ReadResponse, SearchApi};
use miroir_ports::outbound::{Observer, Occurrence};
use support::{Connection, Request, Server, TIMEOUT, metrics_api, send, stub_apis};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

#[tokio::test]
async fn route_serves_the_unchanged_text_with_the_admin_key() {
    let options = HttpOptions { admin_key: Some(Secret::new("admin")), ..HttpOptions::default() };
    let server = Server::start(stub_apis(), options).await;
    let request = Request::new("GET", "/_miroir/metrics");
    assert_eq!(server.send(&request).await.status, 401);
    let response = server.send(&request.header("Authorization", "Bearer admin")).await;
    assert_eq!((response.status, response.body.as_str()), (200, "requests 42\n"));
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn listener_serves_only_metrics_and_needs_no_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or(()) };
    let task = tokio::spawn(serve_metrics(listener, Arc::new(metrics_api()), shutdown));
    let response = send(address, &Request::new("GET", "/metrics?a=b")).await;
    assert_eq!((response.status, response.body.as_str()), (200, "requests 42\n"));
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4"));
    for path in ["/", "/health", "/_miroir/metrics", "/metrics/", "/indexes", "//metrics"] {
        let response = send(address, &Request::new("GET", path)).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.body.contains("GET /metrics"), "{}", response.body);
    }
    let response = send(address, &Request::new("POST", "/metrics").json("{}")).await;
    assert_eq!((response.status, response.header("allow")), (405, Some("GET")));
    // The listener stops despite an idle connection.
    let _idle = Connection::to(address).await;
    stop.send(()).unwrap();
    timeout(TIMEOUT, task).await.expect("the listener stops").unwrap();
}

#[tokio::test]
async fn listener_closes_connections_beyond_its_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(serve_metrics(listener, Arc::new(metrics_api()), std::future::pending()));
    let mut idle = Vec::new();
    for _ in 0..32 {
        idle.push(Connection::to(address).await);
    }
    let mut beyond = Connection::to(address).await;
    assert!(beyond.try_response().await.is_none(), "closed");
    drop(idle);
    // The server accepts a connection once it has noticed a disconnect.
    let served = async {
        loop {
            let mut connection = Connection::to(address).await;
            let written = connection.stream.write_all(&Request::new("GET", "/metrics").bytes()).await;
            if written.is_ok()
                && connection.try_response().await.is_some_and(|response| response.status == 200)
            {
                return;
            }
        }
    };
    timeout(TIMEOUT, served).await.expect("a connection is accepted");
    task.abort();
}

/// An observer that stores its notifications.
#[derive(Default)]
struct Memory {
    begun: Mutex<usize>,
    ended: Mutex<Vec<(String, String, u16)>>,
}

impl Observer for Memory {
    fn observe(&self, occurrence: Occurrence<'_>) {
        match occurrence {
            Occurrence::RequestBegan => *self.begun.lock().unwrap() += 1,
            Occurrence::RequestEnded { route, method, status, .. } => {
                self.ended.lock().unwrap().push((route.to_owned(), method.to_owned(), status));
            }
            other => panic!("{other:?} is no request"),
        }
    }
}

#[tokio::test]
async fn observer_receives_no_values_that_clients_choose() {
    let memory = Arc::new(Memory::default());
    let apis = Apis { observer: Arc::clone(&memory) as _, ..stub_apis() };
    let server = Server::start(apis, HttpOptions::default()).await;
    for (method, path) in [
        ("GET", "/indexes/secret-name/search?q=private"),
        ("GET", "/nope/private"),
        ("PRIVATE", "/health"),
        ("GET", "/indexes/a%20b"),
        ("OPTIONS", "/indexes"),
    ] {
        server.send(&Request::new(method, path)).await;
    }
    let seen = memory.ended.lock().unwrap().clone();
    let seen: Vec<(&str, &str, u16)> =
        seen.iter().map(|(route, method, status)| (route.as_str(), method.as_str(), *status)).collect();
    assert_eq!(
        seen,
        [
            ("/indexes/{index_uid}/search", "GET", 200),
            ("unmatched", "other", 404),
            ("unmatched", "other", 405),
            ("/indexes/{index_uid}", "GET", 400),
            ("unmatched", "other", 405),
        ]
    );
    assert_eq!(*memory.begun.lock().unwrap(), 5);
}

/// A search that never returns.
struct Stuck;

#[async_trait]
impl SearchApi for Stuck {
    async fn search(&self, _: IndexUid, _: SearchRequest) -> Result<ReadResponse, ApiError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn observer_receives_499_if_the_client_disconnects() {
    let memory = Arc::new(Memory::default());
    let apis = Apis { observer: Arc::clone(&memory) as _, search: Arc::new(Stuck), ..stub_apis() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("GET", "/indexes/m/search").bytes()).await;
    let until = async |done: &dyn Fn() -> bool| {
        let waiting = async {
            while !done() {
                tokio::task::yield_now().await;
            }
        };
        timeout(TIMEOUT, waiting).await.expect("the condition becomes true");
    };
    until(&|| *memory.begun.lock().unwrap() == 1).await;
    drop(connection);
    until(&|| !memory.ended.lock().unwrap().is_empty()).await;
    let ended = memory.ended.lock().unwrap()[0].clone();
    assert_eq!(ended, ("/indexes/{index_uid}/search".to_owned(), "GET".to_owned(), 499));
}
