//! A store that was emptied, exchanged, or belongs to another cluster.

use miroir_e2e::{Client, Cluster, NODE_KIND, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

use crate::fixture::{FILMS, finds, if_there, load};

async fn refused(client: &Client, method: &str, path: &str, body: Value) {
    let response = client.call(method, path, body).await.unwrap();
    assert_eq!(response.status, 503, "{method} {path}: {}", response.body);
    assert_eq!(response.body["code"], "miroir_store_unavailable", "{method} {path}");
    let message = response.body["message"].as_str().unwrap();
    assert!(message.contains("it was emptied or exchanged"), "{message}");
}

#[tokio::test]
async fn emptied_redis_is_not_taken_for_an_empty_cluster() {
    let server = RedisServer::start();
    let builder = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2).redis(&server.url());
    let mut cluster = builder.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    // As `FLUSHALL`, but it can be undone, as by a backup.
    let exchange = || assert_eq!(server.say(&["SWAPDB", "0", "1"]).trim(), "+OK");
    exchange();
    until("the loss is noticed", || async {
        let ready = client.get("/_miroir/ready").await.ok()?;
        (ready.status == 503 && ready.body["reasons"].to_string().contains("emptied or exchanged"))
            .then_some(())
    })
    .await;
    for round in 0..2 {
        for (method, path, body) in [
            ("GET", "/indexes", Value::Null),
            ("GET", "/indexes/films", Value::Null),
            ("GET", "/tasks", Value::Null),
            ("GET", "/tasks/0", Value::Null),
            ("GET", "/indexes/films/documents/1", Value::Null),
            ("POST", "/indexes/films/search", json!({})),
            ("GET", "/_miroir/aliases", Value::Null),
        ] {
            refused(&client, method, path, body).await;
        }
        let write = client.call("POST", "/indexes/films/documents", json!([{ "id": 1 }])).await.unwrap();
        assert_eq!(write.status, 503, "{}", write.body);
        if round == 0 {
            // A new process knows it by the markers of the nodes.
            cluster.miroir().kill().await.unwrap();
            cluster.miroir().start_unready().unwrap();
            until("the loss is noticed again", || async {
                let ready = client.get("/_miroir/ready").await.ok()?;
                ready.body["reasons"].to_string().contains("emptied or exchanged").then_some(())
            })
            .await;
        }
    }
    exchange();
    until("the restored store is used", || async {
        let response = client.call("POST", "/indexes/films/search", json!({ "limit": 1_000 })).await.ok()?;
        (response.status == 200 && response.body["hits"].as_array()?.len() as u64 == FILMS).then_some(())
    })
    .await;
}

#[tokio::test]
async fn missing_file_of_the_store_is_not_taken_for_an_empty_cluster() {
    let mut cluster =
        Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(2).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.miroir().terminate().await.unwrap();
    let path = cluster.miroir().configuration().unwrap()["store"]["path"].as_str().unwrap().to_owned();
    std::fs::rename(&path, format!("{path}.gone")).unwrap();
    let error = cluster.miroir().start().await.unwrap_err();
    assert!(format!("{error:#}").contains("it was emptied or exchanged"), "{error:#}");
    for suffix in ["-wal", "-shm"] {
        // The files of the new and empty store.
        drop(std::fs::remove_file(format!("{path}{suffix}")));
    }
    std::fs::rename(format!("{path}.gone"), &path).unwrap();
    cluster.miroir().start().await.unwrap();
    finds(&client, FILMS).await;
}

/// As after an upgrade of a Miroir that made neither identities nor markers.
#[tokio::test]
async fn store_without_an_identity_is_taken_along_with_its_nodes() {
    let server = RedisServer::start();
    let builder = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2).redis(&server.url());
    let mut cluster = builder.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.miroir().terminate().await.unwrap();
    let mut keys = vec!["DEL".to_owned()];
    for table in ["cluster", "nodes"] {
        keys.extend(
            ["_index", "1", "node-1", "node-2", "node-3"].map(|name| format!("miroir:{table}:{name}")),
        );
    }
    let words: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(server.say(&words).trim(), ":6");
    for position in 0..3 {
        let node = Client::new(cluster.node(position).url(), None).unwrap();
        node.write("DELETE", "/indexes/_miroir_marker", Value::Null).await.unwrap();
    }
    cluster.miroir().start().await.unwrap();
    finds(&client, FILMS).await;
    for position in 0..3 {
        let node = cluster.node(position);
        until("the node is marked", || async { if_there(node, "/indexes/_miroir_marker/documents/1").await })
            .await;
    }
    let report = client.get("/_miroir/replicas").await.unwrap().expect(200).unwrap();
    assert_eq!(report["results"], json!([]));
}

#[tokio::test]
async fn nodes_of_another_cluster_are_not_used() {
    let mut owner = Cluster::builder().kind(NODE_KIND).nodes(1).start().await.unwrap();
    load(&owner.client()).await;
    let url = owner.node(0).url().to_owned();
    let mut cluster = Cluster::builder().kind(NODE_KIND).nodes(1).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.miroir().terminate().await.unwrap();
    // Its own store, and the URL of a node of the other cluster, accepted by mistake.
    let nodes = json!([{ "id": "node-1", "url": url, "group": 0 }]);
    cluster.miroir().configure(json!({ "nodes": nodes })).unwrap();
    cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    cluster.miroir().start_unready().unwrap();
    until("the reason is shown", || async {
        let ready = client.get("/_miroir/ready").await.ok()?;
        let reasons = ready.body["reasons"].to_string();
        (ready.status == 503 && reasons.contains("of another cluster")).then_some(())
    })
    .await;
    let write = client.call("POST", "/indexes/films/documents", json!([{ "id": 7_000 }])).await.unwrap();
    assert_eq!(write.status, 503, "{}", write.body);
    let reset = client.call("POST", "/_miroir/nodes/node-1/reset", Value::Null).await.unwrap();
    assert_eq!((reset.status, reset.body["code"].as_str()), (409, Some("miroir_node_conflict")));
    finds(&owner.client(), FILMS).await;
}
