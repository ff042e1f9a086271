//! A node returns and is repaired.

use miroir_e2e::{Client, Cluster, NODE_KIND, Node, until};
use serde_json::{Value, json};

use crate::fixture::{
    FILMS, accepted, films, if_there, load, on_node, searches, until_in_sync, until_status, until_whole,
};

/// Starts two nodes, each with all documents.
async fn twins() -> Cluster {
    Cluster::builder().kind(NODE_KIND).nodes(2).groups(2).start().await.unwrap()
}

/// Returns the contents of a node: indexes with their keys, settings and documents. Dates differ between
/// nodes.
///
/// Returns `None` if an index disappeared between two requests, for example because it was created anew.
async fn everything(node: &Node) -> Option<Vec<Value>> {
    let indexes = on_node(node, "/indexes?limit=100").await["results"].take();
    let mut all = Vec::new();
    for index in indexes.as_array().unwrap() {
        let uid = index["uid"].as_str().unwrap();
        if uid == "_miroir_marker" {
            continue;
        }
        let mut documents =
            if_there(node, &format!("/indexes/{uid}/documents?limit=10000")).await?["results"].take();
        documents.as_array_mut().unwrap().sort_by_key(Value::to_string);
        all.push(json!({
            "uid": uid,
            "primaryKey": index["primaryKey"],
            "settings": if_there(node, &format!("/indexes/{uid}/settings")).await?,
            "documents": documents,
        }));
    }
    all.sort_by_key(|index| index["uid"].to_string());
    Some(all)
}

async fn until_alike(cluster: &mut Cluster) -> Vec<Value> {
    let nodes = &*cluster.nodes();
    let (one, other) = (&nodes[0], &nodes[1]);
    until("both nodes are equal", || async {
        let wanted = everything(one).await?;
        (everything(other).await? == wanted).then_some(wanted)
    })
    .await
}

async fn write(client: &Client, method: &str, path: &str, body: Value) {
    let (_, task) = accepted(client, method, path, body).await;
    assert_eq!(task["status"], "succeeded", "{method} {path}: {task}");
}

/// Makes one change of every kind, for a node that is down.
async fn changes(client: &Client) {
    write(client, "POST", "/indexes", json!({ "uid": "made", "primaryKey": "key" })).await;
    write(client, "PATCH", "/indexes/made/settings", json!({ "filterableAttributes": ["key"] })).await;
    write(client, "POST", "/indexes/made/documents", json!([{ "key": "a" }, { "key": "b" }])).await;
    write(client, "POST", "/indexes/inferred/documents", json!([{ "carId": 1 }])).await;
    write(client, "DELETE", "/indexes/doomed", json!(null)).await;
    write(client, "PUT", "/indexes/films/settings/synonyms", json!({ "movie": ["film"] })).await;
    write(client, "PATCH", "/indexes/films/settings", json!({ "sortableAttributes": ["year"] })).await;
    write(client, "DELETE", "/indexes/films/documents/3", json!(null)).await;
    write(client, "POST", "/indexes/films/documents/delete", json!({ "filter": "year < 1960" })).await;
    write(client, "PUT", "/indexes/films/documents", json!([{ "id": 20, "seen": true }])).await;
    write(client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 10)).await;
}

async fn missed_changes_are_repaired(miroir_restarts: bool) {
    let mut cluster = twins().await;
    let client = cluster.client();
    load(&client).await;
    write(&client, "POST", "/indexes/doomed/documents", json!([{ "id": 1 }])).await;
    until_alike(&mut cluster).await;
    cluster.node(1).kill().await.unwrap();
    changes(&client).await;
    if miroir_restarts {
        cluster.miroir().kill().await.unwrap();
        cluster.miroir().start().await.unwrap();
    }
    cluster.node(1).restart().await.unwrap();
    until_status(&client, "node-2", "healthy").await;
    let all = until_alike(&mut cluster).await;
    let uids: Vec<&str> = all.iter().map(|index| index["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, ["films", "inferred", "made"]);
    assert_eq!(all[0]["settings"]["synonyms"], json!({ "movie": ["film"] }));
    assert_eq!(all[2]["primaryKey"], "key");
    assert_eq!(all[2]["documents"].as_array().unwrap().len(), 2);

    // The repaired node alone returns all documents.
    cluster.node(0).kill().await.unwrap();
    until_status(&client, "node-1", "failed").await;
    let found = client.call("POST", "/indexes/films/search", json!({ "q": "movie", "limit": 1_000 }));
    let found = found.await.unwrap().expect(200).unwrap();
    assert_eq!(found["hits"].as_array().unwrap().len(), all[0]["documents"].as_array().unwrap().len());
}

#[tokio::test]
async fn returning_node_gets_indexes_settings_documents_and_deletions() {
    missed_changes_are_repaired(false).await;
}

#[tokio::test]
async fn returning_node_is_repaired_after_a_restart_of_miroir() {
    missed_changes_are_repaired(true).await;
}

#[tokio::test]
async fn returning_node_gets_an_index_that_was_created_anew_with_another_key() {
    let mut cluster = twins().await;
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    write(&client, "DELETE", "/indexes/films", json!(null)).await;
    write(&client, "POST", "/indexes/films/documents?primaryKey=isbn", json!([{ "isbn": "x", "id": 1 }]))
        .await;
    cluster.node(1).restart().await.unwrap();
    let all = until_alike(&mut cluster).await;
    assert_eq!(all[0]["primaryKey"], "isbn");
    assert_eq!(all[0]["documents"].as_array().unwrap().len(), 1);
}

/// Nodes show only a part of the key, so no other node could give it.
#[tokio::test]
async fn emptied_node_gets_the_key_of_an_embedder() {
    const KEY: &str = "the-key-of-an-embedder-0123456789";
    let store = json!({ "store": { "sealing_keys": ["a-sealing-key-of-more-than-32-bytes"] } });
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(2).groups(2).configuration(store);
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    // With dimensions, and without documents, a server does not call the URL.
    let embedder = json!({
        "source": "rest", "url": "http://127.0.0.1:9/embed", "dimensions": 3, "apiKey": KEY,
        "request": { "input": "{{text}}" }, "response": { "embedding": "{{embedding}}" },
    });
    write(&client, "PATCH", "/indexes/vectors/settings", json!({ "stopWords": ["the"] })).await;
    write(&client, "PATCH", "/indexes/vectors/settings/embedders", json!({ "e": embedder })).await;
    let before = until_alike(&mut cluster).await;
    assert_eq!(before[1]["settings"]["embedders"]["e"]["apiKey"], "the-kXXXXXX...");
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).wipe().await.unwrap();
    cluster.node(1).restart().await.unwrap();
    assert_eq!(until_alike(&mut cluster).await, before);
    until_in_sync(&client).await;
    cluster.node(1).kill().await.unwrap();
    if let Ok(node) = cluster.node(1).simulated() {
        assert!(format!("{:?}", node.snapshot()).contains(KEY), "the node has the whole key");
    }
}

#[tokio::test]
async fn node_with_several_outages_ends_in_sync() {
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(4).groups(2).replication_factor(2);
    let cluster = cluster.configuration(json!({ "health": { "probe_interval_ms": 50 } }));
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    let mut written = FILMS;
    for _ in 0..4 {
        cluster.node(2).kill().await.unwrap();
        let (_, task) =
            accepted(&client, "POST", "/indexes/films/documents", films(written..written + 7)).await;
        assert_eq!(task["status"], "succeeded", "{task}");
        written += 7;
        cluster.node(2).restart().await.unwrap();
        let (_, task) =
            accepted(&client, "POST", "/indexes/films/documents", films(written..written + 7)).await;
        assert_eq!(task["status"], "succeeded", "{task}");
        written += 7;
    }
    until_whole(&mut cluster, 4, 0..written).await;
    assert_eq!(searches(&client).await[0]["hits"].as_array().unwrap().len() as u64, written);
}
