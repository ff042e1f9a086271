//! The NATS sink against a real server.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use futures_util::StreamExt as _;
use miroir_ports::outbound::{Sink as _, SinkBatch};
use miroir_sinks::{NatsOptions, NatsSink, SinkConfigError};
use miroir_test_nats::{NatsServer, free_address};
use serde_json::{Value, json};
use support::{SHORT, SLACK, batch, event, unavailable};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

fn options(url: &str) -> NatsOptions {
    NatsOptions {
        url: url.to_owned(),
        subject: "miroir.changes".to_owned(),
        user: None,
        password: None,
        token: None,
        credentials_file: None,
        timeout: SLACK,
    }
}

fn sink(server: &NatsServer) -> NatsSink {
    NatsSink::new(options(&server.url())).unwrap()
}

async fn jetstream(server: &NatsServer) -> Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// Creates a stream of all changes, with these limits.
async fn stream(server: &NatsServer, limits: Config) -> Stream {
    let config =
        Config { name: "CHANGES".to_owned(), subjects: vec!["miroir.changes.>".to_owned()], ..limits };
    jetstream(server).await.create_stream(config).await.unwrap()
}

/// Returns the messages of the stream in its order: subject, message id, content type and event.
async fn held(stream: &Stream) -> Vec<(String, String, String, Value)> {
    let count = stream.get_info().await.unwrap().state.messages;
    let mut messages = Vec::new();
    if count > 0 {
        let consumer = stream.create_consumer(jetstream::consumer::pull::Config::default()).await.unwrap();
        let mut incoming = consumer.messages().await.unwrap();
        for _ in 0..count {
            let message = incoming.next().await.unwrap().unwrap();
            let headers = message.headers.clone().unwrap();
            let said = |name: &str| headers.get(name).unwrap().to_string();
            messages.push((
                message.subject.to_string(),
                said("Nats-Msg-Id"),
                said("Content-Type"),
                serde_json::from_slice(&message.payload).unwrap(),
            ));
        }
    }
    messages
}

async fn ids(stream: &Stream) -> Vec<String> {
    held(stream).await.into_iter().map(|(_, id, ..)| id).collect()
}

fn expected(numbers: std::ops::RangeInclusive<u64>) -> Vec<String> {
    numbers.map(|number| format!("films:{number}")).collect()
}

#[tokio::test]
async fn stores_every_event_in_order_under_its_id() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let sink = sink(&server);
    sink.sink_deliver(batch(1..=3)).await.unwrap();
    sink.sink_deliver(batch(4..=4)).await.unwrap();
    let other = SinkBatch { index: "books".parse().unwrap(), events: vec![json!({"id": "books:1"})] };
    sink.sink_deliver(other).await.unwrap();
    let mut held = held(&stream).await;
    let (subject, id, _, _) = held.pop().unwrap();
    assert_eq!((subject.as_str(), id.as_str()), ("miroir.changes.books", "books:1"));
    let wanted: Vec<_> = (1..=4)
        .map(|number| {
            let texts = ["miroir.changes.films", &format!("films:{number}"), "application/cloudevents+json"];
            let [subject, id, kind] = texts.map(str::to_owned);
            (subject, id, kind, event(number))
        })
        .collect();
    assert_eq!(held, wanted);
}

#[tokio::test]
async fn stores_a_batch_once_when_it_is_delivered_again() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    for sink in [sink(&server), sink(&server)] {
        sink.sink_deliver(batch(1..=5)).await.unwrap();
        sink.sink_deliver(batch(1..=5)).await.unwrap();
    }
    sink(&server).sink_deliver(batch(4..=7)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=7));
}

#[tokio::test]
async fn confirms_a_batch_larger_than_the_client_keeps_in_flight() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let options = NatsOptions { timeout: SLACK * 3, ..options(&server.url()) };
    let sink = NatsSink::new(options).unwrap();
    sink.sink_deliver(batch(1..=6_000)).await.unwrap();
    assert_eq!(stream.get_info().await.unwrap().state.messages, 6_000);
}

#[tokio::test]
async fn accepts_deliveries_of_several_indexes_at_once() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let sink = Arc::new(sink(&server));
    let mut deliveries = JoinSet::new();
    for index in 0..8 {
        let sink = sink.clone();
        let events = (0..50).map(|number| json!({"id": format!("i{index}:{number}")})).collect();
        let batch = SinkBatch { index: format!("i{index}").parse().unwrap(), events };
        deliveries.spawn(async move { sink.sink_deliver(batch).await });
    }
    while let Some(outcome) = deliveries.join_next().await {
        outcome.unwrap().unwrap();
    }
    let all = ids(&stream).await;
    assert_eq!(all.len(), 400);
    for index in 0..8 {
        let prefix = format!("i{index}:");
        let of_index: Vec<&str> = all.iter().filter_map(|id| id.strip_prefix(&prefix)).collect();
        let in_order: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        assert_eq!(of_index, in_order);
    }
}

#[tokio::test]
async fn names_the_stream_to_create_when_it_is_missing() {
    let server = NatsServer::start();
    let sink = sink(&server);
    let (reason, retry_after) = unavailable(sink.sink_deliver(batch(1..=2)).await);
    assert!(reason.contains("create a stream for `miroir.changes.>`"), "{reason}");
    assert_eq!(retry_after, None);
    // Once the stream exists, the same sink continues from the first event.
    let stream = stream(&server, Config::default()).await;
    sink.sink_deliver(batch(1..=2)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=2));
}

#[tokio::test]
async fn stores_nothing_of_a_batch_with_an_event_larger_than_the_server_takes() {
    let server = NatsServer::configured("max_payload: 4096");
    let stream = stream(&server, Config::default()).await;
    let mut large = batch(1..=3);
    large.events[1]["data"]["text"] = "x".repeat(4_096).into();
    let sink = sink(&server);
    let (reason, _) = unavailable(sink.sink_deliver(large).await);
    assert!(reason.contains("event films:2 is larger than") && reason.contains("max_payload"), "{reason}");
    assert!(ids(&stream).await.is_empty());
    sink.sink_deliver(batch(1..=3)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=3));
}

#[tokio::test]
async fn repeats_the_reason_of_a_stream_that_refuses() {
    let server = NatsServer::start();
    let full =
        Config { max_messages: 2, discard: jetstream::stream::DiscardPolicy::New, ..Config::default() };
    let stream = stream(&server, full).await;
    let (reason, _) = unavailable(sink(&server).sink_deliver(batch(1..=4)).await);
    assert!(
        reason.contains("did not store event films:3: ") && reason.contains("maximum messages"),
        "{reason}"
    );
    assert_eq!(ids(&stream).await, expected(1..=2));
}

#[tokio::test]
async fn delivers_again_after_the_server_was_killed_and_restarted() {
    let mut server = NatsServer::start();
    let kept = stream(&server, Config::default()).await;
    let options = NatsOptions { timeout: Duration::from_secs(2), ..options(&server.url()) };
    let sink = NatsSink::new(options).unwrap();
    sink.sink_deliver(batch(1..=2)).await.unwrap();
    drop(kept);
    server.kill();
    for _ in 0..3 {
        let start = Instant::now();
        let (reason, _) = unavailable(sink.sink_deliver(batch(3..=4)).await);
        assert!(start.elapsed() < Duration::from_secs(2) + SLACK, "{:?}", start.elapsed());
        assert!(reason.contains(&server.address().to_string()), "{reason}");
    }
    server.launch_again();
    // The failed deliveries left nothing behind that would be sent now.
    sink.sink_deliver(batch(3..=4)).await.unwrap();
    let kept = jetstream(&server).await.get_stream("CHANGES").await.unwrap();
    assert_eq!(ids(&kept).await, expected(1..=4));
}

#[tokio::test]
async fn sends_nothing_of_a_failed_delivery_later() {
    let mut server = NatsServer::start();
    stream(&server, Config::default()).await;
    let sink = sink(&server);
    sink.sink_deliver(batch(1..=1)).await.unwrap();
    server.kill();
    unavailable(sink.sink_deliver(batch(2..=3)).await);
    server.launch_again();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let kept = jetstream(&server).await.get_stream("CHANGES").await.unwrap();
    assert_eq!(ids(&kept).await, expected(1..=1));
}

#[tokio::test]
async fn ends_within_its_timeout_when_no_server_responds() {
    // A port that accepts connections and sends nothing, and one that refuses them.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("nats://{}", silent.local_addr().unwrap());
    let refusing = format!("nats://{}", free_address());
    for url in [silent.clone(), refusing.clone(), format!("{silent},{refusing}")] {
        let sink = NatsSink::new(NatsOptions { timeout: SHORT, ..options(&url) }).unwrap();
        let start = Instant::now();
        let (reason, _) = unavailable(sink.sink_deliver(batch(1..=1)).await);
        assert!(start.elapsed() < SHORT + SLACK, "{:?}", start.elapsed());
        assert!(reason.contains(&url.replace(',', ", ")) && reason.contains("cannot be reached"), "{reason}");
    }
}

#[tokio::test]
async fn tries_the_next_server_when_the_first_does_not_respond() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = free_address();
    let url = format!("nats://{},nats://{refusing},{}", silent.local_addr().unwrap(), server.url());
    let sink = NatsSink::new(NatsOptions { timeout: SLACK, ..options(&url) }).unwrap();
    sink.sink_deliver(batch(1..=1)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=1));
}

#[tokio::test]
async fn explains_that_the_server_refused_the_token() {
    let server = NatsServer::with(&["--auth", "the-token"]);
    let with = |token: &str| NatsOptions { token: Some(token.to_owned()), ..options(&server.url()) };
    for wrong in [with("hunter2"), options(&server.url())] {
        let sink = NatsSink::new(wrong).unwrap();
        let (reason, _) = unavailable(sink.sink_deliver(batch(1..=1)).await);
        assert!(reason.contains("refused the credentials") && reason.contains("token"), "{reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
    let (reason, _) = unavailable(NatsSink::new(with("the-token")).unwrap().sink_deliver(batch(1..=1)).await);
    assert!(reason.contains("create a stream"), "the token is right: {reason}");
}

#[tokio::test]
async fn connects_as_a_user_and_reports_missing_permissions() {
    let server = NatsServer::configured(
        "authorization { users: [\
           {user: writer, password: right, permissions: {publish: \"miroir.>\"}},\
           {user: reader, password: right, permissions: {publish: \"other.>\"}}] }",
    );
    let as_user = |user: &str, password: &str, timeout| NatsOptions {
        user: Some(user.to_owned()),
        password: Some(password.to_owned()),
        timeout,
        ..options(&server.url())
    };
    for (user, password, timeout, says) in [
        ("writer", "right", SLACK, "create a stream"),
        ("writer", "wrong", SLACK, "refused the credentials"),
        ("reader", "right", SHORT, "Permissions Violation for Publish to \"miroir.changes.films\""),
    ] {
        let sink = NatsSink::new(as_user(user, password, timeout)).unwrap();
        let (reason, _) = unavailable(sink.sink_deliver(batch(1..=1)).await);
        assert!(reason.contains(says), "{user}: {reason}");
    }
}

#[tokio::test]
async fn ends_within_its_timeout_when_the_server_hangs_and_can_be_repeated() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let sink = NatsSink::new(NatsOptions { timeout: SHORT * 2, ..options(&server.url()) }).unwrap();
    sink.sink_deliver(batch(1..=1)).await.unwrap();
    signal(&server, "-STOP");
    let start = Instant::now();
    let (reason, _) = unavailable(sink.sink_deliver(batch(2..=9)).await);
    assert!(start.elapsed() < SHORT * 2 + SLACK, "{:?}", start.elapsed());
    signal(&server, "-CONT");
    assert!(reason.contains("did not confirm"), "{reason}");
    // The server may or may not store the events that it received before it hung; either way the batch is
    // there once.
    let again = NatsSink::new(options(&server.url())).unwrap();
    again.sink_deliver(batch(2..=9)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=9));
}

#[tokio::test]
async fn stores_no_later_event_when_the_connection_breaks() {
    let server = NatsServer::start();
    let stream = stream(&server, Config::default()).await;
    let link = Link::to(&server, 20_000).await;
    let sink = NatsSink::new(options(&format!("nats://{}", link.address))).unwrap();
    let (reason, _) = unavailable(sink.sink_deliver(batch(1..=500)).await);
    assert!(reason.contains("lost"), "{reason}");
    // Time enough to reconnect and send the rest, which would leave a gap.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stored = ids(&stream).await;
    assert!((1..500).contains(&stored.len()), "{}", stored.len());
    assert_eq!(stored, expected(1..=stored.len() as u64));
    link.limit.store(usize::MAX, Ordering::SeqCst);
    sink.sink_deliver(batch(1..=500)).await.unwrap();
    assert_eq!(ids(&stream).await, expected(1..=500));
}

#[test]
fn sink_prints_its_servers_and_not_its_secrets() {
    let options = NatsOptions { token: Some("hunter2".to_owned()), ..options("nats://a,tls://b:1") };
    let printed = format!("{:?} {options:?}", NatsSink::new(options.clone()).unwrap());
    assert!(printed.contains("nats://a:4222, tls://b:1") && printed.contains("miroir.changes"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn unusable_options_are_refused() {
    let zero = NatsOptions { timeout: Duration::ZERO, ..options("nats://a") };
    assert!(matches!(NatsSink::new(zero), Err(SinkConfigError::ZeroTimeout)));
    let wild = NatsOptions { subject: "a.>".to_owned(), ..options("nats://a") };
    assert!(matches!(NatsSink::new(wild), Err(SinkConfigError::InvalidSubject { .. })));
    assert!(matches!(NatsSink::new(options("http://a")), Err(SinkConfigError::InvalidUrl { .. })));
}

/// Sends a signal to the process of a server.
fn signal(server: &NatsServer, signal: &str) {
    let pid = server.pid().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

/// A proxy to a server that breaks each connection after so many bytes to the server.
struct Link {
    address: SocketAddr,
    limit: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Link {
    async fn to(server: &NatsServer, limit: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, limit) = (server.address(), Arc::new(AtomicUsize::new(limit)));
        let task = tokio::spawn({
            let limit = limit.clone();
            async move {
                let mut links = JoinSet::new();
                loop {
                    let (mut client, _) = listener.accept().await.unwrap();
                    let limit = limit.load(Ordering::SeqCst) as u64;
                    links.spawn(async move {
                        let mut onward = TcpStream::connect(server).await.unwrap();
                        let (from_client, mut to_client) = client.split();
                        let (mut from_server, mut to_server) = onward.split();
                        let mut bounded = from_client.take(limit);
                        tokio::select! {
                            _ = tokio::io::copy(&mut bounded, &mut to_server) => {}
                            _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
                        }
                    });
                }
            }
        });
        Self { address, limit, task }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}
