//! Thousands of clients that send slowly or do not read, beside one that behaves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use miroir_e2e::{Client, Cluster, TIMEOUT, miroir_program};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Number of idle connections.
const SLOW: usize = 2_000;
/// Pause between two bytes of a slow client.
const ROUNDS: usize = 5;
/// Longer than the timeout of the test, so that no client is disconnected.
const NEVER_MS: u64 = 3_600_000;
/// Default limit of open files on most systems.
const USUAL_OPEN_FILES: u32 = 1_024;

/// Slow clients of a Miroir.
struct Crowd {
    /// Clients that send byte by byte.
    senders: Vec<TcpStream>,
    /// Clients that do not read.
    deaf: Vec<TcpStream>,
}

impl Crowd {
    /// Connects the clients: a third sends its headers slowly, a third its body, and a third reads nothing.
    async fn gather(address: &str, count: usize) -> Self {
        let mut crowd = Self { senders: Vec::new(), deaf: Vec::new() };
        for number in 0..count {
            let mut stream = connect(address).await;
            let start: &[u8] = match number % 3 {
                0 => b"GET /health HTTP/1.1\r\nHost: m\r\nX-Slow: ",
                1 => b"POST /indexes/films/documents HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n[",
                _ => b"GET /_miroir/openapi.json HTTP/1.1\r\nHost: m\r\n\r\nGET /health HTTP/1.1\r\nHost: m\r\n\r\n",
            };
            // A client may be disconnected while it connects.
            let _ = stream.write_all(start).await;
            if number % 3 == 2 { crowd.deaf.push(stream) } else { crowd.senders.push(stream) }
        }
        crowd
    }

    /// Lets every sender send one more byte, and drops the disconnected ones.
    async fn drip(&mut self) {
        let mut left = Vec::new();
        for mut stream in self.senders.drain(..) {
            if stream.write_all(b" ").await.is_ok() && is_open(&stream) {
                left.push(stream);
            }
        }
        self.senders = left;
    }

    /// Returns the number of open connections.
    fn open(&self) -> usize {
        let deaf = self.deaf.iter().filter(|stream| !is_closed(stream)).count();
        self.senders.iter().filter(|stream| is_open(stream)).count() + deaf
    }
}

async fn connect(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // A small receive buffer, for a client that does not read.
    socket.set_recv_buffer_size(4_096).unwrap();
    timeout(TIMEOUT, socket.connect(address.parse().unwrap())).await.expect("an accepted connection").unwrap()
}

/// Returns whether a connection without a response is open.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Returns whether a connection was reset. A response on it is left unread.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.take_error(), Ok(None))
}

/// Returns a program that starts Miroir with the usual limit of open files.
async fn under_the_usual_limit(folder: &std::path::Path) -> PathBuf {
    let program = miroir_program().await.unwrap().display();
    let path = folder.join("miroir-with-few-files");
    std::fs::write(&path, format!("#!/bin/sh\nulimit -Sn {USUAL_OPEN_FILES}\nexec '{program}' \"$@\"\n"))
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Sends requests of every kind, each on a new connection and on a kept one.
async fn behave(kept: &Client) {
    for client in [kept, &Client::new(kept.base_url(), None).unwrap()] {
        let found = client.call("POST", "/indexes/films/search", json!({ "q": "alien" })).await.unwrap();
        assert_eq!(found.expect(200).unwrap()["estimatedTotalHits"], 1);
        let task =
            client.write("POST", "/indexes/films/documents", json!([{ "id": 7, "title": "Seven" }])).await;
        assert_eq!(task.unwrap()["status"], "succeeded");
        client.get("/indexes").await.unwrap().expect(200).unwrap();
        client.get("/_miroir/topology").await.unwrap().expect(200).unwrap();
        client.get("/_miroir/ready").await.unwrap().expect(200).unwrap();
    }
}

async fn cluster(server: serde_json::Value, program: Option<PathBuf>) -> Cluster {
    let wanted = u32::try_from(SLOW).unwrap() + 500;
    let allowed = miroir::file_limit::connections(wanted);
    assert!(
        allowed >= SLOW,
        "this test needs {wanted} open files and a third more: raise the hard limit (ulimit -Hn)"
    );
    let builder = Cluster::builder().configuration(json!({ "server": server, "log": { "level": "info" } }));
    let builder = match program {
        Some(program) => builder.program(program),
        None => builder,
    };
    let cluster = builder.start().await.unwrap();
    let film = json!([{ "id": 1, "title": "Alien" }]);
    let task = cluster.client().write("POST", "/indexes/films/documents?primaryKey=id", film).await.unwrap();
    assert_eq!(task["status"], "succeeded");
    cluster
}

fn address(client: &Client) -> String {
    client.base_url().strip_prefix("http://").unwrap().to_owned()
}

#[tokio::test]
async fn two_thousand_slow_connections_do_not_stop_a_client_that_behaves() {
    let folder = tempfile::tempdir().unwrap();
    let program = under_the_usual_limit(folder.path()).await;
    let limits = json!({
        "header_timeout_ms": NEVER_MS, "body_timeout_ms": NEVER_MS, "write_timeout_ms": NEVER_MS,
        // Fewer than the number of slow clients in the middle of a body.
        "max_concurrent_requests": 100,
    });
    let cluster = cluster(limits, Some(program)).await;
    let client = cluster.client();
    let mut crowd = Crowd::gather(&address(&client), SLOW).await;
    for _ in 0..ROUNDS {
        crowd.drip().await;
        behave(&client).await;
    }
    assert_eq!(crowd.open(), SLOW, "some clients were disconnected");
}

#[tokio::test]
async fn slow_connections_above_the_limit_yield_to_a_client_that_behaves() {
    let mut few = cluster(json!({ "max_connections": 200 }), None).await;
    let client = few.client();
    let mut crowd = Crowd::gather(&address(&client), SLOW).await;
    for _ in 0..ROUNDS {
        crowd.drip().await;
        behave(&client).await;
    }
    assert!(crowd.open() < SLOW);
    few.miroir().process().expect_running().unwrap();
}

#[tokio::test]
async fn slow_clients_are_disconnected() {
    let strict = json!({ "header_timeout_ms": 300, "body_timeout_ms": 300, "write_timeout_ms": 300 });
    let cluster = cluster(strict, None).await;
    let client = cluster.client();
    let mut crowd = Crowd::gather(&address(&client), 60).await;
    let all_senders_gone = async {
        while !crowd.senders.is_empty() {
            crowd.drip().await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    timeout(TIMEOUT, all_senders_gone).await.expect("clients that send byte by byte are disconnected");
    behave(&client).await;
}
