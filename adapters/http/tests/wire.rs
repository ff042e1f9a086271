//! Misbehaving clients: interrupted, stalled and mislabelled bodies, endless headers, pipelined requests.

mod support;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use miroir_domain::task::TaskKind;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::MockDocumentApi;
use support::{Request, Server, TIMEOUT, accepted, panicking_apis, stub_apis};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const DOCUMENTS: &str = "POST /indexes/m/documents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

fn small() -> HttpOptions {
    HttpOptions { max_body_bytes: 1000, body_timeout: Duration::from_millis(100), ..HttpOptions::default() }
}

#[tokio::test]
async fn interrupted_body_never_reaches_the_port() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut document = MockDocumentApi::new();
    let counted = Arc::clone(&calls);
    document.expect_documents_write().returning(move |write| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index))
    });
    let apis = Apis { document: Arc::new(document), ..stub_apis() };
    let mut server = Server::start(apis, HttpOptions::default()).await;
    for head in [
        format!("{DOCUMENTS}Content-Length: 100\r\n\r\n[{{"),
        format!("{DOCUMENTS}Content-Length: 3\r\n\r\n[]"),
        format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
        format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"),
        format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n5\r\n[]"),
    ] {
        let mut connection = server.connect().await;
        connection.write(head.as_bytes()).await;
        connection.stream.shutdown().await.unwrap();
        // A response cannot always be sent. The port must not be called in any case.
        if let Some(response) = connection.try_response().await {
            assert_eq!((response.status, response.code().as_str()), (400, "bad_request"), "{head}");
        }
    }
    assert_eq!(server.get("/health").await.status, 200);
    server.begin_stop();
    server.stopped().await;
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn stalled_body_is_408() {
    let server = Server::start(panicking_apis(), small()).await;
    for head in [
        format!("{DOCUMENTS}Content-Length: 100\r\n\r\n[{{"),
        format!("{DOCUMENTS}Content-Length: 100\r\n\r\n"),
        format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
    ] {
        let mut connection = server.connect().await;
        connection.write(head.as_bytes()).await;
        let response = connection.response().await;
        assert_eq!((response.status, response.code().as_str()), (408, "bad_request"), "{head}");
        assert!(response.message().contains("100 ms"), "{}", response.body);
    }
}

#[tokio::test]
async fn invalid_chunking_is_400() {
    let server = Server::start(panicking_apis(), HttpOptions::default()).await;
    for body in ["zz\r\n[]\r\n", "2\r\n[]xx", "ffffffffffffffffff\r\n[]\r\n", "-1\r\n"] {
        let mut connection = server.connect().await;
        let request = format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n{body}");
        connection.write(request.as_bytes()).await;
        let response = connection.response().await;
        assert_eq!((response.status, response.code().as_str()), (400, "bad_request"), "{body:?}");
    }
}

#[tokio::test]
async fn invalid_http_is_400() {
    let server = Server::start(panicking_apis(), HttpOptions::default()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\na b: c\r\n\r\n",
        b"GET /he\x01alth HTTP/1.1\r\n\r\n",
    ] {
        let mut connection = server.connect().await;
        connection.write(bytes).await;
        assert_eq!(connection.response().await.status, 400, "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn body_over_the_limit_is_413_and_the_client_receives_the_response() {
    let server = Server::start(panicking_apis(), small()).await;
    let large = vec![b' '; 20_000_000];
    let declared = format!("{DOCUMENTS}Content-Length: {}\r\n\r\n", large.len());
    let chunked = format!("{DOCUMENTS}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", large.len());
    for head in [declared, chunked] {
        let mut connection = server.connect().await;
        connection.write(head.as_bytes()).await;
        // This client reads nothing before it has sent everything.
        connection.write(&large).await;
        let response = connection.response().await;
        assert_eq!((response.status, response.code().as_str()), (413, "payload_too_large"));
        assert_eq!(
            response.message(),
            "The provided payload reached the size limit. The maximum accepted payload size is 1 KB."
        );
    }
}

#[tokio::test]
async fn body_of_the_maximum_size_is_accepted() {
    let server = Server::start(stub_apis(), small()).await;
    let fits = format!("[{}]", " ".repeat(998));
    let over = format!("[{}]", " ".repeat(999));
    let request = Request::new("POST", "/indexes/m/documents");
    assert_eq!(server.send(&request.clone().json(&fits)).await.status, 202);
    assert_eq!(server.send(&request.json(&over)).await.status, 413);
}

#[tokio::test]
async fn compressed_body_over_the_limit_is_413() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 500_000]).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 1000);
    let server = Server::start(panicking_apis(), small()).await;
    let request = Request::new("POST", "/indexes/m/documents")
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(&packed);
    assert_eq!(server.send(&request).await.status, 413);
}

#[tokio::test]
async fn connection_stays_usable_after_a_refused_request_with_a_body() {
    let server = Server::start(stub_apis(), small()).await;
    let mut connection = server.connect().await;
    let body = "x".repeat(900);
    for path in ["/nope", "/indexes/a%20b/search", "/indexes/m/documents?x=1"] {
        connection.write(&Request::new("POST", path).json(&body).bytes()).await;
        let status = connection.response().await.status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    connection.write(&Request::new("GET", "/indexes").bytes()).await;
    assert_eq!(connection.response().await.status, 200);
}

#[tokio::test]
async fn continue_is_sent_only_if_the_body_will_be_read() {
    let server = Server::start(stub_apis(), small()).await;
    let mut connection = server.connect().await;
    connection
        .write(format!("{DOCUMENTS}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n").as_bytes())
        .await;
    assert_eq!(connection.response().await.status, 100);
    connection.write(b"[]").await;
    assert_eq!(connection.response().await.status, 202);

    let mut refused = server.connect().await;
    let too_large = format!("{DOCUMENTS}Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
    refused.write(too_large.as_bytes()).await;
    assert_eq!(refused.response().await.status, 413);
}

#[tokio::test]
async fn headers_over_the_limit_are_431() {
    let options = HttpOptions { max_header_bytes: 2000, ..HttpOptions::default() };
    let server = Server::start(stub_apis(), options).await;
    let long = "x".repeat(2000);
    let refused = server.send(&Request::new("GET", "/health").header("X-Long", &long)).await;
    assert_eq!((refused.status, refused.code().as_str()), (431, "bad_request"));
    let path = format!("/indexes/m/search?q={long}");
    assert_eq!(server.get(&path).await.status, 431);
    // Far beyond the limit the parser itself responds.
    let endless = "x".repeat(100_000);
    assert_eq!(server.send(&Request::new("GET", "/health").header("X-Long", &endless)).await.status, 431);
    let mut many = "GET /health HTTP/1.1\r\n".to_owned();
    for number in 0..150 {
        write!(many, "a{number}: b\r\n").unwrap();
    }
    let mut connection = server.connect().await;
    connection.write(format!("{many}\r\n").as_bytes()).await;
    assert_eq!(connection.response().await.status, 431);
}

#[tokio::test]
async fn connection_is_closed_if_headers_do_not_arrive_in_time() {
    let options = HttpOptions { header_timeout: Duration::from_millis(100), ..HttpOptions::default() };
    let server = Server::start(stub_apis(), options).await;
    let mut connection = server.connect().await;
    connection.write(b"GET /health HTTP/1.1\r\nHost:").await;
    let mut rest = Vec::new();
    timeout(TIMEOUT, connection.stream.read_to_end(&mut rest))
        .await
        .expect("the connection is closed")
        .unwrap();
}

#[tokio::test]
async fn pipelined_requests_are_served_in_order() {
    let server = Server::start(stub_apis(), HttpOptions::default()).await;
    let mut connection = server.connect().await;
    let mut heap = Vec::new();
    for limit in 0..50 {
        let path = format!("/indexes?limit={limit}");
        heap.extend(Request::new("GET", &path).bytes());
        heap.extend(Request::new("POST", "/indexes/m/documents").json("[]").bytes());
    }
    connection.write(&heap).await;
    for limit in 0..50 {
        assert_eq!(connection.response().await.json()["limit"], limit);
        assert_eq!(connection.response().await.status, 202);
    }
}

#[tokio::test]
async fn body_in_many_chunks_arrives_complete() {
    let server = Server::start(stub_apis(), HttpOptions::default()).await;
    let mut connection = server.connect().await;
    let head = "POST /indexes/m/search HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write(head.as_bytes()).await;
    let body = serde_json::json!({"q": "a".repeat(1000)}).to_string();
    for piece in body.as_bytes().chunks(7) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        connection.write(&chunk).await;
    }
    connection.write(b"0\r\n\r\n").await;
    assert_eq!(connection.response().await.body, body);
}
