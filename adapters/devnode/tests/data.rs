//! The data of a node as a value: it can be emptied, copied, rolled back, and given to another node.

mod client;

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_devnode::{DevNodeOptions, NodeRunning};
use serde_json::{Value, json};

use client::Client;

const UID: &str = "6062abda-a5aa-4414-ac91-ecd7944c0f8d";

/// Starts a node with a master key.
async fn locked(master_key: &str) -> Client {
    Client::start(DevNodeOptions { master_key: Some(master_key.to_owned()), ..DevNodeOptions::default() })
        .await
}

/// Adds a document and waits for it.
async fn add(client: &Client, id: u32) {
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": id }]))).await;
    client.wait_idle().await;
}

/// Creates an API key and returns it.
async fn create_key(client: &Client) -> Value {
    let body = json!({ "uid": UID, "name": "n", "actions": [], "indexes": [], "expiresAt": null });
    client.json("POST", "/keys", Some(body)).await
}

/// Returns the responses that show all data of a node with a master key.
async fn data(client: &Client) -> Vec<Value> {
    let mut data = Vec::new();
    for path in ["/indexes", "/stats", "/tasks", "/keys", "/indexes/a/documents", "/indexes/a/settings"] {
        data.push(client.json("GET", path, None).await);
    }
    data
}

async fn key_uids(client: &Client) -> BTreeSet<String> {
    let keys = client.json("GET", "/keys", None).await;
    keys["results"].as_array().unwrap().iter().map(|key| key["uid"].to_string()).collect()
}

#[tokio::test]
async fn restart_keeps_all_data() {
    let client = locked("master").await;
    add(&client, 1).await;
    create_key(&client).await;
    let before = data(&client).await;
    client.node.stop().await;
    client.node.restart().await.unwrap();
    assert_eq!(data(&client).await, before);
}

#[tokio::test]
async fn wipe_removes_indexes_tasks_and_keys() {
    let client = locked("master").await;
    add(&client, 1).await;
    create_key(&client).await;
    let former_keys = key_uids(&client).await;
    client.node.stop().await;
    client.node.wipe().await.unwrap();
    client.node.restart().await.unwrap();
    assert_eq!(client.json("GET", "/indexes", None).await["total"], 0);
    assert_eq!(client.json("GET", "/tasks", None).await["total"], 0);
    assert_eq!(client.json("GET", "/stats", None).await["lastUpdate"], Value::Null);
    assert_eq!(client.json("GET", &format!("/keys/{UID}"), None).await["code"], "api_key_not_found");
    // Like a real server, it makes new default keys for a new folder of data.
    let keys = key_uids(&client).await;
    assert_eq!(keys.len(), 4);
    assert!(keys.is_disjoint(&former_keys), "{keys:?}");
    let task = client.json("POST", "/indexes", Some(json!({ "uid": "a" }))).await;
    assert_eq!(task["taskUid"], 0);
}

#[tokio::test]
async fn restore_rolls_the_node_back() {
    let client = locked("master").await;
    add(&client, 1).await;
    create_key(&client).await;
    let before = data(&client).await;
    let snapshot = client.node.snapshot();
    add(&client, 2).await;
    client.send("DELETE", &format!("/keys/{UID}"), None).await.unwrap();
    assert_ne!(data(&client).await, before);
    client.node.stop().await;
    client.node.restore(snapshot.clone()).await.unwrap();
    client.node.restart().await.unwrap();
    assert_eq!(data(&client).await, before);
    // The task uids after the snapshot are given again, to other tasks.
    let task = client.json("POST", "/indexes", Some(json!({ "uid": "b" }))).await;
    assert_eq!(task["taskUid"], 1);
    client.node.stop().await;
    client.node.restore(snapshot).await.unwrap();
    client.node.restart().await.unwrap();
    assert_eq!(data(&client).await, before);
}

#[tokio::test]
async fn restore_exchanges_the_data_of_two_nodes() {
    let (one, other) = (locked("master").await, locked("master").await);
    add(&one, 1).await;
    create_key(&one).await;
    add(&other, 2).await;
    add(&other, 3).await;
    let (data_of_one, data_of_other) = (data(&one).await, data(&other).await);
    assert_ne!(data_of_one, data_of_other);
    one.node.stop().await;
    other.node.stop().await;
    let snapshot = one.node.snapshot();
    one.node.restore(other.node.snapshot()).await.unwrap();
    other.node.restore(snapshot).await.unwrap();
    one.node.restart().await.unwrap();
    other.node.restart().await.unwrap();
    assert_eq!(data(&one).await, data_of_other);
    assert_eq!(data(&other).await, data_of_one);
}

#[tokio::test]
async fn text_of_a_key_depends_on_the_master_key_of_its_node() {
    let (one, other) = (locked("master-1").await, locked("master-2").await);
    let key = create_key(&one).await;
    other.node.stop().await;
    other.node.restore(one.node.snapshot()).await.unwrap();
    other.node.restart().await.unwrap();
    let moved = other.json("GET", &format!("/keys/{UID}"), None).await;
    assert_eq!((&moved["uid"], &moved["createdAt"]), (&key["uid"], &key["createdAt"]));
    assert_ne!(moved["key"], key["key"]);
}

#[tokio::test]
async fn unfinished_task_of_a_snapshot_begins_again() {
    let client = Client::new().await;
    client.node.control().pause_tasks();
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    let enqueued = client.node.snapshot();
    client.node.control().resume_tasks();
    client.wait_idle().await;
    client.node.stop().await;
    client.node.restore(enqueued).await.unwrap();
    client.node.control().pause_tasks();
    client.node.restart().await.unwrap();
    assert_eq!(client.json("GET", "/indexes", None).await["total"], 0);
    assert_eq!(client.json("GET", "/tasks/0", None).await["status"], "enqueued");
    client.node.control().resume_tasks();
    client.wait_idle().await;
    assert_eq!(client.document_count("a").await, 1);
}

#[tokio::test]
async fn snapshot_of_a_task_in_progress_is_whole() {
    let options = DevNodeOptions { task_delay: Duration::from_millis(300), ..DevNodeOptions::default() };
    let client = Client::start(options).await;
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    let deadline = tokio::time::Instant::now() + client::TIMEOUT;
    while client.json("GET", "/tasks/0", None).await["status"] != "processing" {
        assert!(tokio::time::Instant::now() < deadline, "the task did not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let snapshot = client.node.snapshot();
    let other = Client::new().await;
    other.node.stop().await;
    other.node.restore(snapshot).await.unwrap();
    other.node.restart().await.unwrap();
    other.wait_idle().await;
    assert_eq!(other.json("GET", "/tasks/0", None).await["status"], "succeeded");
    assert_eq!(other.document_count("a").await, 1);
}

#[tokio::test]
async fn data_of_a_running_node_is_not_replaced() {
    let client = Client::new().await;
    add(&client, 1).await;
    assert_eq!(client.node.wipe().await, Err(NodeRunning));
    assert_eq!(client.node.restore(client.node.snapshot()).await, Err(NodeRunning));
    assert_eq!(client.document_count("a").await, 1);
}
