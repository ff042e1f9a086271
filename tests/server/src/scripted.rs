//! A server of raw TCP that follows a script and keeps the requests that it receives.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// The pause between the spaces of [`Reply::SendAndDrip`].
const DRIP_PAUSE: Duration = Duration::from_millis(5);
/// The pause between the bytes of [`Reply::Trickle`].
const TRICKLE_PAUSE: Duration = Duration::from_millis(50);

/// The server's reaction to one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Writes these bytes and waits for the next request.
    Send(Vec<u8>),
    /// Writes these bytes and closes the connection.
    SendAndClose(Vec<u8>),
    /// Writes these bytes, then nothing more, and keeps the connection open.
    SendAndHang(Vec<u8>),
    /// Writes these bytes, then a space every few milliseconds without end.
    SendAndDrip(Vec<u8>),
    /// Writes these bytes, then the letter `x` without end, as fast as the client reads.
    SendAndFlood(Vec<u8>),
    /// Writes these bytes one at a time, slowly, and closes the connection.
    Trickle(Vec<u8>),
    /// Writes nothing and keeps the connection open.
    Hang,
    /// Closes the connection.
    Close,
}

/// Returns an HTTP response with this body and its length. `head` is the status, and further lines of headers
/// if it has any.
pub fn response(head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns the request line without the protocol.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Returns the body as text.
    ///
    /// # Panics
    ///
    /// Panics if the body is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }
}

/// A server that reacts to each request as its script says. Stops when dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    /// The address on which it listens.
    pub address: SocketAddr,
    /// Has a permit for each connection that has ended.
    pub closed: Arc<Semaphore>,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedServer {
    /// Starts a server that reacts to a request with `reply(number, request)`, where requests are numbered
    /// from 0 over all connections.
    ///
    /// # Panics
    ///
    /// Panics if the machine has no free port.
    pub async fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let closed = Arc::new(Semaphore::new(0));
        let task = tokio::spawn({
            let (requests, connections, closed) = (requests.clone(), connections.clone(), closed.clone());
            let reply = Arc::new(reply);
            async move {
                let mut serving = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (requests, closed, reply) = (requests.clone(), closed.clone(), reply.clone());
                    serving.spawn(async move {
                        serve(stream, &requests, reply.as_ref()).await;
                        closed.add_permits(1);
                    });
                }
            }
        });
        Self { address, closed, requests, connections, task }
    }

    /// Starts a server that reacts to every request alike.
    pub async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    /// Returns the requests received so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }

    /// Returns the number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Serves the requests of one connection until the script closes it or the client does.
async fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    reply: &(impl Fn(usize, &Request) -> Reply + Sync),
) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = requests.lock();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = reply(number, &request);
        let keeps_open = matches!(reply, Reply::Send(_));
        // An error means that the client has closed the connection.
        if perform(reply, &mut stream).await.is_err() || !keeps_open {
            return;
        }
    }
}

async fn perform(reply: Reply, stream: &mut TcpStream) -> std::io::Result<()> {
    match reply {
        Reply::Send(bytes) | Reply::SendAndClose(bytes) => stream.write_all(&bytes).await,
        Reply::SendAndHang(bytes) => {
            stream.write_all(&bytes).await?;
            wait_until_closed(stream).await
        }
        Reply::SendAndDrip(bytes) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(DRIP_PAUSE).await;
            }
        }
        Reply::SendAndFlood(bytes) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
            }
        }
        Reply::Trickle(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(TRICKLE_PAUSE).await;
            }
            Ok(())
        }
        Reply::Hang => wait_until_closed(stream).await,
        Reply::Close => Ok(()),
    }
}

/// Waits until the client has closed the connection.
async fn wait_until_closed(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Reads one request with its body. Returns `None` at the end of the connection.
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
    let length: usize = request.header("content-length").map_or(0, |value| value.parse().expect("a length"));
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}
