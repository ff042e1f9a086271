//! A server of raw TCP that does to its clients whatever a test tells it, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use miroir_domain::NodeId;
use miroir_domain::search::{MergeContext, NodeQuery, NodeResponse, SearchRequest, SearchResponse, merge};
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a client would be shown of one node's answer.
pub fn shown(body: SearchResponse) -> Value {
    let request = SearchRequest::from_json(json!({})).unwrap();
    let index = NodeQuery {
        primary_key: None,
        distinct_attribute: None,
        max_total_hits: 1_000,
        max_values_per_facet: 100,
        sort_facet_values_by: Map::new(),
    };
    let context = MergeContext { request: &request, index: &index };
    merge(context, vec![NodeResponse { node: node(), body }]).unwrap().into()
}

/// What the server does with one request.
#[derive(Clone)]
pub enum Reply {
    /// Writes these bytes and keeps the connection.
    Send(Vec<u8>),
    /// Writes these bytes and closes the connection.
    SendAndClose(Vec<u8>),
    /// Writes these bytes, then nothing more, and keeps the connection.
    SendAndHang(Vec<u8>),
    /// Writes these bytes, then a space every few milliseconds for ever.
    SendAndDrip(Vec<u8>),
    /// Says nothing and keeps the connection.
    Hang,
    /// Closes the connection.
    Close,
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
    /// The request line without the protocol.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// The server. Stops when dropped.
pub struct RawServer {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    /// Woken when a client has closed its connection.
    pub closed: Arc<tokio::sync::Semaphore>,
    task: JoinHandle<()>,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RawServer {
    /// Answers the nth request with `reply(n, request)`, counted from 0 over all connections.
    pub async fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(tokio::sync::Semaphore::new(0));
        let reply = Arc::new(reply);
        let task = tokio::spawn({
            let (requests, closed) = (requests.clone(), closed.clone());
            async move {
                let mut connections = tokio::task::JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (requests, closed, reply) = (requests.clone(), closed.clone(), reply.clone());
                    connections.spawn(async move {
                        serve(stream, &requests, reply.as_ref()).await;
                        closed.add_permits(1);
                    });
                }
            }
        });
        Self { address, requests, closed, task }
    }

    /// Answers every request alike.
    pub async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    /// Answers every request with this status and JSON text.
    pub async fn json(status: &str, body: &str) -> Self {
        Self::always(Reply::Send(response(status, body))).await
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// A client of this server alone, as node `n`.
    pub fn client(&self) -> MeilisearchNodes {
        self.client_with(&ClientOptions::default())
    }

    pub fn client_with(&self, options: &ClientOptions) -> MeilisearchNodes {
        MeilisearchNodes::new([endpoint(&format!("http://{}", self.address))], options).unwrap()
    }
}

pub fn endpoint(url: &str) -> NodeEndpoint {
    NodeEndpoint { id: node(), url: url.to_owned(), master_key: Some(MasterKey::new("key-of-the-node")) }
}

pub fn node() -> NodeId {
    "n".parse().unwrap()
}

/// A whole answer with the right length.
pub fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

async fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    reply: &(impl Fn(usize, &Request) -> Reply + Sync),
) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match reply(number, &request) {
            Reply::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::SendAndHang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return until_closed(&mut stream).await;
            }
            Reply::SendAndDrip(bytes) => {
                let _ = stream.write_all(&bytes).await;
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                return;
            }
            Reply::Hang => return until_closed(&mut stream).await,
            Reply::Close => return,
        }
    }
}

/// Waits until the client has closed the connection.
async fn until_closed(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
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
