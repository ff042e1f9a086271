//! One node is down: remaining functions, and reports of the failure.

use miroir_e2e::{Cluster, ClusterBuilder, NODE_KIND};
use serde_json::{Value, json};

use crate::fixture::{FILMS, accepted, film, films, load, searches, until_status, until_whole};

fn three_nodes() -> ClusterBuilder {
    Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2)
}

#[tokio::test]
async fn searches_return_the_same_without_any_one_node() {
    let mut cluster = three_nodes().start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    let before = searches(&client).await;
    assert_eq!(before[0]["hits"].as_array().unwrap().len() as u64, FILMS);
    for position in 0..3 {
        let id = cluster.node(position).id().to_owned();
        cluster.node(position).kill().await.unwrap();
        assert_eq!(searches(&client).await, before, "before Miroir noticed that {id} is down");
        until_status(&client, &id, "failed").await;
        assert_eq!(searches(&client).await, before, "without {id}");
        for number in 0..20 {
            let found = client.get(&format!("/indexes/films/documents/{number}")).await.unwrap();
            assert_eq!(found.expect(200).unwrap(), film(number));
        }
        let listed = client.get("/indexes/films/documents?limit=1000").await.unwrap().expect(200).unwrap();
        assert_eq!(
            (&listed["total"], listed["results"].as_array().unwrap().len() as u64),
            (&json!(FILMS), FILMS)
        );
        client.get("/_miroir/ready").await.unwrap().expect(200).unwrap();
        cluster.node(position).restart().await.unwrap();
        until_status(&client, &id, "healthy").await;
    }
    assert_eq!(searches(&client).await, before);
}

/// Asserts that writes of every kind are accepted while node-2 is down, reported as degraded, found at once,
/// and repaired on it afterwards.
async fn writes_are_accepted_without_one_node(cluster: ClusterBuilder, copies: usize) {
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    for noticed in [false, true] {
        if noticed {
            until_status(&client, "node-2", "failed").await;
        }
        let path = "/indexes/films/documents";
        let (response, task) = accepted(&client, "POST", path, films(0..FILMS + 40)).await;
        let degraded = response.header("x-miroir-degraded").unwrap_or_default();
        assert!(degraded.ends_with("nodes=node-2"), "{degraded}");
        assert!(degraded.starts_with("group="), "{degraded}");
        assert_eq!(task["status"], "succeeded", "{task}");
        assert_eq!(
            task["details"],
            json!({ "receivedDocuments": FILMS + 40, "indexedDocuments": FILMS + 40 })
        );
        let row = client.get(&format!("/_miroir/tasks/{}", task["uid"])).await.unwrap().expect(200).unwrap();
        let missing: Vec<&String> = row["nodeErrors"].as_object().unwrap().keys().collect();
        assert_eq!(missing, ["node-2"], "{row}");
    }
    let ids: Vec<u64> = (0..10).collect();
    let (response, task) =
        accepted(&client, "POST", "/indexes/films/documents/delete-batch", json!(ids)).await;
    assert!(response.header("x-miroir-degraded").is_some(), "{response:?}");
    assert_eq!(task["status"], "succeeded", "{task}");
    let found = &searches(&client).await[0]["hits"];
    assert_eq!(found.as_array().unwrap().len() as u64, FILMS + 30);

    cluster.node(1).restart().await.unwrap();
    until_status(&client, "node-2", "healthy").await;
    until_whole(&mut cluster, copies, 10..FILMS + 40).await;
    let (response, task) = accepted(&client, "POST", "/indexes/films/documents", films(0..1)).await;
    assert_eq!(response.header("x-miroir-degraded"), None);
    assert_eq!(task["status"], "succeeded", "{task}");
}

#[tokio::test]
async fn writes_are_accepted_while_another_group_is_complete() {
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(4).groups(2).replication_factor(2);
    writes_are_accepted_without_one_node(cluster, 4).await;
}

#[tokio::test]
async fn writes_are_accepted_with_a_quorum_of_one() {
    let cluster = three_nodes().configuration(json!({ "cluster": { "write_quorum": 1 } }));
    writes_are_accepted_without_one_node(cluster, 2).await;
}

#[tokio::test]
async fn writes_are_refused_without_a_quorum_and_the_task_names_the_nodes() {
    let mut cluster = three_nodes().start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    let response = client.call("POST", "/indexes/films/documents", films(0..FILMS + 20)).await.unwrap();
    assert!(response.header("retry-after").is_some(), "{response:?}");
    let error = response.expect(503).unwrap();
    assert_eq!((&error["code"], &error["type"]), (&json!("miroir_no_quorum"), &json!("system")), "{error}");
    let message = error["message"].as_str().unwrap();
    for part in ["quorum of 2", "node-1", "node-3"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(!message.contains("node-2"), "{message}");

    // The task is the newest one, and the message names it.
    let newest = client.get("/tasks?limit=1").await.unwrap().expect(200).unwrap()["results"][0].clone();
    let uid = newest["uid"].as_u64().unwrap();
    assert!(message.contains(&format!("Task {uid} ")), "{message}");
    let task = client.wait_for_task(uid).await.unwrap();
    assert_eq!(task["status"], "failed", "{task}");
    assert_eq!(task["error"]["code"], "miroir_no_quorum", "{task}");
    let row = client.get(&format!("/_miroir/tasks/{uid}")).await.unwrap().expect(200).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        (keys(&row["nodeTasks"]), keys(&row["nodeErrors"])),
        (vec!["node-1".to_owned(), "node-3".to_owned()], vec!["node-2".to_owned()]),
        "{row}"
    );

    // A repair brings the accepted writes to all replicas, so that responses do not depend on the replica.
    cluster.node(1).restart().await.unwrap();
    until_whole(&mut cluster, 2, 0..FILMS + 20).await;
    let (_, task) = accepted(&client, "POST", "/indexes/films/documents", films(0..FILMS + 20)).await;
    assert_eq!(task["status"], "succeeded", "{task}");
}
