//! Requests that another instance must answer.

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

use support::{PATIENCE, Request, Server, accepted, agreeable, answer, untouched};

/// Instances of which a test says who does everything.
struct Told(watch::Sender<RoleHolder>);

impl Told {
    fn holder(holder: RoleHolder) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(holder)))
    }
}

#[async_trait]
impl InstanceApi for Told {
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

fn at(url: String) -> RoleHolder {
    RoleHolder::Remote(Peer { instance: "other".to_owned(), url, token: 1 })
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

/// A server whose requests that change something go where `told` says.
async fn follower(told: &Arc<Told>, options: HttpOptions) -> Server {
    let apis = Apis { instance: Arc::clone(told) as _, ..untouched() };
    Server::start(apis, options).await
}

fn patient(patience: Duration) -> HttpOptions {
    HttpOptions { holder_timeout: patience, ..HttpOptions::default() }
}

/// Where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const ADD: &str = "/indexes/films/documents?primaryKey=id&csvDelimiter=%3B";

#[tokio::test]
async fn request_and_answer_are_handed_on_whole() {
    let mut document = MockDocumentApi::new();
    document.expect_documents_write().times(1).returning(|write| {
        assert_eq!(write.index.as_str(), "films");
        Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index))
    });
    let leader =
        Server::start(Apis { document: Arc::new(document), ..untouched() }, HttpOptions::default()).await;
    let server = follower(&Told::holder(at(url(&leader))), HttpOptions::default()).await;
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
async fn refusal_is_handed_back_with_its_headers() {
    let leader =
        Server::start(untouched(), HttpOptions { max_concurrent_requests: 0, ..HttpOptions::default() })
            .await;
    let server = follower(&Told::holder(at(url(&leader))), HttpOptions::default()).await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{}", response.body);
}

#[tokio::test]
async fn reads_are_answered_here() {
    let told = Told::holder(at(nowhere().await));
    let server = Server::start(Apis { instance: told, ..agreeable() }, HttpOptions::default()).await;
    assert_eq!(server.get("/tasks/7").await.status, 200);
    for path in ["/indexes/films/search", "/multi-search", "/indexes/films/documents/fetch"] {
        let body = if path == "/multi-search" { r#"{"queries":[]}"# } else { "{}" };
        let response = server.send(&Request::new("POST", path).json(body)).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn large_body_goes_through_in_pieces_and_stays_under_its_limit() {
    let mut document = MockDocumentApi::new();
    document
        .expect_documents_write()
        .returning(|write| Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index)));
    let leader =
        Server::start(Apis { document: Arc::new(document), ..untouched() }, HttpOptions::default()).await;
    let options = HttpOptions { max_body_bytes: 3_000_000, ..HttpOptions::default() };
    let server = follower(&Told::holder(at(url(&leader))), options).await;
    let film = format!(r#"[{{"id":1,"text":"{}"}}]"#, "x".repeat(2_900_000));
    let path = "/indexes/films/documents";
    assert_eq!(server.send(&Request::new("POST", path).json(&film)).await.status, 202);
    let larger = format!("{film}{}", " ".repeat(200_000));
    let response = server.send(&Request::new("POST", path).json(&larger)).await;
    assert_eq!((response.status, response.code().as_str()), (413, "payload_too_large"));
    // Without a length, it is found out on the way.
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
async fn one_that_cannot_be_reached_is_not_waited_for_longer_than_the_patience() {
    let server = follower(&Told::holder(at(nowhere().await)), patient(Duration::from_millis(500))).await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_no_leader"));
    assert!(response.header("retry-after").is_some());
}

#[tokio::test]
async fn request_waits_until_somebody_takes_it() {
    let leader = Server::start(agreeable(), HttpOptions::default()).await;
    for first in [RoleHolder::Vacant, at(nowhere().await)] {
        let told = Told::holder(first);
        let server = follower(&told, HttpOptions::default()).await;
        let mut connection = server.connect().await;
        connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        told.0.send_replace(at(url(&leader)));
        assert_eq!(connection.response().await.status, 202);
    }
}

#[tokio::test]
async fn one_that_becomes_the_one_meanwhile_answers_by_itself() {
    let told = Told::holder(RoleHolder::Vacant);
    let apis = Apis { instance: Arc::clone(&told) as _, ..agreeable() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    told.0.send_replace(RoleHolder::Local);
    assert_eq!(connection.response().await.status, 202);
}

#[tokio::test]
async fn while_the_store_is_away_the_answer_comes_soon() {
    let server = follower(&Told::holder(RoleHolder::Unknown), patient(PATIENCE * 2)).await;
    let response = server.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_store_unavailable"));
}

/// An instance that reads requests and does with each connection what the test says.
async fn strange(then: &'static str) -> String {
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
async fn connection_is_closed_without_an_answer_when_nobody_knows_what_became_of_the_request() {
    for then in ["", "HTTP/1.1 202 Accepted\r\nContent-Length: 900\r\n\r\n{", "nonsense"] {
        let server = follower(&Told::holder(at(strange(then).await)), HttpOptions::default()).await;
        let mut connection = server.connect().await;
        connection.write(&Request::new("DELETE", "/indexes/films").bytes()).await;
        assert!(connection.try_response().await.is_none(), "{then:?}");
        // Others are served.
        assert_eq!(server.get("/health").await.status, 200);
    }
}

#[tokio::test]
async fn silent_instance_is_given_up_once_another_is_the_one() {
    let told = Told::holder(at(strange("silence").await));
    let server = follower(&told, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("DELETE", "/indexes/films").bytes()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    told.0.send_replace(RoleHolder::Vacant);
    assert!(connection.try_response().await.is_none());
}

#[tokio::test]
async fn instances_that_send_each_other_in_a_circle_stop() {
    let (one, other) = (Told::holder(RoleHolder::Vacant), Told::holder(RoleHolder::Vacant));
    let options = || patient(Duration::from_secs(5));
    let (first, second) = (follower(&one, options()).await, follower(&other, options()).await);
    one.0.send_replace(at(url(&second)));
    other.0.send_replace(at(url(&first)));
    let response = first.send(&Request::new("DELETE", "/indexes/films")).await;
    assert_eq!((response.status, response.code().as_str()), (503, "miroir_no_leader"));
    assert!(response.message().contains("disagree"), "{}", response.message());
}

/// Its term is over, the store refused its change, and somebody else has the writes.
#[tokio::test]
async fn one_that_lost_its_turn_half_way_does_not_answer() {
    let told = Told::holder(RoleHolder::Local);
    let mut index = MockIndexApi::new();
    let telling = Arc::clone(&told);
    index.expect_index_delete().returning(move |_| {
        telling.0.send_replace(at("http://127.0.0.1:1".to_owned()));
        Err(ApiError::Internal("a stand-in".to_owned()))
    });
    index.expect_index_create().returning({
        let telling = Arc::clone(&told);
        move |_, _| {
            telling.0.send_replace(at("http://127.0.0.1:1".to_owned()));
            Err(ApiError::refused(miroir_domain::error::ErrorCode::MiroirStoreUnavailable, "fenced"))
        }
    });
    index.expect_index_get().returning(|_| Ok(answer(serde_json::Value::Null)));
    let apis = Apis { instance: Arc::clone(&told) as _, index: Arc::new(index), ..untouched() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let mut connection = server.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    assert!(connection.try_response().await.is_none());
    // A fault of its own is told, whoever has the writes.
    told.0.send_replace(RoleHolder::Local);
    assert_eq!(server.send(&Request::new("DELETE", "/indexes/films")).await.status, 500);
}

/// The instance that is handed a request knows of the change of leaders a moment later than the one that hands it on.
#[tokio::test]
async fn request_that_was_handed_on_waits_for_what_its_sender_knows_already() {
    let behind = Told::holder(RoleHolder::Vacant);
    let apis = Apis { instance: Arc::clone(&behind) as _, ..agreeable() };
    let next = Server::start(apis, HttpOptions::default()).await;
    let former = follower(&Told::holder(at(url(&next))), HttpOptions::default()).await;
    // It still thinks that it is the former one.
    behind.0.send_replace(at(url(&former)));
    let mut connection = former.connect().await;
    connection.write(&Request::new("POST", "/indexes").json(r#"{"uid":"films"}"#).bytes()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    behind.0.send_replace(RoleHolder::Local);
    assert_eq!(connection.response().await.status, 202);
}
