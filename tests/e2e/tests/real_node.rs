//! The harness with real nodes: they return after a crash with their acknowledged data.

use miroir_e2e::{Client, Cluster, NodeKind};
use serde_json::json;

#[tokio::test]
async fn real_node_keeps_its_documents_through_a_crash() {
    let cluster = Cluster::builder().kind(NodeKind::Real).nodes(1).node_key("a-master-key-for-tests");
    let mut cluster = cluster.start_nodes().await.unwrap();
    let node = cluster.node(0);
    assert!(node.simulated().is_err());
    let client = Client::new(node.url(), Some("a-master-key-for-tests")).unwrap();
    let task = client.write("POST", "/indexes/movies/documents", json!([{ "id": 1 }])).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    node.kill().await.unwrap();
    assert!(client.get("/health").await.is_err(), "the node still responds");
    node.restart().await.unwrap();
    let document = client.get("/indexes/movies/documents/1").await.unwrap().expect(200).unwrap();
    assert_eq!(document, json!({ "id": 1 }));
    assert!(client.get("/indexes/movies/documents/2").await.unwrap().expect(200).is_err());
}
