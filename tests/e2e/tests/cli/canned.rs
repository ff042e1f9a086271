//! A server with one response to every request, for responses that this version of Miroir does not send.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The server. It stops on drop.
pub struct Canned {
    pub url: String,
    task: JoinHandle<()>,
}

impl Canned {
    /// Starts a server that responds with this status line, such as `200 OK`, these headers and this body.
    pub async fn start(status: &str, headers: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let response = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // The requests of these tests have headers only.
                let (mut seen, mut part) = (Vec::new(), [0; 1024]);
                while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut part).await {
                        Ok(read) if read > 0 => seen.extend_from_slice(&part[..read]),
                        _ => break,
                    }
                }
                // The client may have disconnected.
                let _ = stream.write_all(response.as_bytes()).await;
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
