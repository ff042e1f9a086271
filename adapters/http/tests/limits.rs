//! Limits on time, concurrent requests and connections, and the isolation of panics.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{ApiError, MockTaskApi, ReadResponse, SearchApi};
use serde_json::json;
use support::{Request, Server, TIMEOUT, panicking_apis, read_response, stub_apis};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// A search that reports its begin and its drop, and returns once it gets a permit.
struct Watched {
    begun: mpsc::UnboundedSender<()>,
    dropped: mpsc::UnboundedSender<()>,
    permits: Arc<Semaphore>,
}

struct OnDrop(mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        // Fails if the test is over.
        let _ = self.0.send(());
    }
}

#[async_trait]
impl SearchApi for Watched {
    async fn search(&self, _: IndexUid, _: SearchRequest) -> Result<ReadResponse, ApiError> {
        let _on_drop = OnDrop(self.dropped.clone());
        self.begun.send(()).unwrap();
        self.permits.acquire().await.unwrap().forget();
        Ok(read_response(json!({})))
    }
}

/// The test's side of a [`Watched`].
struct Watch {
    begun: mpsc::UnboundedReceiver<()>,
    dropped: mpsc::UnboundedReceiver<()>,
    permits: Arc<Semaphore>,
}

impl Watch {
    fn over(apis: Apis) -> (Apis, Self) {
        let (begun_sender, begun) = mpsc::unbounded_channel();
        let (dropped_sender, dropped) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let search = Watched { begun: begun_sender, dropped: dropped_sender, permits: Arc::clone(&permits) };
        (Apis { search: Arc::new(search), ..apis }, Self { begun, dropped, permits })
    }

    async fn begun(&mut self) {
        timeout(TIMEOUT, self.begun.recv()).await.expect("the search begins").unwrap();
    }

    async fn dropped(&mut self) {
        timeout(TIMEOUT, self.dropped.recv()).await.expect("the search is dropped").unwrap();
    }
}

fn search() -> Vec<u8> {
    Request::new("POST", "/indexes/m/search").json("{}").bytes()
}

#[tokio::test]
async fn search_is_dropped_if_its_client_disconnects() {
    let (apis, mut watch) = Watch::over(panicking_apis());
    let server = Server::start(apis, HttpOptions::default()).await;
    for request in [search(), Request::new("GET", "/indexes/m/search?q=a").bytes()] {
        let mut connection = server.connect().await;
        connection.write(&request).await;
        watch.begun().await;
        drop(connection);
        watch.dropped().await;
    }
}

#[tokio::test]
async fn request_over_the_time_limit_is_504_and_dropped() {
    let (apis, mut watch) = Watch::over(panicking_apis());
    let options = HttpOptions { request_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::start(apis, options).await;
    let mut connection = server.connect().await;
    connection.write(&search()).await;
    let response = connection.response().await;
    assert_eq!((response.status, response.code().as_str()), (504, "miroir_timeout"));
    watch.dropped().await;
    // The connection stays usable.
    watch.permits.add_permits(1);
    connection.write(&Request::new("GET", "/health").bytes()).await;
    assert_eq!(connection.response().await.status, 200);
}

#[tokio::test]
async fn request_times_out_even_if_its_body_is_never_read() {
    let (apis, _watch) = Watch::over(panicking_apis());
    let options = HttpOptions {
        request_timeout: Duration::from_millis(50),
        upload_timeout: Duration::from_millis(50),
        ..HttpOptions::default()
    };
    let server = Server::start(apis, options).await;
    let request = Request::new("GET", "/indexes/m/search").body(b"unread");
    assert_eq!(server.send(&request).await.code(), "miroir_timeout");
}

#[tokio::test]
async fn requests_beyond_the_limit_are_503_until_others_end() {
    let (apis, mut watch) = Watch::over(stub_apis());
    let options = HttpOptions { max_concurrent_requests: 2, ..HttpOptions::default() };
    let server = Server::start(apis, options).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for connection in [&mut first, &mut second] {
        connection.write(&search()).await;
        watch.begun().await;
    }
    let refused = server.get("/indexes").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "miroir_overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Health and readiness are served nevertheless.
    for path in ["/health", "/_miroir/ready"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    // A permit is released if the client disconnects, and after a response.
    drop(first);
    watch.dropped().await;
    assert_eq!(server.get("/indexes").await.status, 200);
    watch.permits.add_permits(1);
    assert_eq!(second.response().await.status, 200);
}

/// A request with an incomplete body.
const UNFINISHED: &[u8] = b"POST /indexes/m/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{";

#[tokio::test]
async fn slow_clients_hold_no_permit_while_they_send() {
    let (apis, mut watch) = Watch::over(stub_apis());
    let options = HttpOptions { max_concurrent_requests: 1, ..HttpOptions::default() };
    let server = Server::start(apis, options).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut connection = server.connect().await;
        connection.write(UNFINISHED).await;
        slow.push(connection);
    }
    for _ in 0..20 {
        assert_eq!(server.get("/indexes").await.status, 200);
    }
    // A complete request needs a permit like any other.
    slow[0].write(b"}").await;
    watch.begun().await;
    slow[1].write(b"}").await;
    let refused = slow[1].response().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "miroir_overloaded"));
    watch.permits.add_permits(1);
    assert_eq!(slow[0].response().await.status, 200);
}

#[tokio::test]
async fn connection_is_closed_if_the_client_does_not_read() {
    let options = HttpOptions { write_timeout: Duration::from_millis(100), ..HttpOptions::default() };
    let server = Server::start(stub_apis(), options).await;
    let mut connection = server.connect().await;
    let request = Request::new("GET", "/_miroir/openapi.json").bytes();
    // Responses fill the buffers of both systems, then requests do. Then only a close ends the wait.
    let cut = async { while connection.stream.write_all(&request).await.is_ok() {} };
    timeout(TIMEOUT, cut).await.expect("the connection is closed");
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn idle_connections_are_closed_beyond_the_limit() {
    let (apis, mut watch) = Watch::over(stub_apis());
    let options = HttpOptions { max_connections: 3, ..HttpOptions::default() };
    let server = Server::start(apis, options).await;
    let mut busy = server.connect().await;
    busy.write(&search()).await;
    watch.begun().await;
    let (mut idle, mut slow) = (server.connect().await, server.connect().await);
    idle.write(&Request::new("GET", "/indexes").bytes()).await;
    assert_eq!(idle.response().await.status, 200);
    slow.write(UNFINISHED).await;
    for _ in 0..10 {
        assert_eq!(server.get("/indexes").await.status, 200);
    }
    for waiting in [&mut idle, &mut slow] {
        assert!(waiting.try_response().await.is_none());
    }
    watch.permits.add_permits(1);
    assert_eq!(busy.response().await.status, 200);
}

#[tokio::test]
async fn panic_is_500_with_a_body_and_keeps_the_connection_open() {
    let mut task = MockTaskApi::new();
    task.expect_task_get().returning(|_| panic!("a bug"));
    let server = Server::start(Apis { task: Arc::new(task), ..stub_apis() }, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    for _ in 0..3 {
        connection.write(&Request::new("GET", "/tasks/1").bytes()).await;
        let response = connection.response().await;
        assert_eq!((response.status, response.code().as_str()), (500, "internal"));
        assert!(!response.body.contains("a bug"), "{}", response.body);
    }
    connection.write(&Request::new("GET", "/indexes").bytes()).await;
    assert_eq!(connection.response().await.status, 200);
}

#[tokio::test]
async fn stopping_the_server_finishes_requests_in_flight() {
    let (apis, mut watch) = Watch::over(panicking_apis());
    let mut server = Server::start(apis, HttpOptions::default()).await;
    let mut idle = server.connect().await;
    idle.write(&Request::new("GET", "/health").bytes()).await;
    assert_eq!(idle.response().await.status, 200);
    let mut busy = server.connect().await;
    busy.write(&search()).await;
    watch.begun().await;

    server.begin_stop();
    // The idle connection is closed, which shows that stopping has begun.
    assert!(idle.try_response().await.is_none());
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "no connection is accepted");

    watch.permits.add_permits(1);
    assert_eq!(busy.response().await.status, 200);
    server.stopped().await;
}

#[tokio::test]
async fn dropping_the_server_drops_requests_in_flight() {
    let (apis, mut watch) = Watch::over(panicking_apis());
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut busy = server.connect().await;
    busy.write(&search()).await;
    watch.begun().await;
    drop(server);
    watch.dropped().await;
    assert!(busy.try_response().await.is_none());
}
