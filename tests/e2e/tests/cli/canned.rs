//! A server that gives one answer to everything: what Miroir never says, and what it will say one day.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Stops when it is dropped.
pub struct Canned {
    pub url: String,
    task: JoinHandle<()>,
}

impl Canned {
    /// Answers with this status line, such as `200 OK`, these headers and this body.
    pub async fn start(status: &str, headers: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // The requests of these tests have no body, so the headers are all there is to read.
                let (mut seen, mut part) = (Vec::new(), [0; 1024]);
                while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut part).await {
                        Ok(read) if read > 0 => seen.extend_from_slice(&part[..read]),
                        _ => break,
                    }
                }
                // Who asked may have left.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, task }
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}
