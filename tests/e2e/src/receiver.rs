//! A consumer behind a webhook: an HTTP server that can be killed in the middle of anything.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::Ledger;

/// A consumer that writes what it is sent into its ledger, and answers then.
pub struct Receiver {
    address: SocketAddr,
    ledger: Ledger,
    server: Option<JoinHandle<()>>,
}

impl Receiver {
    /// One that listens, with its ledger.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(ledger: Ledger) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Some(tokio::spawn(serve(listener, ledger.clone())));
        Self { address, ledger, server }
    }

    /// Where it is sent events.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Kills it where it stands: connections break, nobody listens.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// Starts it again, on the same port.
    ///
    /// # Panics
    ///
    /// When the port stays taken.
    pub async fn launch_again(&mut self) {
        for _ in 0..200 {
            if let Ok(listener) = TcpListener::bind(self.address).await {
                self.server = Some(tokio::spawn(serve(listener, self.ledger.clone())));
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} is taken", self.address);
    }
}

async fn serve(listener: TcpListener, ledger: Ledger) {
    // Connections go with the set, and the set with the server.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(connection(stream, ledger.clone()));
            }
            Some(ended) = connections.join_next() => {
                // What does not follow in the ledger must not go unnoticed.
                ended.unwrap();
            }
        }
    }
}

/// Requests of one connection, until it breaks.
async fn connection(mut stream: TcpStream, ledger: Ledger) {
    let mut buffer = Vec::new();
    while let Some(body) = request(&mut stream, &mut buffer).await {
        // Here it may be killed: before it wrote anything down, between two events, before it answered.
        for event in body.as_array().unwrap() {
            tokio::task::yield_now().await;
            ledger.enter(event);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// The body of the next request, a batch; what comes after it stays in `buffer`.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Value> {
    loop {
        if let Some(head_end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..head_end]).to_lowercase();
            for name in ["webhook-id:", "webhook-timestamp:", "webhook-signature: v1,"] {
                assert!(head.contains(name), "no {name} in {head}");
            }
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")).expect("a length");
            let end = head_end + 4 + length.trim().parse::<usize>().unwrap();
            if buffer.len() >= end {
                let body = serde_json::from_slice(&buffer[head_end + 4..end]).unwrap();
                buffer.drain(..end);
                return Some(body);
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
