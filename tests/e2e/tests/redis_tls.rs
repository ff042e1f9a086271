//! A store on a Redis server over TLS.

use std::path::Path;

use miroir_e2e::{Cluster, ClusterBuilder, until};
use miroir_test_redis::{RedisServer, free_address};
use serde_json::json;

/// Creates a certificate of this machine and its key, as files in `folder`.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (file("cert.pem", made.cert.pem()), file("key.pem", made.signing_key.serialize_pem()))
}

fn on(port: &str) -> ClusterBuilder {
    let redis = json!({ "url": format!("rediss://127.0.0.1:{port}/0") });
    Cluster::builder().nodes(1).configuration(json!({ "store": { "backend": "redis", "redis": redis } }))
}

#[tokio::test]
async fn store_connects_over_tls_and_refuses_an_untrusted_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let port = free_address().port().to_string();
    let server = RedisServer::with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    let mut trusting = on(&port).environment("SSL_CERT_FILE", &certificate).start().await.unwrap();
    let task =
        trusting.client().write("POST", "/indexes/films/documents", json!([{ "id": 1 }])).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    assert_eq!(server.say(&["EXISTS", "miroir:tasks:0"]), ":1\r\n");
    assert!(trusting.miroir().terminate().await.unwrap().success());

    let mut wary = on(&port).start_nodes().await.unwrap();
    wary.miroir().start_unready().unwrap();
    let client = wary.client();
    let reasons = until("Miroir says why it is not ready", || async {
        let ready = client.get("/_miroir/ready").await.ok()?;
        assert_eq!(ready.status, 503, "{}", ready.body);
        Some(ready.body["reasons"].to_string())
    })
    .await;
    assert!(reasons.contains("certificate") || reasons.contains("UnknownIssuer"), "{reasons}");
    let log = wary.miroir().process().log();
    assert!(log.contains("certificate") || log.contains("UnknownIssuer"), "{log}");
}
