//! The official Python client, unmodified, against Miroir.

use miroir_e2e::{Cluster, NODE_KIND, Process, TIMEOUT, python_script};
use serde_json::json;

/// A key longer than a production server demands.
const KEY: &str = "a-master-key-for-the-tests";
/// Timeout of the script in multiples of that of one step: it waits for about forty tasks, each up to seconds
/// on real nodes of a busy machine.
const SCRIPT_TIMEOUTS: u32 = 10;

/// Runs the script against a Miroir. Prints its output if it fails.
async fn drive(url: &str, key: Option<&str>) {
    let mut command = python_script("client.py").unwrap();
    command.arg(url).args(key);
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::new("client.py", command, directory.path().join("log"));
    process.start().unwrap();
    let status = process.wait_at_most(TIMEOUT * SCRIPT_TIMEOUTS).await.unwrap();
    assert!(status.success(), "client.py ended with {status}");
    let log = process.log();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("steps passed with meilisearch-python"), "{log}");
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
