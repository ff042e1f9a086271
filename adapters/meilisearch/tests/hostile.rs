//! Nodes that misbehave: every failure has its kind, and no call takes longer than its timeout.

#[allow(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_domain::write::WriteOperation;
use miroir_meilisearch::{ClientOptions, MeilisearchNodes};
use miroir_ports::error_chain;
use miroir_ports::outbound::{NodeError, NodeInspector as _, NodeRead, NodeTaskSelection, NodeWrite, Nodes};
use serde_json::{Value, json};
use support::{Reply, ScriptedNode, endpoint, node, response};
use tokio::net::TcpListener;

/// The timeout of a call to a node that responds at once.
const AMPLE: Duration = Duration::from_secs(10);
/// The timeout of a call to a node that never responds.
const BRIEF: Duration = Duration::from_millis(200);
/// A generous bound within which every call must return.
const FOREVER: Duration = Duration::from_secs(8);

fn write() -> NodeWrite {
    NodeWrite {
        index: "movies".parse().unwrap(),
        operation: WriteOperation::DocumentsDeleteAll,
        custom_metadata: None,
    }
}

async fn write_to(nodes: &MeilisearchNodes, timeout: Duration) -> Result<u32, NodeError> {
    tokio::time::timeout(FOREVER, nodes.node_write(&node(), write(), timeout)).await.expect("the call hangs")
}

/// Returns the reason of an `Unknown`.
fn unknown<T: std::fmt::Debug>(outcome: Result<T, NodeError>) -> String {
    match outcome {
        Err(NodeError::Unknown { source, .. }) => error_chain(&source),
        other => panic!("should be unknown: {other:?}"),
    }
}

#[tokio::test]
async fn write_is_unreachable_when_the_port_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nodes = MeilisearchNodes::unguarded([endpoint(&url)], &ClientOptions::default()).unwrap();
    match write_to(&nodes, AMPLE).await {
        Err(NodeError::Unreachable { source, .. }) => {
            let reason = error_chain(&source);
            assert!(reason.contains("refused"), "{reason}");
        }
        other => panic!("should be unreachable: {other:?}"),
    }
}

#[tokio::test]
async fn write_is_unreachable_when_the_name_does_not_resolve() {
    let nodes =
        MeilisearchNodes::unguarded([endpoint("http://node.invalid:7700")], &ClientOptions::default())
            .unwrap();
    let outcome = write_to(&nodes, AMPLE).await;
    assert!(matches!(outcome, Err(NodeError::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn write_is_unreachable_when_the_connection_takes_too_long() {
    // A socket with a full backlog, which accepts nothing, leaves further connections without a response.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) = tokio::time::timeout(BRIEF, tokio::net::TcpStream::connect(address)).await {
        fillers.push(filler);
        assert!(fillers.len() < 64, "the backlog never fills");
    }
    let options = ClientOptions { connect_timeout: BRIEF, ..ClientOptions::default() };
    let nodes = MeilisearchNodes::unguarded([endpoint(&format!("http://{address}"))], &options).unwrap();
    let outcome = write_to(&nodes, AMPLE).await;
    assert!(matches!(outcome, Err(NodeError::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn call_is_unreachable_when_the_node_is_not_configured() {
    let nodes = MeilisearchNodes::unguarded([], &ClientOptions::default()).unwrap();
    let outcome = write_to(&nodes, AMPLE).await;
    assert!(matches!(outcome, Err(NodeError::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn write_is_unknown_when_the_node_hangs_at_any_point() {
    let whole = response("202 Accepted", r#"{"taskUid":1}"#);
    for reply in [
        Reply::Hang,
        Reply::SendAndHang(b"HTTP/1.1 202 Acc".to_vec()),
        Reply::SendAndHang(b"HTTP/1.1 202 Accepted\r\ncontent-length: 13\r\n".to_vec()),
        Reply::SendAndHang(whole[..whole.len() - 3].to_vec()),
        Reply::SendAndDrip(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000000\r\n\r\n".to_vec()),
        Reply::SendAndDrip(b"HTTP/1.1 202 Accepted\r\nx-slow: ".to_vec()),
    ] {
        let server = ScriptedNode::always(reply).await;
        let reason = unknown(write_to(&server.client(), BRIEF).await);
        assert!(reason.contains("in time"), "{reason}");
        assert_eq!(server.requests().len(), 1, "a write is sent at most once");
    }
}

#[tokio::test]
async fn write_is_unknown_when_the_connection_breaks_after_it_was_made() {
    let whole = response("202 Accepted", r#"{"taskUid":1}"#);
    for reply in [
        Reply::Close,
        Reply::SendAndClose(b"HTTP/1.1 202 Acc".to_vec()),
        Reply::SendAndClose(whole[..whole.len() - 3].to_vec()),
    ] {
        let server = ScriptedNode::always(reply).await;
        unknown(write_to(&server.client(), AMPLE).await);
        assert_eq!(server.requests().len(), 1, "a write is sent at most once");
    }
}

#[tokio::test]
async fn write_is_not_done_twice_when_the_connection_closes_right_after_accept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        let mut accepted = 0_u32;
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
            accepted += 1;
            assert_eq!(accepted, 1, "the call connects again");
        }
    });
    let nodes = MeilisearchNodes::unguarded([endpoint(&url)], &ClientOptions::default()).unwrap();
    unknown(write_to(&nodes, AMPLE).await);
    assert!(!accepting.is_finished(), "the call connected again");
    accepting.abort();
}

#[tokio::test]
async fn write_is_unknown_when_the_response_is_invalid() {
    for (body, says) in [
        ("<html>hello</html>", "not what was expected"),
        ("", "not what was expected"),
        (r#"{"taskUid":"#, "not what was expected"),
        (r#"{"uid":1}"#, "taskUid"),
        (r#"{"taskUid":null}"#, "u32"),
        (r#"{"taskUid":"1"}"#, "u32"),
        (r#"{"taskUid":-1}"#, "u32"),
        (r#"{"taskUid":4294967296}"#, "u32"),
        (r#"{"taskUid":1}{"taskUid":2}"#, "trailing"),
        ("[]", "not what was expected"),
    ] {
        let server = ScriptedNode::json("202 Accepted", body).await;
        let reason = unknown(write_to(&server.client(), AMPLE).await);
        assert!(reason.contains(says), "{body}: {reason}");
    }
    let server = ScriptedNode::always(Reply::SendAndClose(b"SSH-2.0-OpenSSH_9\r\n".to_vec())).await;
    unknown(write_to(&server.client(), AMPLE).await);
}

#[tokio::test]
async fn write_is_unknown_when_the_length_is_wrong() {
    for head in [
        "HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\ncontent-length: 500\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\ncontent-length: many\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let bytes = [head.as_bytes(), br#"{"taskUid":1}"#].concat();
        let server = ScriptedNode::always(Reply::SendAndClose(bytes)).await;
        unknown(write_to(&server.client(), AMPLE).await);
    }
}

#[tokio::test]
async fn write_is_unknown_when_the_status_is_undecided() {
    let words = r#"{"message":"no space left","code":"no_space_left_on_device","type":"system","link":""}"#;
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"] {
        let server = ScriptedNode::json(status, words).await;
        let reason = unknown(write_to(&server.client(), AMPLE).await);
        assert!(reason.contains(&status[..3]) && reason.contains("no space left"), "{reason}");
    }
    let server = ScriptedNode::json("408 Request Timeout", "").await;
    assert!(unknown(write_to(&server.client(), AMPLE).await).contains("408"));
}

#[tokio::test]
async fn redirect_is_unknown_and_not_followed() {
    let target = ScriptedNode::json("202 Accepted", r#"{"taskUid":1}"#).await;
    let response = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        target.address
    );
    let server = ScriptedNode::always(Reply::Send(response.into_bytes())).await;
    let reason = unknown(write_to(&server.client(), AMPLE).await);
    assert!(reason.contains("307"), "{reason}");
    assert!(target.requests().is_empty(), "the redirect was followed");
}

#[tokio::test]
async fn response_that_is_too_long_is_no_fault_of_the_node_unless_it_is_that_of_a_write() {
    let options = ClientOptions { max_response_bytes: 1000, ..ClientOptions::default() };
    let announced = response("200 OK", &format!("[{}]", " ".repeat(2000)));
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..4 {
        chunked.extend_from_slice(b"190\r\n");
        chunked.extend_from_slice(&[b' '; 400]);
        chunked.extend_from_slice(b"\r\n");
    }
    for bytes in [announced, chunked] {
        let server = ScriptedNode::always(Reply::SendAndHang(bytes.clone())).await;
        let nodes = server.client_with(&options);
        let error = nodes.node_read(&node(), NodeRead::Version, AMPLE).await.unwrap_err();
        assert!(matches!(error, NodeError::TooLong { max_bytes: 1000, .. }), "{error:?}");
        assert!(!error.is_bad_for_health());
        let server = ScriptedNode::always(Reply::SendAndHang(bytes)).await;
        let reason = unknown(write_to(&server.client_with(&options), AMPLE).await);
        assert!(reason.contains("longer than 1000 bytes"), "{reason}");
    }
}

/// Tasks of settings show them whole, so a few of them may be longer than a response may be.
#[tokio::test]
async fn tasks_that_do_not_fit_into_one_response_are_listed_in_several() {
    let server = ScriptedNode::start(|_, request| {
        let number = |name: &str| {
            let value = request.line().split(['?', '&']).find_map(|part| part.strip_prefix(name));
            value.map(|value| value.parse::<u32>().unwrap())
        };
        let (limit, from) = (number("limit=").unwrap(), number("from=").unwrap_or(30));
        let uids: Vec<u32> = (1..=from).rev().take(limit as usize).collect();
        let next = uids.last().map(|last| last - 1).filter(|next| *next > 0);
        let task = |uid: &u32| {
            json!({
                "uid": uid, "status": "succeeded", "type": "settingsUpdate", "indexUid": "movies",
                "details": { "stopWords": ["x".repeat(300)] }, "enqueuedAt": "2024-01-01T00:00:00Z",
                "customMetadata": (*uid == 3).then_some("miroir:41"),
            })
        };
        let tasks: Vec<Value> = uids.iter().map(task).collect();
        Reply::Send(response("200 OK", &json!({ "results": tasks, "next": next }).to_string()))
    })
    .await;
    let options = ClientOptions { max_response_bytes: 2_000, ..ClientOptions::default() };
    let selection = NodeTaskSelection::IndexSince("movies".parse().unwrap(), Timestamp::from_millis(0));
    let tasks = server.client_with(&options).node_tasks(&node(), selection, AMPLE).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.uid).collect::<Vec<_>>(), (1..=30).collect::<Vec<_>>());
    let newest = server.inspector_with(&options).node_newest_write(&node(), AMPLE).await.unwrap();
    assert_eq!(newest.map(|uid| uid.0), Some(41));
}

#[tokio::test]
async fn refusal_keeps_the_message_of_the_node() {
    let server = ScriptedNode::json(
        "404 Not Found",
        r#"{"message":"Index `movies` not found.","code":"index_not_found","type":"invalid_request","link":"https://l"}"#,
    )
    .await;
    match write_to(&server.client(), AMPLE).await {
        Err(NodeError::Refused { status, error, .. }) => {
            assert_eq!(status, 404);
            assert_eq!(error.message, "Index `movies` not found.");
            assert_eq!(error.code, "index_not_found");
            assert_eq!(error.kind, "invalid_request");
            assert_eq!(error.link, "https://l");
        }
        other => panic!("should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn refusal_does_not_name_reserved_attributes() {
    let server = ScriptedNode::json(
        "400 Bad Request",
        r#"{"message":"Attribute `a` is not filterable. Available filterable attributes are: `_miroir_shard, b`.","code":"invalid_search_filter","type":"invalid_request","link":""}"#,
    )
    .await;
    match write_to(&server.client(), AMPLE).await {
        Err(NodeError::Refused { error, .. }) => {
            assert!(!error.message.contains("_miroir_shard"), "{}", error.message);
            assert!(error.message.contains("not filterable"), "{}", error.message);
        }
        other => panic!("should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn refusal_stands_when_its_body_is_unusable() {
    let cut = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 400\r\n\r\n{\"message\":".to_vec();
    for reply in [
        Reply::Send(response("400 Bad Request", "nginx says no")),
        Reply::SendAndClose(cut.clone()),
        Reply::SendAndHang(cut),
        Reply::Send(response("429 Too Many Requests", "slow down")),
    ] {
        let server = ScriptedNode::always(reply).await;
        match write_to(&server.client(), BRIEF).await {
            Err(NodeError::Refused { status, error, .. }) => {
                assert_eq!(error.code, "bad_request");
                assert!(error.message.contains(&status.to_string()), "{}", error.message);
            }
            other => panic!("should be refused: {other:?}"),
        }
    }
}

#[tokio::test]
async fn write_is_sent_once_when_the_node_closes_kept_connections_between_requests() {
    // Every response ends its connection, without a `connection: close` that would announce it.
    let server =
        ScriptedNode::always(Reply::SendAndClose(response("202 Accepted", r#"{"taskUid":7}"#))).await;
    let nodes = server.client();
    let mut sent = 0;
    for _ in 0..50 {
        let before = server.requests().len();
        match write_to(&nodes, AMPLE).await {
            Ok(uid) => assert_eq!(uid, 7),
            // The request was written to a connection that was being closed. It is never repeated.
            Err(NodeError::Unknown { .. }) => {}
            other => panic!("should be done or unknown: {other:?}"),
        }
        sent += server.requests().len() - before;
        assert!(server.requests().len() - before <= 1, "a write was sent twice");
    }
    assert!(sent > 0);
}

#[tokio::test]
async fn write_is_sent_once_when_its_kept_connection_breaks() {
    // The second request on a kept connection is read whole, then the connection is closed: it may have been
    // done.
    let server = ScriptedNode::start(|number, _| match number {
        0 => Reply::Send(response("202 Accepted", r#"{"taskUid":1}"#)),
        _ => Reply::Close,
    })
    .await;
    let nodes = server.client();
    assert_eq!(write_to(&nodes, AMPLE).await.unwrap(), 1);
    unknown(write_to(&nodes, AMPLE).await);
    assert_eq!(server.requests().len(), 2, "the write was repeated");
}

#[tokio::test]
async fn dropping_a_call_drops_its_connection() {
    let server = ScriptedNode::always(Reply::Hang).await;
    let nodes = server.client();
    let call = tokio::spawn(async move { write_to(&nodes, FOREVER).await });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.closed.available_permits(), 0);
    call.abort();
    let closed = tokio::time::timeout(FOREVER, server.closed.acquire()).await;
    assert!(closed.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn inspection_is_bad_for_health_when_the_server_is_not_meilisearch() {
    for (status, body) in [
        ("404 Not Found", r#"{"message":"m","code":"not_found","type":"invalid_request","link":""}"#),
        ("200 OK", r#"{"status":"starting"}"#),
        ("200 OK", "ok"),
        ("200 OK", "[]"),
    ] {
        let server = ScriptedNode::json(status, body).await;
        let outcome = server.inspector().node_inspect(&node(), None, AMPLE).await;
        assert!(outcome.as_ref().is_err_and(NodeError::is_bad_for_health), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn inspection_is_bad_for_health_when_the_key_is_refused() {
    let refusal = r#"{"message":"m","code":"invalid_api_key","type":"auth","link":""}"#;
    for (status, body, reason) in [
        ("403 Forbidden", refusal, "it refuses the key (403 invalid_api_key): set its master key as"),
        ("401 Unauthorized", "", "it refuses the key (401 missing_authorization_header)"),
        ("404 Not Found", "", "its version route returned 404: is this a Meilisearch server?"),
    ] {
        let server = ScriptedNode::start(move |number, _| match number {
            0 => Reply::Send(response("200 OK", r#"{"status":"available"}"#)),
            _ => Reply::Send(response(status, body)),
        })
        .await;
        let error = server.inspector().node_inspect(&node(), None, AMPLE).await.unwrap_err();
        assert!(error.is_bad_for_health() && error_chain(&error).contains(reason), "{}", error_chain(&error));
    }
}

#[tokio::test]
async fn tasks_are_unknown_when_a_page_is_invalid() {
    for body in [
        "{}",
        r#"{"results":{}}"#,
        r#"{"results":[{"uid":1}],"next":null}"#,
        r#"{"results":[{"uid":1,"status":"sleeping","type":"x","enqueuedAt":"2024-01-01T00:00:00Z"}],"next":null}"#,
        r#"{"results":[{"uid":1,"status":"enqueued","type":"x","enqueuedAt":"yesterday"}],"next":null}"#,
    ] {
        let server = ScriptedNode::json("200 OK", body).await;
        unknown(server.client().node_tasks(&node(), NodeTaskSelection::Uids(vec![1]), AMPLE).await);
    }
}

#[tokio::test]
async fn tasks_end_when_the_pages_go_in_circles() {
    let server = ScriptedNode::json("200 OK", r#"{"results":[],"next":5}"#).await;
    let outcome = tokio::time::timeout(
        FOREVER,
        server.client().node_tasks(&node(), NodeTaskSelection::Uids(vec![1]), AMPLE),
    )
    .await
    .expect("the call hangs");
    assert!(unknown(outcome).contains("does not advance"));
}

#[tokio::test]
async fn tasks_keep_to_one_deadline_over_all_pages() {
    let server = ScriptedNode::start(|number, _| {
        let next = 1_000_000_000 - number;
        Reply::Send(response("200 OK", &format!(r#"{{"results":[],"next":{next}}}"#)))
    })
    .await;
    let (nodes, node) = (server.client(), node());
    let listing = nodes.node_tasks(&node, NodeTaskSelection::Uids(vec![1]), BRIEF);
    let reason = unknown(tokio::time::timeout(FOREVER, listing).await.expect("the call hangs"));
    assert!(reason.contains("in time"), "{reason}");
}
