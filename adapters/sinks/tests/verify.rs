//! Deliveries, verified by the official library that receivers use and by the code in docs/cdc.md.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use miroir_ports::outbound::Sink as _;
use miroir_sinks::{WebhookOptions, WebhookSink};
use miroir_system::SystemClock;
use serde_json::{Value, json};
use support::{LONG, OTHER_SECRET, Receiver, SECRET, batch, required_header};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The variable that names an interpreter with the library, instead of the one that `make client` sets up.
const PYTHON: &str = "MIROIR_TEST_PYTHON";
/// 24 bytes with which no delivery is signed.
const FOREIGN_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn interpreter() -> PathBuf {
    let named = std::env::var_os(PYTHON).map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let python = named.unwrap_or(installed);
    assert!(
        python.is_file(),
        "{} is missing: run `make client`, or name a Python that has the package `standardwebhooks` in {PYTHON}",
        python.display()
    );
    python
}

async fn verify(delivery: Value) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(interpreter());
    command
        .args(["-I", "-B"])
        .arg(here.join("tests/python/verify.py"))
        .arg(here.join("../../docs/cdc.md"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.kill_on_drop(true).spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(delivery.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(LONG, process.wait_with_output()).await.unwrap().unwrap();
    let succeeded = output.status.success();
    let [output, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(succeeded, "{output}{errors}");
    assert!(output.ends_with("12 forgeries refused\n"), "{output}");
}

#[tokio::test]
async fn delivery_verifies_under_each_secret_with_the_official_library_and_the_guide() {
    let receiver = Receiver::http("200 OK", "").await;
    let options = WebhookOptions {
        url: receiver.url("127.0.0.1"),
        secrets: vec![OTHER_SECRET.to_owned(), SECRET.to_owned()],
        timeout: LONG,
        allow_private: true,
    };
    // The library refuses timestamps that are older than five minutes by the machine's clock.
    let sink = WebhookSink::new(options, Arc::new(SystemClock)).unwrap();
    sink.sink_deliver(batch(1..=3)).await.unwrap();
    let [request] = &receiver.requests()[..] else { panic!("one request") };
    for secret in [SECRET, OTHER_SECRET] {
        verify(json!({
            "id": required_header(request, "webhook-id"),
            "timestamp": required_header(request, "webhook-timestamp"),
            "signature": required_header(request, "webhook-signature"),
            "body": std::str::from_utf8(&request.body).unwrap(),
            "secret": secret,
            "foreign_secret": FOREIGN_SECRET,
        }))
        .await;
    }
}
