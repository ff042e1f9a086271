//! Webhooks over TLS: a receiver gets deliveries only if the machine trusts its certificate.

mod support;

use std::process::Stdio;
use std::sync::Arc;

use miroir_ports::outbound::Sink as _;
use miroir_sinks::{WebhookOptions, WebhookSink};
use miroir_system::SystemClock;
use rcgen::{CertifiedKey, KeyPair};
use support::{LONG, SECRET, batch, unavailable};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The name of the test below, which its child process runs again.
const NAME: &str = "delivers_only_if_the_certificate_is_trusted_and_names_the_host";
/// The variable that gives the child the URL of the receiver.
const URL: &str = "MIROIR_TEST_TLS_URL";

/// Starts a receiver that responds to all requests over TLS, and returns its port. It ends with the runtime
/// of its test.
async fn receiver(made: &CertifiedKey<KeyPair>) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate closes the connection here.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 64 << 10];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

/// Delivers in a process of its own, because the trusted certificates are read from the environment. Returns
/// the output of the process.
async fn deliver_trusting(certificates: &str, url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trusted.pem");
    std::fs::write(&file, certificates).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME, "--nocapture"]).env(URL, url).env("SSL_CERT_FILE", &file);
    child.env("SSL_CERT_DIR", folder.path().join("none"));
    let output = child.stdout(Stdio::piped()).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Delivers one batch and prints the outcome, in the process that [`deliver_trusting`] starts.
async fn deliver_to(url: String) {
    let secrets = vec![SECRET.to_owned()];
    let options = WebhookOptions { url, secrets, timeout: LONG, allow_private: true };
    match WebhookSink::new(options, Arc::new(SystemClock)) {
        Err(error) => println!("\nconfiguration: {error}"),
        Ok(sink) => match sink.sink_deliver(batch(1..=1)).await {
            Ok(()) => println!("\ndelivered"),
            failed => println!("\nfailed: {}", unavailable(failed).0),
        },
    }
}

#[tokio::test]
async fn delivers_only_if_the_certificate_is_trusted_and_names_the_host() {
    if let Ok(url) = std::env::var(URL) {
        return deliver_to(url).await;
    }
    let [made, other] =
        ["localhost", "localhost"].map(|name| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap());
    let port = receiver(&made).await;
    let (named, unnamed) = (format!("https://localhost:{port}/"), format!("https://127.0.0.1:{port}/"));
    for (trusted, url, says) in [
        (made.cert.pem(), &named, "\ndelivered\n"),
        (other.cert.pem(), &named, "cannot be reached: client error (Connect): invalid peer certificate"),
        (made.cert.pem(), &unnamed, "cannot be reached: client error (Connect): invalid peer certificate"),
        (String::new(), &named, "\nconfiguration: no receiver can be trusted over https"),
    ] {
        let said = deliver_trusting(&trusted, url).await;
        assert!(said.contains(says), "{url}: {said}");
    }
}
