//! Nodes that refuse the key.

use miroir_e2e::{Cluster, NODE_KIND, until};
use serde_json::json;

use crate::fixture::{films, until_status};

const KEY: &str = "a-master-key-for-the-nodes";

#[tokio::test]
async fn miroir_is_not_ready_and_says_why_until_the_nodes_accept_the_key() {
    let wrong = json!({ "node_defaults": { "master_key": "another-key-than-that-of-the-nodes" } });
    let mut cluster = Cluster::builder()
        .kind(NODE_KIND)
        .nodes(2)
        .replication_factor(2)
        .node_key(KEY)
        .configuration(wrong)
        .start_nodes()
        .await
        .unwrap();
    cluster.miroir().start_unready().unwrap();
    let client = cluster.client();
    let reasons = until("Miroir is not ready for a reason", || async {
        let ready = client.get("/_miroir/ready").await.ok()?;
        assert_ne!(ready.status, 200, "{}", ready.body);
        Some(ready.body["reasons"].to_string()).filter(|reasons| reasons.contains("node-1"))
    })
    .await;
    assert!(reasons.contains("it refuses the key (403 invalid_api_key)"), "{reasons}");
    assert!(reasons.contains("node-2") && reasons.contains("master_key"), "{reasons}");
    until_status(&client, "node-1", "failed").await;
    let write = client.call("POST", "/indexes/films/documents", films(0..3)).await.unwrap();
    assert_eq!(write.expect(503).unwrap()["code"], "miroir_no_quorum");

    cluster.miroir().kill().await.unwrap();
    cluster.miroir().configure(json!({ "node_defaults": { "master_key": KEY } })).unwrap();
    cluster.miroir().start().await.unwrap();
    let task = client.write("POST", "/indexes/films/documents", films(0..3)).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
}

#[tokio::test]
async fn miroir_is_not_ready_before_it_has_reached_a_node() {
    let mut cluster =
        Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(2).start_nodes().await.unwrap();
    for node in cluster.nodes() {
        node.kill().await.unwrap();
    }
    cluster.miroir().start_unready().unwrap();
    let client = cluster.client();
    let first = until("Miroir responds", || async { client.get("/_miroir/ready").await.ok() }).await;
    assert_eq!(first.status, 503, "{}", first.body);
    let reasons = first.body["reasons"].to_string();
    assert!(reasons.contains("node `node-1` is unknown"), "{reasons}");
    for node in cluster.nodes() {
        node.restart().await.unwrap();
    }
    cluster.miroir().until_ready().await.unwrap();
}
