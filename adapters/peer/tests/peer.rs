//! Against a listener that answers as it is told.

use miroir_peer::HttpPeers;
use miroir_ports::outbound::{PeerError, Peers, ReplicaReport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers one request with `answer`; ends with what was asked.
async fn listener(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked[..length].to_vec()).unwrap()
    });
    (url, asked)
}

async fn lacks(answer: &'static str) -> Result<ReplicaReport, PeerError> {
    let (url, _) = listener(answer).await;
    HttpPeers::new(None).unwrap().peer_replicas(&url).await
}

#[tokio::test]
async fn lacks_are_read_with_the_admin_key_shown() {
    let body = r#"{"complete":true,"results":[{"index":"films","node":"a"}]}"#;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).leak();
    let (url, asked) = listener(answer).await;
    let lacks = HttpPeers::new(Some("secret")).unwrap().peer_replicas(&url).await.unwrap();
    assert!(lacks.complete);
    assert_eq!((lacks.results[0].index.as_str(), lacks.results[0].node.as_str()), ("films", "a"));
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /_miroir/replicas HTTP/1.1"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("authorization: bearer secret"), "{asked}");
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_that_names_the_instance() {
    for answer in [
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
        "",
    ] {
        let error = lacks(answer).await.unwrap_err().to_string();
        assert!(error.starts_with("http://127.0.0.1:"), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(HttpPeers::new(None).unwrap().peer_replicas(&url).await.is_err());
}

#[test]
fn key_that_no_header_takes_is_refused_and_not_shown() {
    let error = HttpPeers::new(Some("line\nbreak")).unwrap_err().to_string();
    assert!(!error.contains("line"), "{error}");
    assert!(!format!("{:?}", HttpPeers::new(Some("secret")).unwrap()).contains("secret"));
}
