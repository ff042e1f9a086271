//! Webhooks to receivers of raw TCP, well-behaved and not.

mod support;

use std::error::Error as _;
use std::time::Duration;

use miroir_ports::error_chain;
use miroir_ports::outbound::{Sink as _, SinkError};
use miroir_test_server::free_address;
use support::{OTHER_SECRET, Receiver, Reply, SECRET, SHORT, SLACK, batch, required_header, unavailable};
use tokio::time::Instant;

#[tokio::test]
async fn delivers_a_batch_as_one_signed_request() {
    let receiver = Receiver::http("200 OK", "thanks").await;
    receiver.sink(SLACK).sink_deliver(batch(3..=5)).await.unwrap();
    let [request] = &receiver.requests()[..] else { panic!("one request") };
    assert!(request.head.starts_with("POST /hooks?token=hunter2 HTTP/1.1\r\n"), "{}", request.head);
    for (name, value) in [
        ("host", receiver.address.to_string().as_str()),
        ("content-type", "application/cloudevents-batch+json; charset=utf-8"),
        ("user-agent", concat!("miroir/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", "films:3~films:5"),
        ("webhook-timestamp", "784111747"),
    ] {
        assert_eq!(required_header(request, name), value, "{name}");
    }
    let signature = required_header(request, "webhook-signature");
    assert!(signature.starts_with("v1,") && signature.len() == 47, "{signature}");
    assert!(request.header("transfer-encoding").is_none());
    // Byte for byte, because events are sent as they were stored.
    assert_eq!(request.body, serde_json::to_vec(&batch(3..=5).events).unwrap());
}

#[tokio::test]
async fn accepts_any_success_and_reads_no_body() {
    for status in ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Fine"] {
        let receiver =
            Receiver::start(Reply::SendAndFlood(format!("HTTP/1.1 {status}\r\n\r\n").into_bytes())).await;
        receiver.sink(SLACK).sink_deliver(batch(1..=1)).await.unwrap();
    }
}

#[tokio::test]
async fn gives_the_same_id_to_the_same_batch() {
    let receiver = Receiver::http("200 OK", "").await;
    let sink = receiver.sink(SLACK);
    for numbers in [1..=4, 1..=4, 1..=3, 2..=4, 4..=4] {
        sink.sink_deliver(batch(numbers)).await.unwrap();
    }
    let requests = receiver.requests();
    let ids: Vec<&str> = requests.iter().map(|request| required_header(request, "webhook-id")).collect();
    assert_eq!(ids, ["films:1~films:4", "films:1~films:4", "films:1~films:3", "films:2~films:4", "films:4"]);
    assert_eq!(
        required_header(&requests[0], "webhook-signature"),
        required_header(&requests[1], "webhook-signature")
    );
}

#[tokio::test]
async fn signs_with_every_secret() {
    let receiver = Receiver::http("200 OK", "").await;
    for secrets in [&[SECRET][..], &[OTHER_SECRET], &[OTHER_SECRET, SECRET]] {
        let secrets = secrets.iter().map(|&secret| secret.to_owned()).collect();
        let sink = receiver.sink_with(|options| options.secrets = secrets).unwrap();
        sink.sink_deliver(batch(1..=2)).await.unwrap();
    }
    let requests = receiver.requests();
    let [old, new, both] = [0, 1, 2].map(|at: usize| required_header(&requests[at], "webhook-signature"));
    assert_ne!(old, new);
    assert_eq!(both, format!("{new} {old}"));
}

#[tokio::test]
async fn returns_gone_when_the_receiver_responds_410() {
    let receiver = Receiver::http("410 Gone\r\nretry-after: 5", "moved\r\naway").await;
    let error = receiver.sink(SLACK).sink_deliver(batch(1..=1)).await.unwrap_err();
    let SinkError::Gone { reason } = error else { panic!("should be gone: {error:?}") };
    let origin = format!("http://{}", receiver.address);
    assert!(reason.contains(&origin) && reason.ends_with("410 Gone: moved away"), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
async fn returns_the_pause_that_the_receiver_requests() {
    for (head, wait) in [
        ("429 Too Many Requests\r\nretry-after: 120", Some(120_000)),
        ("429 Too Many Requests\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT", Some(29_100)),
        ("429 Too Many Requests\r\nretry-after: when it suits you", None),
        ("429 Too Many Requests", None),
        ("503 Service Unavailable\r\nretry-after: 999999", Some(3_600_000)),
        ("503 Service Unavailable", None),
        ("500 Internal Server Error\r\nretry-after: 2", Some(2_000)),
        ("400 Bad Request", None),
        ("404 Not Found", None),
    ] {
        let receiver = Receiver::http(head, "why").await;
        let (reason, retry_after) = unavailable(receiver.sink(SLACK).sink_deliver(batch(1..=1)).await);
        assert_eq!(retry_after, wait.map(Duration::from_millis), "{head}");
        assert!(reason.contains(&head[..3]) && reason.ends_with(": why"), "{reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
}

#[tokio::test]
async fn follows_no_redirect() {
    let target = Receiver::http("200 OK", "").await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let receiver = Receiver::http(&format!("{status}\r\nlocation: http://{}/", target.address), "").await;
        let (reason, _) = unavailable(receiver.sink(SLACK).sink_deliver(batch(1..=1)).await);
        assert!(reason.contains(status) && reason.contains("not followed"), "{reason}");
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn reads_only_the_beginning_of_an_endless_response() {
    let head = b"HTTP/1.1 500 Internal Server Error\r\n\r\n".to_vec();
    let receiver = Receiver::start(Reply::SendAndFlood(head)).await;
    let (reason, _) = unavailable(receiver.sink(SLACK).sink_deliver(batch(1..=1)).await);
    assert!(reason.contains("500 Internal Server Error: xxx") && reason.len() < 1_024, "{reason}");
}

#[tokio::test]
async fn refuses_responses_that_are_not_http() {
    let endless = Reply::SendAndFlood(b"HTTP/1.1 200 OK\r\nx: ".to_vec());
    let replies = [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\0\0\x1b[31m",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx",
        b"",
    ];
    for reply in replies.map(|bytes| Reply::SendAndClose(bytes.to_vec())).into_iter().chain([endless]) {
        let receiver = Receiver::start(reply).await;
        let (reason, _) = unavailable(receiver.sink(SLACK).sink_deliver(batch(1..=1)).await);
        assert!(reason.contains("gave no HTTP response"), "{reason}");
        assert!(!reason.contains("hunter2") && !reason.contains(char::is_control), "{reason}");
    }
}

#[tokio::test]
async fn ends_within_its_timeout_when_the_receiver_does_not() {
    let trickled = b"HTTP/1.1 200 OK\r\nx-slow: a header that takes its time\r\n\r\n".to_vec();
    for reply in [Reply::Hang, Reply::Trickle(trickled)] {
        let receiver = Receiver::start(reply).await;
        let start = Instant::now();
        let (reason, _) = unavailable(receiver.sink(SHORT).sink_deliver(batch(1..=1)).await);
        assert!((SHORT..SHORT + SLACK).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert!(reason.contains("did not respond within 500ms"), "{reason}");
        assert_eq!(receiver.requests().len(), 1, "a delivery goes out once");
    }
}

#[tokio::test]
async fn keeps_the_status_when_the_body_does_not_end_in_time() {
    let reply = Reply::Trickle(
        b"HTTP/1.1 503 Busy\r\nretry-after: 9\r\n\r\n".iter().chain(&[b'x'; 4_096]).copied().collect(),
    );
    let receiver = Receiver::start(reply).await;
    let timeout = Duration::from_secs(4);
    let start = Instant::now();
    let (reason, retry_after) = unavailable(receiver.sink(timeout).sink_deliver(batch(1..=1)).await);
    assert!((timeout..timeout + SLACK).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(reason.contains("503"), "{reason}");
    assert_eq!(retry_after, Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn names_the_receiver_when_its_port_is_closed() {
    let receiver = Receiver::http("200 OK", "").await;
    let sink = receiver.sink(SLACK);
    let address = receiver.address;
    drop(receiver);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (reason, retry_after) = unavailable(sink.sink_deliver(batch(1..=1)).await);
    assert!(reason.contains(&format!("http://{address} cannot be reached")), "{reason}");
    assert!(reason.contains("refused") && !reason.contains("hunter2"), "{reason}");
    assert_eq!(retry_after, None);
}

#[tokio::test]
async fn error_has_the_failed_connection_as_its_source() {
    let receiver = Receiver::http("200 OK", "").await;
    let closed = format!("http://{}/", free_address());
    let sink = receiver.sink_with(|options| options.url = closed).unwrap();
    let error = sink.sink_deliver(batch(1..=1)).await.unwrap_err();
    assert!(error.to_string().ends_with("cannot be reached"), "{error}");
    let source = error.source().unwrap();
    assert!(error_chain(source).contains("refused"), "{source:?}");
    assert_eq!(error_chain(&error), format!("{error}: {}", error_chain(source)));
}

#[tokio::test]
async fn sends_nothing_in_plain_text_to_an_https_receiver() {
    let receiver = Receiver::http("200 OK", "").await;
    let url = format!("https://{}/", receiver.address);
    let sink = receiver.sink_with(|options| (options.url, options.timeout) = (url, SHORT)).unwrap();
    let (reason, _) = unavailable(sink.sink_deliver(batch(1..=1)).await);
    assert!(reason.contains("https://127.0.0.1"), "{reason}");
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn connects_to_no_private_address_unless_allowed() {
    let receiver = Receiver::http("200 OK", "").await;
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
    ] {
        let url = receiver.url(host);
        let error =
            receiver.sink_with(|options| (options.url, options.allow_private) = (url, false)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("allow_private") && !error.contains("hunter2"), "{host}: {error}");
    }
    for host in ["localhost", "LOCALHOST", "localhost."] {
        let url = receiver.url(host);
        let sink = receiver.sink_with(|options| (options.url, options.allow_private) = (url, false)).unwrap();
        let (reason, _) = unavailable(sink.sink_deliver(batch(1..=1)).await);
        assert!(reason.contains("allow_private") || host.ends_with('.'), "{host}: {reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
    assert_eq!(receiver.connections(), 0);
    // A connection to the same name is made if private addresses are allowed.
    let url = receiver.url("localhost");
    receiver.sink_with(|options| options.url = url).unwrap().sink_deliver(batch(1..=1)).await.unwrap();
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn ignores_the_proxy_of_the_environment() {
    // A process has one environment, so this test runs in a process of its own.
    const MARK: &str = "MIROIR_TEST_PROXY_CHILD";
    if let Ok(address) = std::env::var(MARK) {
        let receiver = Receiver::http("200 OK", "").await;
        let url = format!("http://{address}/");
        let sink = receiver.sink_with(|options| options.url = url).unwrap();
        sink.sink_deliver(batch(1..=1)).await.unwrap();
        return;
    }
    let (target, proxy) = (Receiver::http("200 OK", "").await, Receiver::http("502 Bad Gateway", "").await);
    let proxy_url = format!("http://{}", proxy.address);
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "ignores_the_proxy_of_the_environment"]).env(MARK, target.address.to_string());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, &proxy_url);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    // The output is captured, so that a count of tests does not count the child's.
    assert!(child.output().await.unwrap().status.success());
    assert_eq!((target.connections(), proxy.connections()), (1, 0));
}

#[test]
fn options_and_sink_never_print_secrets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::http("200 OK", ""));
    let mut options_printed = String::new();
    let sink = receiver.sink_with(|options| options_printed = format!("{options:?}")).unwrap();
    let printed = format!("{options_printed} {sink:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("MfKQ9"), "{printed}");
    let none = receiver.sink_with(|options| options.timeout = Duration::ZERO).unwrap_err();
    assert!(none.to_string().contains("timeout"), "{none}");
}
