//! The feed of changes and the routes of sinks, from the request to the port and back.

mod support;

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::change::SinkState;
use miroir_domain::error::ErrorCode;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{
    ApiError, ChangesPage, ChangesQuery, MockChangeFeed, MockSinkApi, SinkPosition, SinkView,
};
use serde_json::{Value, json};
use support::{Connection, Request, Server, TIMEOUT, panicking_apis};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

async fn feed(feed: MockChangeFeed, options: HttpOptions) -> Server {
    Server::start(Apis { feed: Arc::new(feed), ..panicking_apis() }, options).await
}

async fn sinks(sink: MockSinkApi) -> Server {
    Server::start(Apis { sink: Arc::new(sink), ..panicking_apis() }, HttpOptions::default()).await
}

fn page(from: u64, to: u64) -> ChangesPage {
    let event = |seq: u64| json!({ "id": format!("films:{seq}") });
    ChangesPage { results: (from..=to).map(event).collect(), epoch: 1, next: to, last: to }
}

fn view(name: &str, state: SinkState) -> SinkView {
    SinkView {
        name: name.to_owned(),
        kind: "webhook".to_owned(),
        state,
        reason: None,
        changed_at: None,
        lag: 2,
        backlog_events: 3,
        backlog_bytes: 300,
        dropped: 4,
        suppressed: 5,
        published: 6,
        failures: 7,
        last_error: Some("responded 500".to_owned()),
        indexes: vec![SinkPosition {
            index: "films".parse().unwrap(),
            confirmed: Some(8),
            last: 10,
            trimmed_to: 1,
        }],
    }
}

fn sink_json(name: &str, state: &str) -> Value {
    json!({
        "name": name, "kind": "webhook", "state": state, "reason": null, "changedAt": null, "lag": 2,
        "backlogEvents": 3, "backlogBytes": 300, "dropped": 4, "suppressed": 5, "published": 6, "failures": 7,
        "lastError": "responded 500",
        "indexes": [{ "index": "films", "confirmed": 8, "last": 10, "trimmedTo": 1 }],
    })
}

#[tokio::test]
async fn changes_returns_the_changes_after_the_given_number() {
    let mut api = MockChangeFeed::new();
    api.expect_changes().times(1).returning(|query| {
        let expected = ChangesQuery {
            index: "films".parse().unwrap(),
            since: Some("2:3".parse().unwrap()),
            limit: 2,
            wait: Duration::from_secs(7),
        };
        assert_eq!(query, expected);
        Ok(page(4, 5))
    });
    let server = feed(api, HttpOptions::default()).await;
    let response = server.get("/_miroir/changes?index=films&since=2:3&limit=2&wait=7").await;
    assert_eq!(response.status, 200);
    let expected =
        json!({ "results": [{ "id": "films:4" }, { "id": "films:5" }], "epoch": 1, "next": 5, "last": 5 });
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn changes_passes_defaults_to_the_port_without_parameters() {
    let mut api = MockChangeFeed::new();
    api.expect_changes().times(1).returning(|query| {
        assert_eq!((query.since, query.limit, query.wait), (None, 20, Duration::from_secs(25)));
        Ok(page(1, 0))
    });
    let server = feed(api, HttpOptions::default()).await;
    assert_eq!(server.get("/_miroir/changes?index=films").await.status, 200);
}

#[tokio::test]
async fn changes_refuses_invalid_parameters_before_the_port_is_called() {
    let server = feed(MockChangeFeed::new(), HttpOptions::default()).await;
    let cases = [
        ("", "index"),
        ("?index=a%20b", "a b"),
        ("?index=films&since=-1", "since"),
        ("?index=films&since=x", "since"),
        ("?index=films&since=1:", "since"),
        ("?index=films&since=1:2:3", "since"),
        ("?index=films&since=99999999999999999999", "since"),
        ("?index=films&limit=0", "limit"),
        ("?index=films&limit=1001", "limit"),
        ("?index=films&wait=61", "wait"),
        ("?index=films&sinc=1", "since"),
    ];
    for (query, named) in cases {
        let response = server.get(&format!("/_miroir/changes{query}")).await;
        assert_eq!(response.status, 400, "{query}");
        assert!(response.message().contains(named), "{query}: {}", response.message());
    }
    let path = "/_miroir/changes?index=films";
    let request =
        Request::new("GET", path).header("Accept", "text/event-stream").header("Last-Event-ID", "films:4");
    let response = server.send(&request).await;
    assert_eq!(response.status, 400);
    assert!(response.message().contains("Last-Event-ID"));
}

#[tokio::test]
async fn trimmed_changes_are_410_as_a_page_and_as_a_stream() {
    let mut api = MockChangeFeed::new();
    let gone = || ApiError::refused(ErrorCode::MiroirChangesTrimmed, "the oldest is 5");
    api.expect_changes().times(2).returning(move |_| Err(gone()));
    let server = feed(api, HttpOptions::default()).await;
    for accept in ["*/*", "text/event-stream"] {
        let request = Request::new("GET", "/_miroir/changes?index=films&since=1").header("Accept", accept);
        let response = server.send(&request).await;
        assert_eq!((response.status, response.code().as_str()), (410, "miroir_changes_trimmed"), "{accept}");
    }
}

/// Reads until the text contains `wanted`.
async fn read_until(connection: &mut Connection, wanted: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while !text.contains(wanted) {
        let read = timeout(TIMEOUT, connection.stream.read(&mut buffer)).await;
        let count = read.expect("data arrives").unwrap();
        assert!(count > 0, "the stream ended before `{wanted}`: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

async fn follow(server: &Server, last_event_id: Option<&str>) -> Connection {
    let path = "/_miroir/changes?index=films&since=3";
    let mut request = Request::new("GET", path).header("Accept", "text/event-stream");
    if let Some(id) = last_event_id {
        request = request.header("Last-Event-ID", id);
    }
    let mut connection = server.connect().await;
    connection.write(&request.bytes()).await;
    connection
}

/// A feed with the events from 4 to 9 in pages of two, and then `end`.
fn feed_to_nine(end: impl Fn() -> Result<ChangesPage, ApiError> + Send + 'static) -> MockChangeFeed {
    let mut api = MockChangeFeed::new();
    api.expect_changes().returning(move |query| match query.since.map(|since| since.seq) {
        Some(since @ 3..9) => Ok(page(since + 1, (since + 2).min(9))),
        _ => end(),
    });
    api
}

#[tokio::test]
async fn events_have_their_numbers_in_order_and_end_with_an_error() {
    let gone = || Err(ApiError::refused(ErrorCode::MiroirChangesTrimmed, "the oldest is 50"));
    let server = feed(feed_to_nine(gone), HttpOptions::default()).await;
    let mut connection = follow(&server, None).await;
    let text = read_until(&mut connection, "miroir_changes_trimmed").await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(text.to_lowercase().contains("content-type: text/event-stream"), "{text}");
    assert!(text.to_lowercase().contains("x-request-id"), "{text}");
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id:")).map(str::trim).collect();
    assert_eq!(ids, ["1:4", "1:5", "1:6", "1:7", "1:8", "1:9"]);
    assert!(text.contains(r#"{"id":"films:4"}"#), "{text}");
    assert!(text.contains("event:error"), "{text}");
    assert!(text.contains(r#""link":"http://test/_miroir/docs/errors#miroir_changes_trimmed""#), "{text}");
}

#[tokio::test]
async fn events_continue_after_the_last_event_id() {
    let gone = || Err(ApiError::refused(ErrorCode::MiroirChangesTrimmed, "the oldest is 50"));
    let server = feed(feed_to_nine(gone), HttpOptions::default()).await;
    let mut connection = follow(&server, Some("1:7")).await;
    let text = read_until(&mut connection, "miroir_changes_trimmed").await;
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id:")).map(str::trim).collect();
    assert_eq!(ids, ["1:8", "1:9"]);
}

#[tokio::test]
async fn event_streams_hold_their_permit_until_the_reader_disconnects() {
    let mut api = MockChangeFeed::new();
    api.expect_changes().returning(|query| {
        // No change ever arrives. The pause keeps the stream from blocking this thread.
        std::thread::sleep(Duration::from_millis(5));
        Ok(ChangesPage {
            results: Vec::new(),
            epoch: 1,
            next: query.since.map_or(3, |since| since.seq),
            last: 3,
        })
    });
    let server = feed(api, HttpOptions { max_concurrent_requests: 1, ..HttpOptions::default() }).await;
    let mut reader = follow(&server, None).await;
    read_until(&mut reader, "nothing new").await;
    assert_eq!(
        server.get("/_miroir/changes?index=films").await.status,
        503,
        "the reader holds the only permit"
    );
    drop(reader);
    let freed = async {
        while server.get("/_miroir/changes?index=films").await.status == 503 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, freed).await.expect("a disconnected reader releases its permit");
}

#[tokio::test]
async fn stopping_the_server_ends_event_streams() {
    let mut api = MockChangeFeed::new();
    api.expect_changes().returning(|query| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(ChangesPage {
            results: Vec::new(),
            epoch: 1,
            next: query.since.map_or(3, |since| since.seq),
            last: 3,
        })
    });
    let mut server = feed(api, HttpOptions::default()).await;
    let mut reader = follow(&server, None).await;
    read_until(&mut reader, "nothing new").await;
    server.begin_stop();
    timeout(TIMEOUT, server.stopped()).await.expect("the server stops despite its reader");
}

#[tokio::test]
async fn sinks_are_listed_paused_resumed_and_rewound() {
    let mut api = MockSinkApi::new();
    api.expect_sink_list().returning(|| Ok(vec![view("a", SinkState::Active)]));
    api.expect_sink_pause().returning(|name| Ok(view(name, SinkState::Paused)));
    api.expect_sink_resume().returning(|name| Ok(view(name, SinkState::Active)));
    api.expect_sink_rewind().returning(|name, rewind| {
        assert_eq!((rewind.index.as_str(), rewind.since), ("films", 4));
        Ok(view(name, SinkState::Disabled))
    });
    let server = sinks(api).await;
    let list = server.get("/_miroir/cdc/sinks").await;
    assert_eq!((list.status, list.json()), (200, json!({ "results": [sink_json("a", "active")] })));
    for (verb, body, state) in [
        ("pause", None, "paused"),
        ("resume", None, "active"),
        ("rewind", Some(r#"{"index":"films","since":4}"#), "disabled"),
    ] {
        let path = format!("/_miroir/cdc/sinks/a/{verb}");
        let request = Request::new("POST", &path);
        let response =
            server.send(&body.map_or(request, |body| Request::new("POST", &path).json(body))).await;
        assert_eq!((response.status, response.json()), (200, sink_json("a", state)), "{verb}");
    }
    let bad =
        server.send(&Request::new("POST", "/_miroir/cdc/sinks/a/rewind").json(r#"{"index":"films"}"#)).await;
    assert_eq!(bad.status, 400);
    assert!(bad.message().contains("since"));
}

#[tokio::test]
async fn refusals_of_sinks_have_their_statuses() {
    let mut api = MockSinkApi::new();
    api.expect_sink_pause()
        .returning(|_| Err(ApiError::refused(ErrorCode::MiroirSinkNotFound, "There is no sink `x`.")));
    api.expect_sink_resume()
        .returning(|_| Err(ApiError::refused(ErrorCode::MiroirSinkConflict, "It is `internal`.")));
    let server = sinks(api).await;
    let missing = server.send(&Request::new("POST", "/_miroir/cdc/sinks/x/pause")).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "miroir_sink_not_found"));
    let conflict = server.send(&Request::new("POST", "/_miroir/cdc/sinks/x/resume")).await;
    assert_eq!((conflict.status, conflict.code().as_str()), (409, "miroir_sink_conflict"));
}
