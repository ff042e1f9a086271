//! Misses whose tasks are gone.

use miroir_e2e::{Cluster, NODE_KIND, until};
use serde_json::json;

use crate::fixture::{FILMS, films, load, until_status, until_whole};

/// A node misses writes, their tasks are pruned, Miroir restarts, and the node returns with its old data.
#[tokio::test]
async fn node_that_missed_writes_is_not_taken_for_current_once_their_tasks_are_pruned() {
    let registry = json!({
        "cluster": { "write_quorum": 1 },
        "task_registry": { "ttl_ms": 1_000, "prune_interval_ms": 1_000 },
    });
    let mut cluster = Cluster::builder()
        .kind(NODE_KIND)
        .nodes(2)
        .replication_factor(2)
        .configuration(registry)
        .start()
        .await
        .unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    until_status(&client, "node-2", "failed").await;
    let written = client.call("POST", "/indexes/films/documents", films(FILMS..FILMS + 40)).await.unwrap();
    assert!(written.header("x-miroir-degraded").is_some(), "{}", written.body);
    until("all tasks are pruned", || async {
        let tasks = client.get("/tasks").await.ok()?.expect(200).ok()?;
        (tasks["total"] == 0).then_some(())
    })
    .await;

    // The copy in sync goes, and only then the other returns: what it has is served, and marked.
    cluster.miroir().kill().await.unwrap();
    cluster.node(0).kill().await.unwrap();
    cluster.node(1).restart().await.unwrap();
    cluster.miroir().start().await.unwrap();
    let search = json!({ "q": "film", "limit": 1_000 });
    let response = client.call("POST", "/indexes/films/search", search.clone()).await.unwrap();
    let degraded = response.header("x-miroir-degraded").unwrap_or_default().to_owned();
    assert!(degraded.contains("nodes=node-2"), "{degraded:?}: {}", response.body);
    let hits = response.expect(200).unwrap()["hits"].as_array().unwrap().len();
    assert_eq!(u64::try_from(hits).unwrap(), FILMS);

    // The copy in sync returns, and the other is repaired from it.
    cluster.node(0).restart().await.unwrap();
    until_whole(&mut cluster, 2, 0..FILMS + 40).await;
    let response = until("no copy is stale", || async {
        let response = client.call("POST", "/indexes/films/search", search.clone()).await.ok()?;
        response.header("x-miroir-degraded").is_none().then_some(response)
    })
    .await;
    let hits = response.expect(200).unwrap()["hits"].as_array().unwrap().len();
    assert_eq!(u64::try_from(hits).unwrap(), FILMS + 40);
}
