//! The client of other instances against a scripted one.

use miroir_peer::HttpPeers;
use miroir_ports::outbound::{PeerError, Peers, ReplicaReport};
use miroir_test_server::{Reply, ScriptedServer, free_port, response};

/// Starts an instance that responds with these bytes to every request. Returns it with its URL.
async fn instance(response: &[u8]) -> (ScriptedServer, String) {
    let server = ScriptedServer::always(Reply::SendAndClose(response.to_vec())).await;
    let url = format!("http://{}/", server.address);
    (server, url)
}

async fn replicas(response: &[u8]) -> Result<ReplicaReport, PeerError> {
    let (_server, url) = instance(response).await;
    HttpPeers::new(None).unwrap().peer_replicas(&url).await
}

#[tokio::test]
async fn replicas_are_read_with_the_admin_key() {
    let body = r#"{"complete":true,"results":[{"index":"films","node":"a"}]}"#;
    let (server, url) = instance(&response("200 OK", body)).await;
    let report = HttpPeers::new(Some("secret")).unwrap().peer_replicas(&url).await.unwrap();
    assert!(report.complete);
    assert_eq!((report.results[0].index.as_str(), report.results[0].node.as_str()), ("films", "a"));
    let request = server.requests().remove(0);
    assert!(request.head.starts_with("GET /_miroir/replicas HTTP/1.1"), "{}", request.head);
    assert_eq!(request.header("authorization"), Some("Bearer secret"), "{}", request.head);
}

#[tokio::test]
async fn unusable_response_is_an_error_that_names_the_instance() {
    for response in [
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
        "",
    ] {
        let error = replicas(response.as_bytes()).await.unwrap_err().to_string();
        assert!(error.starts_with("http://127.0.0.1:"), "{response:?}: {error}");
    }
}

#[tokio::test]
async fn refused_connection_is_an_error() {
    let url = format!("http://127.0.0.1:{}", free_port());
    assert!(HttpPeers::new(None).unwrap().peer_replicas(&url).await.is_err());
}

#[test]
fn key_that_no_header_takes_is_refused_and_not_shown() {
    let error = HttpPeers::new(Some("line\nbreak")).unwrap_err().to_string();
    assert!(!error.contains("line"), "{error}");
    assert!(!format!("{:?}", HttpPeers::new(Some("secret")).unwrap()).contains("secret"));
}
