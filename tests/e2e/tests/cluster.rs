//! Guarantees of the cluster for its users, end to end.

use std::collections::BTreeSet;

use miroir_e2e::{Client, Cluster};
use serde_json::{Value, json};

const FILMS: u64 = 60;

fn films() -> Value {
    (0..FILMS)
        .map(|id| json!({ "id": id, "title": format!("film number {id}"), "year": 1950 + id }))
        .collect()
}

/// Returns the ids that a placeholder search finds.
async fn ids_found(client: &Client) -> BTreeSet<u64> {
    let body = json!({ "q": "film", "limit": 1_000 });
    let response = client.call("POST", "/indexes/films/search", body).await.unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
    let hits = response.body["hits"].as_array().unwrap();
    let found: BTreeSet<u64> = hits.iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    assert_eq!(found.len(), hits.len(), "a document was found twice");
    found
}

async fn load(client: &Client) -> Value {
    let task = client.write("POST", "/indexes/films/documents?primaryKey=id", films()).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    task
}

#[tokio::test]
async fn documents_are_distributed_over_nodes_and_found_once() {
    let mut cluster = Cluster::builder().nodes(3).replication_factor(2).start().await.unwrap();
    let client = cluster.client();
    let task = load(&client).await;
    assert_eq!(task["details"]["indexedDocuments"], FILMS);
    assert_eq!(ids_found(&client).await, (0..FILMS).collect());

    let film = client.get("/indexes/films/documents/7").await.unwrap().expect(200).unwrap();
    assert_eq!(film, json!({ "id": 7, "title": "film number 7", "year": 1957 }));

    let mut copies = 0;
    for node in cluster.nodes() {
        let node = Client::new(node.url(), None).unwrap();
        let page = node.get("/indexes/films/documents?limit=0").await.unwrap().expect(200).unwrap();
        let total = page["total"].as_u64().unwrap();
        assert!(total > 0 && total < FILMS, "a node has {total} of {FILMS} documents");
        copies += total;
    }
    assert_eq!(copies, 2 * FILMS);
}

#[tokio::test]
async fn searches_and_writes_succeed_while_a_node_of_a_group_is_down() {
    let cluster = Cluster::builder().nodes(4).groups(2);
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.node(0).kill().await.unwrap();
    for _ in 0..10 {
        assert_eq!(ids_found(&client).await.len() as u64, FILMS);
    }
    let more = json!([{ "id": 1_000, "title": "film afterwards" }]);
    let task = client.write("POST", "/indexes/films/documents", more).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    client.get("/indexes/films/documents/1000").await.unwrap().expect(200).unwrap();
}

#[tokio::test]
async fn tasks_survive_a_crash_of_miroir() {
    let mut cluster = Cluster::builder().nodes(2).start().await.unwrap();
    let client = cluster.client();
    let before = load(&client).await;
    cluster.miroir().kill().await.unwrap();
    assert!(client.get("/health").await.is_err(), "miroir still responds");
    cluster.miroir().start().await.unwrap();
    let uid = before["uid"].as_u64().unwrap();
    let after = client.get(&format!("/tasks/{uid}")).await.unwrap().expect(200).unwrap();
    assert_eq!(after, before);
    let next =
        client.call("DELETE", "/indexes/films/documents", Value::Null).await.unwrap().expect(202).unwrap();
    assert!(next["taskUid"].as_u64().unwrap() > uid, "{next}");
}

#[tokio::test]
async fn miroir_exits_with_zero_on_sigterm() {
    let mut cluster = Cluster::builder().start().await.unwrap();
    load(&cluster.client()).await;
    assert!(cluster.miroir().terminate().await.unwrap().success());
    cluster.miroir().start().await.unwrap();
    assert_eq!(ids_found(&cluster.client()).await.len() as u64, FILMS);
}
