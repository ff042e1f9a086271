//! Requests that another instance must serve.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_domain::task::TaskKind;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{
    ApiError, InstanceApi, InstanceView, LeaseView, MockDocumentApi, MockIndexApi, Peer, RoleHolder,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use support::{Request, Server, TIMEOUT, accepted, panicking_apis, read_response, stub_apis};

/// Instances of which the test sets the holder of every role.
struct FakeInstances(watch::Sender<RoleHolder>);

impl FakeInstances {
    fn holder(holder: RoleHolder) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(holder)))
    }
}

#[async_trait]
impl InstanceApi for FakeInstances {
    fn role_holder(&self, _: &Role) -> RoleHolder {
        self.0.borrow().clone()
    }

    async fn role_holder_changed(&self, _: &Role, known: &RoleHolder) -> RoleHolder {
        self.0.subscribe().wait_for(|holder| holder != known).await.unwrap().clone()
    }

    async fn instance_list(&self) -> Result<Vec<InstanceView>, ApiError> {
        Ok(Vec::new())
    }

    async fn lease_list(&self) -> Result<Vec<LeaseView>, ApiError> {
        Ok(Vec::new())
    }
}

fn remote_holder(url: String) -> RoleHolder {
    RoleHolder::Remote(Peer { instance: "other".to_owned(), url, token: 1 })
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

/// Starts a server that forwards changing requests to the holder of `instances`.
async fn follower(instances: &Arc<FakeInstances>, options: HttpOptions) -> Server {
    let apis = Apis { instance: Arc::clone(instances) as _, ..panicking_apis() };
    Server::start(apis, options).await
}

fn with_holder_timeout(holder_timeout: Duration) -> HttpOptions {
    HttpOptions { holder_timeout, ..HttpOptions::default() }
}

/// Returns a URL on which no server listens.
async fn unreachable_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const ADD: &str = "/indexes/films/documents?primaryKey=id&csvDelimiter=%3B";

#[tokio::test]
async fn forwarding_preserves_the_request_and_the_response() {
    let mut document = MockDocumentApi::new();
    document.expect_documents_write().times(1).returning(|write| {
        assert_eq!(write.index.as_str(), "films");
        Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index))
    });
    let leader =
        Server::start(Apis { document: Arc::new(document), ..panicking_apis() }, HttpOptions::default())
            .await;
    let server = follower(&FakeInstances::holder(remote_holder(url(&leader))), HttpOptions::default()).await;
    let request = Request::new("POST", ADD)
        .header("Content-Type", "text/csv")
        .header("X-Request-Id", "mine")
        .header("Connection", "keep-alive")
        .body(b"id;name\n1;Ran");
    let response = server.send(&request).await;
    assert_eq!(response.status, 202, "{}", response.body);
    assert_eq!(response.header("x-request-id"), Some("mine"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.json()["indexUid"], "films");
}

#[tokio::test]
async fn forwarding_preserves_the_headers_of_a_refusal() {
    let leader =
        Server::start(panicking_apis(), HttpOptions { max_concurrent_requests: 0, ..HttpOptions::default() })
            .await;
    let server = follower(&FakeInstances::holder(remote_holder(url(&leader))), HttpOptions::default()).await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{}", response.body);
    assert_eq!(response.json()["link"], "http://test/_miroir/docs/errors#miroir_overloaded");
}

#[tokio::test]
async fn reads_are_never_forwarded() {
    let instances = FakeInstances::holder(remote_holder(unreachable_url().await));
    let server = Server::start(Apis { instance: instances, ..stub_apis() }, HttpOptions::default()).await;
    assert_eq!(server.get("/tasks/7").await.status, 200);
    for path in ["/indexes/films/search", "/multi-search", "/indexes/films/documents/fetch"] {
        let body = if path == "/multi-search" { r#"{"queries":[]}"# } else { "{}" };
        let response = server.send(&Request::new("POST", path).json(body)).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn forwarding_streams_a_large_body_up_to_the_limit() {
    let mut document = MockDocumentApi::new();
    document
        .expect_documents_write()
        .returning(|write| Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index)));
    let leader =
        Server::start(Apis { document: Arc::new(document), ..panicking_apis() }, HttpOptions::default())
            .await;
    let options = HttpOptions { max_body_bytes: 3_000_000, ..HttpOptions::default() };
    let server = follower(&FakeInstances::holder(remote_holder(url(&leader))), options).await;
    let film = format!(r#"[{{"id":1,"text":"{}"}}]"#, "x".repeat(2_900_000));
    let path = "/indexes/films/documents";
    assert_eq!(server.send(&Request::new("POST", path).json(&film)).await.status, 202);
    let larger = format!("{film}{}", " ".repeat(200_000));
    let response = server.send(&Request::new("POST", path).json(&larger)).await;
    assert_eq!((response.status, response.code().as_str()), (413, "payload_too_large"));
    // Without a declared length, the size is known only while forwarding.
    let mut connection = server.connect().await;
    connection
        .write(
            b"POST /indexes/films/documents HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n\
              Transfer-Encoding: chunked\r\n\r\n",
        )
        .await;
    let chunk =
        [format!("{:x}\r\n", 1_000_000).into_bytes(), vec![b' '; 1_000_000], b"\r\n".to_vec()].concat();
    for _ in 0..4 {
        connection.write(&chunk).await;
    }
    assert_eq!(connection.response().await.status, 413);
}

#[tokio::test]
async fn unreachable_holders_are_503_after_the_holder_timeout() {
    let server = follower(
        &FakeInstances::holder(remote_holder(unreachable_url().await)),
        with_holder_timeout(Duration::from_millis(500)),
    )
    .await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_no_leader"));
    assert!(response.header("retry-after").is_some());
}

#[tokio::test]
async fn request_waits_for_a_reachable_holder() {
    let leader = Server::start(stub_apis(), HttpOptions::default()).await;
    for first in [RoleHolder::Vacant, remote_holder(unreachable_url().await)] {
        let instances = FakeInstances::holder(first);
        let server = follower(&instances, HttpOptions::default()).await;
        let mut connection = server.connect().await;
        connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        instances.0.send_replace(remote_holder(url(&leader)));
        assert_eq!(connection.response().await.status, 202);
    }
}

#[tokio::test]
async fn request_is_served_locally_if_this_instance_becomes_the_holder() {
    let instances = FakeInstances::holder(RoleHolder::Vacant);
    let apis = Apis { instance: Arc::clone(&instances) as _, ..stub_apis() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    instances.0.send_replace(RoleHolder::Local);
    assert_eq!(connection.response().await.status, 202);
}

#[tokio::test]
async fn unknown_holders_are_503_before_the_holder_timeout() {
    let server =
        follower(&FakeInstances::holder(RoleHolder::Unknown), with_holder_timeout(TIMEOUT * 2)).await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_store_unavailable"));
}

/// Starts an instance that reads requests and then sends `then`, or keeps silent.
async fn raw_instance(then: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            match then {
                "silence" => kept.push(stream),
                words => drop(stream.write_all(words.as_bytes()).await),
            }
        }
    });
    url
}

#[tokio::test]
async fn connection_is_closed_if_the_outcome_at_the_holder_is_unknown() {
    for then in ["", "HTTP/1.1 202 Accepted\r\nContent-Length: 900\r\n\r\n{", "nonsense"] {
        let server =
            follower(&FakeInstances::holder(remote_holder(raw_instance(then).await)), HttpOptions::default())
                .await;
        let mut connection = server.connect().await;
        connection.write(&Request::new("DELETE", "/indexes/films").bytes()).await;
        assert!(connection.try_response().await.is_none(), "{then:?}");
        // Other requests are served.
        assert_eq!(server.get("/health").await.status, 200);
    }
}

#[tokio::test]
async fn connection_is_closed_if_a_silent_holder_loses_the_role() {
    let instances = FakeInstances::holder(remote_holder(raw_instance("silence").await));
    let server = follower(&instances, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("DELETE", "/indexes/films").bytes()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    instances.0.send_replace(RoleHolder::Vacant);
    assert!(connection.try_response().await.is_none());
}

#[tokio::test]
async fn forwarding_stops_in_a_loop() {
    let (one, other) = (FakeInstances::holder(RoleHolder::Vacant), FakeInstances::holder(RoleHolder::Vacant));
    let options = || with_holder_timeout(Duration::from_secs(5));
    let (first, second) = (follower(&one, options()).await, follower(&other, options()).await);
    one.0.send_replace(remote_holder(url(&second)));
    other.0.send_replace(remote_holder(url(&first)));
    let response = first.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_no_leader"));
    assert!(response.message().contains("disagree"), "{}", response.message());
}

/// The lease has expired, the store refused the change, and another instance is the leader.
#[tokio::test]
async fn connection_is_closed_if_this_instance_loses_the_role_during_a_failed_request() {
    let instances = FakeInstances::holder(RoleHolder::Local);
    let mut index = MockIndexApi::new();
    let shared = Arc::clone(&instances);
    index.expect_index_delete().returning(move |_| {
        shared.0.send_replace(remote_holder("http://127.0.0.1:1".to_owned()));
        Err(ApiError::Internal("a stand-in".to_owned()))
    });
    index.expect_index_create().returning({
        let shared = Arc::clone(&instances);
        move |_, _| {
            shared.0.send_replace(remote_holder("http://127.0.0.1:1".to_owned()));
            Err(ApiError::refused(miroir_domain::error::ErrorCode::MiroirStoreUnavailable, "fenced"))
        }
    });
    index.expect_index_get().returning(|_| Ok(read_response(serde_json::Value::Null)));
    let apis = Apis { instance: Arc::clone(&instances) as _, index: Arc::new(index), ..panicking_apis() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    assert!(connection.try_response().await.is_none());
    // An internal error is returned, whichever instance is the leader.
    instances.0.send_replace(RoleHolder::Local);
    assert_eq!(server.send(&Request::new("DELETE", "/indexes/films")).await.status, 500);
}

/// The receiver of a forwarded request learns of the change of leaders a moment later than its sender.
#[tokio::test]
async fn forwarded_request_waits_while_the_state_of_the_receiver_is_stale() {
    let behind = FakeInstances::holder(RoleHolder::Vacant);
    let apis = Apis { instance: Arc::clone(&behind) as _, ..stub_apis() };
    let next = Server::start(apis, HttpOptions::default()).await;
    let former = follower(&FakeInstances::holder(remote_holder(url(&next))), HttpOptions::default()).await;
    // The receiver still considers the former leader the holder.
    behind.0.send_replace(remote_holder(url(&former)));
    let mut connection = former.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    behind.0.send_replace(RoleHolder::Local);
    assert_eq!(connection.response().await.status, 202);
}
