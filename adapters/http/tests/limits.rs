//! Limits: on time, on how much at once, on what a handler may break.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{ApiError, MockTaskApi, ReadResponse, SearchApi};
use serde_json::json;
use support::{PATIENCE, Request, Server, agreeable, answer, untouched};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// A search that tells when it begins and when it is dropped, and answers once it gets a permit.
struct Watched {
    begun: mpsc::UnboundedSender<()>,
    dropped: mpsc::UnboundedSender<()>,
    permits: Arc<Semaphore>,
}

struct OnDrop(mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}

#[async_trait]
impl SearchApi for Watched {
    async fn search(&self, _: IndexUid, _: SearchRequest) -> Result<ReadResponse, ApiError> {
        let _on_drop = OnDrop(self.dropped.clone());
        self.begun.send(()).unwrap();
        self.permits.acquire().await.unwrap().forget();
        Ok(answer(json!({})))
    }
}

/// What the test holds of a [`Watched`].
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
        timeout(PATIENCE, self.begun.recv()).await.expect("the search begins").unwrap();
    }

    async fn dropped(&mut self) {
        timeout(PATIENCE, self.dropped.recv()).await.expect("the search is dropped").unwrap();
    }
}

fn search() -> Vec<u8> {
    Request::new("POST", "/indexes/m/search").json("{}").bytes()
}

#[tokio::test]
async fn a_search_is_dropped_when_its_client_hangs_up() {
    let (apis, mut watch) = Watch::over(untouched());
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
async fn a_request_over_its_time_is_504_and_dropped() {
    let (apis, mut watch) = Watch::over(untouched());
    let options = HttpOptions { request_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::start(apis, options).await;
    let mut connection = server.connect().await;
    connection.write(&search()).await;
    let response = connection.response().await;
    assert_eq!((response.status, response.code().as_str()), (504, "miroir_timeout"));
    watch.dropped().await;
    // The connection is as good as before.
    watch.permits.add_permits(1);
    connection.write(&Request::new("GET", "/health").bytes()).await;
    assert_eq!(connection.response().await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_not_read_does_not_keep_a_request_from_timing_out() {
    let (apis, _watch) = Watch::over(untouched());
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
    let (apis, mut watch) = Watch::over(agreeable());
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
    // Whoever asks whether Miroir lives is told.
    for path in ["/health", "/_miroir/ready"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    // A client that hangs up frees its place, and so does one that is answered.
    drop(first);
    watch.dropped().await;
    assert_eq!(server.get("/indexes").await.status, 200);
    watch.permits.add_permits(1);
    assert_eq!(second.response().await.status, 200);
}

/// A request whose body does not come to its end.
const UNFINISHED: &[u8] = b"POST /indexes/m/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{";

#[tokio::test]
async fn clients_that_send_slowly_keep_nobody_out() {
    let (apis, mut watch) = Watch::over(agreeable());
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
    // Whoever has sent everything needs a place like everyone else.
    slow[0].write(b"}").await;
    watch.begun().await;
    slow[1].write(b"}").await;
    let refused = slow[1].response().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "miroir_overloaded"));
    watch.permits.add_permits(1);
    assert_eq!(slow[0].response().await.status, 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let options = HttpOptions { write_timeout: Duration::from_millis(100), ..HttpOptions::default() };
    let server = Server::start(agreeable(), options).await;
    let mut connection = server.connect().await;
    let request = Request::new("GET", "/_miroir/openapi.json").bytes();
    // Answers fill what the systems of both sides hold, then requests do, and then only a close ends the waiting.
    let cut = async { while connection.stream.write_all(&request).await.is_ok() {} };
    timeout(PATIENCE, cut).await.expect("it is cut off");
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn beyond_the_most_connections_one_that_keeps_waiting_makes_room() {
    let (apis, mut watch) = Watch::over(agreeable());
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
async fn a_panic_is_500_with_a_body_and_harms_nothing_else() {
    let mut task = MockTaskApi::new();
    task.expect_task_get().returning(|_| panic!("a bug"));
    let server = Server::start(Apis { task: Arc::new(task), ..agreeable() }, HttpOptions::default()).await;
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
async fn a_server_that_stops_finishes_what_is_in_flight() {
    let (apis, mut watch) = Watch::over(untouched());
    let mut server = Server::start(apis, HttpOptions::default()).await;
    let mut idle = server.connect().await;
    idle.write(&Request::new("GET", "/health").bytes()).await;
    assert_eq!(idle.response().await.status, 200);
    let mut busy = server.connect().await;
    busy.write(&search()).await;
    watch.begun().await;

    server.ask_to_stop();
    // The idle connection is closed, which also tells that stopping has begun.
    assert!(idle.try_response().await.is_none());
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nothing more is accepted");

    watch.permits.add_permits(1);
    assert_eq!(busy.response().await.status, 200);
    server.stopped().await;
}

#[tokio::test]
async fn dropping_the_server_drops_what_is_in_flight() {
    let (apis, mut watch) = Watch::over(untouched());
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut busy = server.connect().await;
    busy.write(&search()).await;
    watch.begun().await;
    drop(server);
    watch.dropped().await;
    assert!(busy.try_response().await.is_none());
}
