//! The OpenAPI document, checked by independent programs.

use std::path::Path;

use miroir_e2e::{Process, python_script};

#[tokio::test]
async fn document_is_valid_and_its_examples_fit_their_schemas() {
    let mut command = python_script("openapi.py").unwrap();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json"));
    let directory = tempfile::tempdir().unwrap();
    let mut validation = Process::new("openapi.py", command, directory.path().join("log"));
    validation.start().unwrap();
    let status = validation.wait().await.unwrap();
    let log = validation.log();
    assert!(status.success() && log.contains("valid examples"), "{log}");
}
