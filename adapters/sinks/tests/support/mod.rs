//! What the tests of sinks share: batches, and receivers of raw TCP that do to their clients what a test tells them.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_ports::error_chain;
use miroir_ports::outbound::{SinkBatch, SinkError};
use miroir_sinks::{SinkConfigError, WebhookOptions, WebhookSink};
use miroir_system::ManualClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The secret of the published example of Standard Webhooks.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Another one: 32 bytes of 7.
pub const OTHER_SECRET: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// 1994-11-06T08:49:07.900Z, half a minute before the date in the examples of RFC 9110.
pub const NOW_MS: i64 = 784_111_747_900;
/// Longer than any delivery in a test that does not wait for its end.
pub const LONG: Duration = Duration::from_secs(30);
/// The time of deliveries that are to run out.
pub const SHORT: Duration = Duration::from_millis(500);
/// What a busy machine may need besides.
pub const SLACK: Duration = Duration::from_secs(10);

/// Events of the index `films` with these numbers.
pub fn batch(numbers: std::ops::RangeInclusive<u64>) -> SinkBatch {
    SinkBatch { index: "films".parse().unwrap(), events: numbers.map(event).collect() }
}

/// One event, whose attributes stand in an order of their own.
pub fn event(number: u64) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("films:{number}"),
        "source": "cluster",
        "type": "io.miroir.document.upserted",
        "data": {"title": "Léon, \"Le\" Samouraï", "rank": 1.0},
    })
}

/// The reason and the wait of a delivery that may be repeated.
pub fn unavailable(outcome: Result<(), SinkError>) -> (String, Option<Duration>) {
    match outcome {
        Err(ref error @ SinkError::Unavailable { retry_after, .. }) => (error_chain(error), retry_after),
        other => panic!("should be unavailable: {other:?}"),
    }
}

/// What the server does with one request.
#[derive(Clone)]
pub enum Reply {
    /// Writes these bytes and closes the connection.
    Send(Vec<u8>),
    /// Writes these bytes, then the letter `x` for ever, as fast as it is read.
    SendAndFlood(Vec<u8>),
    /// Writes these bytes one at a time, slowly.
    Trickle(Vec<u8>),
    /// Says nothing and keeps the connection.
    Hang,
}

impl Reply {
    /// An answer with these lines of its head and this body.
    pub fn http(head: &str, body: &str) -> Self {
        let length = body.len();
        Self::Send(format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
    }
}

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// A header's value, which must be there.
    pub fn said(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// The server. Stops when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers every request alike.
    pub async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let task = tokio::spawn({
            let (requests, connections) = (requests.clone(), connections.clone());
            async move {
                let mut serving = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    *connections.lock().unwrap() += 1;
                    serving.spawn(serve(stream, requests.clone(), reply.clone()));
                }
            }
        });
        Self { address, requests, connections, task }
    }

    /// Answers every request with this head and body.
    pub async fn http(head: &str, body: &str) -> Self {
        Self::start(Reply::http(head, body)).await
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How often it was connected to.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Its port on a host of another name.
    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/hooks?token=hunter2", self.address.port())
    }

    /// A sink that delivers to it.
    pub fn sink(&self, timeout: Duration) -> WebhookSink {
        self.sink_with(|options| options.timeout = timeout).unwrap()
    }

    /// A sink that delivers to it, with other options.
    pub fn sink_with(
        &self,
        change: impl FnOnce(&mut WebhookOptions),
    ) -> Result<WebhookSink, SinkConfigError> {
        let mut options = WebhookOptions {
            url: self.url("127.0.0.1"),
            secrets: vec![SECRET.to_owned()],
            timeout: LONG,
            allow_private: true,
        };
        change(&mut options);
        WebhookSink::new(options, Arc::new(ManualClock::new(Timestamp::from_millis(NOW_MS))))
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<Request>>>, reply: Reply) {
    let Some(request) = read_request(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    match reply {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reply::SendAndFlood(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
        Reply::Trickle(bytes) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Reply::Hang => {
            let mut rest = [0; 1024];
            while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
        }
    }
}

/// One request with its body, or none at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(position) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break position;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut request = Request { head, body: bytes.split_off(head_end + 4) };
    let length: usize = request.header("content-length").map_or(0, |value| value.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}
