//! The official Python client, unmodified, at work on Miroir.

use std::path::{Path, PathBuf};

use miroir_e2e::{Cluster, NODE_KIND, PATIENCE, Process};
use serde_json::json;
use tokio::process::Command;

/// Names the interpreter that has the client, instead of the one that `make client` installs.
const PYTHON: &str = "MIROIR_TEST_PYTHON";
/// Longer than a production server demands.
const KEY: &str = "a-master-key-for-the-tests";
/// How much longer than one step the whole script may take: it waits for about forty tasks, each up to seconds on real
/// nodes of a busy machine.
const SCRIPT_PATIENCES: u32 = 10;

fn interpreter() -> PathBuf {
    let named = std::env::var_os(PYTHON).map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let python = named.unwrap_or(installed);
    assert!(
        python.is_file(),
        "{} is not there: run `make client`, or name a Python that has the package `meilisearch` in {PYTHON}",
        python.display()
    );
    python
}

/// Runs the script against a Miroir. What it printed is shown when it does not hold.
async fn drive(url: &str, key: Option<&str>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/client.py");
    let mut command = Command::new(interpreter());
    // A proxy of this machine has no part in it.
    command.args(["-I", "-B"]).arg(&script).arg(url).args(key).env("NO_PROXY", "*");
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::new("client.py", command, directory.path().join("log"));
    process.start().unwrap();
    let status = process.wait_at_most(PATIENCE * SCRIPT_PATIENCES).await.unwrap();
    assert!(status.success(), "client.py ended with {status}");
    let log = process.log();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("steps held with meilisearch-python"), "{log}");
}

#[tokio::test]
async fn python_client_works_over_a_replicated_cluster() {
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2).start().await.unwrap();
    drive(cluster.client().base_url(), None).await;
}

#[tokio::test]
async fn python_client_works_where_miroir_and_nodes_have_keys() {
    let cluster = Cluster::builder()
        .kind(NODE_KIND)
        .nodes(2)
        .groups(2)
        .node_key("another-master-key-for-the-nodes")
        .configuration(json!({ "auth": { "master_key": KEY } }));
    let cluster = cluster.start().await.unwrap();
    drive(cluster.client().base_url(), Some(KEY)).await;
}
