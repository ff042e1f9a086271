//! Every node is down.

use miroir_e2e::{Cluster, NODE_KIND};
use serde_json::json;

use crate::fixture::{FILMS, accepted, films, load, searches, until_status};

#[tokio::test]
async fn responses_name_the_failure_and_recover() {
    let mut cluster =
        Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(2).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    let before = searches(&client).await;
    for node in cluster.nodes() {
        node.kill().await.unwrap();
    }
    for noticed in [false, true] {
        if noticed {
            until_status(&client, "node-1", "failed").await;
            until_status(&client, "node-2", "failed").await;
        }
        for (method, path, body, code, word) in [
            ("POST", "/indexes/films/search", json!({ "q": "film" }), "miroir_shard_unavailable", "node"),
            ("GET", "/indexes/films/documents", json!(null), "miroir_shard_unavailable", "node"),
            ("GET", "/indexes/films/documents/1", json!(null), "miroir_shard_unavailable", "node"),
            ("POST", "/indexes/films/documents", films(0..3), "miroir_no_quorum", "no node"),
            ("DELETE", "/indexes/films/documents/1", json!(null), "miroir_no_quorum", "no node"),
            (
                "PATCH",
                "/indexes/films/settings",
                json!({ "stopWords": ["a"] }),
                "miroir_no_quorum",
                "no node",
            ),
        ] {
            let response = client.call(method, path, body).await.unwrap();
            assert!(response.header("retry-after").is_some(), "{method} {path}: {response:?}");
            let error = response.expect(503).unwrap();
            assert_eq!(error["code"], code, "{method} {path}: {error}");
            assert!(error["message"].as_str().unwrap().contains(word), "{method} {path}: {error}");
        }
    }
    let ready = client.get("/_miroir/ready").await.unwrap().expect(503).unwrap();
    let reasons = ready["reasons"].to_string();
    assert!(reasons.contains("node-1") && reasons.contains("node-2"), "{ready}");
    client.get("/health").await.unwrap().expect(200).unwrap();
    // Miroir serves tasks without any node, and none of these writes is left open.
    let open = client.get("/tasks?statuses=enqueued,processing").await.unwrap().expect(200).unwrap();
    assert_eq!(open["total"], 0, "{open}");
    let failed = client.get("/tasks?statuses=failed").await.unwrap().expect(200).unwrap();
    assert_eq!(failed["total"], 6, "{failed}");

    for node in cluster.nodes() {
        node.restart().await.unwrap();
    }
    cluster.miroir().until_ready().await.unwrap();
    assert_eq!(searches(&client).await, before);
    until_status(&client, "node-1", "healthy").await;
    until_status(&client, "node-2", "healthy").await;
    let (response, task) = accepted(&client, "POST", "/indexes/films/documents", films(0..FILMS)).await;
    assert_eq!(response.header("x-miroir-degraded"), None);
    assert_eq!(task["status"], "succeeded", "{task}");
    assert_eq!(searches(&client).await, before);
}
