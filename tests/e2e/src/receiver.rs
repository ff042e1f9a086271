//! A consumer behind a webhook: an HTTP server that a test can kill at any moment.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::ledger::Ledger;

/// A consumer that enters received events in its ledger, and responds then.
pub struct Receiver {
    address: SocketAddr,
    ledger: Ledger,
    server: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts a consumer with a ledger.
    ///
    /// # Panics
    ///
    /// Panics if there is no free port.
    pub async fn start(ledger: Ledger) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Some(tokio::spawn(serve(listener, ledger.clone())));
        Self { address, ledger, server }
    }

    /// Returns the URL of the webhook.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Kills the server: connections break and the port is closed.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// Starts the server again on the same port.
    ///
    /// # Panics
    ///
    /// Panics if the port stays in use.
    pub async fn launch_again(&mut self) {
        for _ in 0..200 {
            if let Ok(listener) = TcpListener::bind(self.address).await {
                self.server = Some(tokio::spawn(serve(listener, self.ledger.clone())));
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} is in use", self.address);
    }
}

async fn serve(listener: TcpListener, ledger: Ledger) {
    // Dropping the set aborts its connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(connection(stream, ledger.clone()));
            }
            Some(ended) = connections.join_next() => {
                // Propagates the panic of the ledger.
                ended.unwrap();
            }
        }
    }
}

/// Serves the requests of one connection until it breaks.
async fn connection(mut stream: TcpStream, ledger: Ledger) {
    let mut buffer = Vec::new();
    while let Some(body) = request(&mut stream, &mut buffer).await {
        // The points where a kill has different effects: before, between and after the entries.
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

/// Reads the body of the next request, a batch. Bytes of the request after it stay in `buffer`.
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
