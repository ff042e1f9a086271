//! A client with little overhead, so that the figures are those of the server: one connection, requests
//! prepared in advance, responses read and not parsed.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, BytesMut};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Longest response that is read.
const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// A whole request.
#[derive(Debug, Clone)]
pub struct Request(Vec<u8>);

impl Request {
    /// Creates a `GET` request.
    pub fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes())
    }

    /// Creates a `POST` request with a body.
    pub fn post(path: &str, content_type: &str, body: &[u8]) -> Self {
        let length = body.len();
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        Self(request)
    }
}

/// A persistent connection.
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Connects to `http://host:port`.
    pub async fn open(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").with_context(|| format!("{url} is not plain HTTP"))?;
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {url}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(64 * 1024) })
    }

    /// Sends a request and reads its response. Returns the time from the first byte sent to the last byte
    /// read.
    ///
    /// # Errors
    ///
    /// Returns an error if the status of the response is not a success.
    pub async fn exchange(&mut self, request: &Request) -> Result<Duration> {
        let begun = Instant::now();
        self.stream.write_all(&request.0).await?;
        let head_length = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_length]).context("a response without a head")?;
        let (status, body_length) = read_head(head)?;
        ensure!(body_length <= MAX_RESPONSE_BYTES, "a response of {body_length} bytes");
        while self.buffer.len() < head_length + body_length {
            self.fill().await?;
        }
        let took = begun.elapsed();
        if !(200..300).contains(&status) {
            let body = String::from_utf8_lossy(&self.buffer[head_length..head_length + body_length]);
            bail!("the response is {status}: {body}");
        }
        self.buffer.advance(head_length + body_length);
        Ok(took)
    }

    async fn fill(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }
}

/// Returns the status and the length of the body.
fn read_head(head: &str) -> Result<(u16, usize)> {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("a response without a status: {head:?}"))?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    Ok((status, length.with_context(|| format!("a response without a length: {head:?}"))?))
}

/// Sends each request on its connection, concurrently. Returns the time until the last response.
pub async fn slowest(connections: &mut [Connection], requests: &[Request]) -> Result<Duration> {
    let begun = Instant::now();
    let exchanges =
        connections.iter_mut().zip(requests).map(|(connection, request)| connection.exchange(request));
    try_join_all(exchanges).await?;
    Ok(begun.elapsed())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn exchanged(response: &'static str, times: usize) -> Vec<Result<Duration>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            while stream.read(&mut request).await.unwrap_or(0) > 0 {
                // The response arrives in two pieces.
                let (one, two) = response.split_at(response.len() / 2);
                stream.write_all(one.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(two.as_bytes()).await.unwrap();
            }
        });
        let mut connection = Connection::open(&url).await.unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..times {
            outcomes.push(connection.exchange(&Request::get("/")).await);
        }
        server.abort();
        outcomes
    }

    #[tokio::test]
    async fn exchange_reads_one_response_after_the_other() {
        let outcomes = exchanged("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 3).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    #[tokio::test]
    async fn exchange_fails_with_the_body_of_an_error() {
        let outcomes = exchanged("HTTP/1.1 404 Not Found\r\ncontent-length: 7\r\n\r\nnothing", 1).await;
        let error = outcomes[0].as_ref().unwrap_err().to_string();
        assert!(error.contains("404") && error.contains("nothing"), "{error}");
    }

    #[tokio::test]
    async fn exchange_fails_without_a_length() {
        let outcomes = exchanged("HTTP/1.1 200 OK\r\n\r\n", 1).await;
        assert!(outcomes[0].as_ref().unwrap_err().to_string().contains("without a length"));
    }
}
