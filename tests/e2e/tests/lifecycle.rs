//! Start, stop and sharing of a store.

use std::time::Duration;

use miroir_devnode::{Fault, Route};
use miroir_e2e::{Client, Cluster, Miroir, NODE_KIND, until};
use serde_json::{Value, json};

async fn add(client: &Client, id: u64) -> Value {
    let documents = json!([{ "id": id }]);
    client.write("POST", "/indexes/films/documents?primaryKey=id", documents).await.unwrap()
}

/// Waits until a line of the log contains `part`.
async fn until_logged(miroir: &mut Miroir, part: &str) {
    let process = miroir.process();
    until(&format!("`{part}` is logged"), || {
        let logged = process.log().contains(part);
        async move { logged.then_some(()) }
    })
    .await;
}

#[tokio::test]
async fn sigterm_lets_writes_in_flight_finish() {
    let mut cluster = Cluster::builder().nodes(2).replication_factor(2).start().await.unwrap();
    let client = cluster.client();
    add(&client, 1).await;
    let route = Route::new("POST", "/indexes/films/documents");
    for node in cluster.nodes() {
        node.simulated().unwrap().control().fail(route.clone(), Fault::Delay(Duration::from_millis(700)));
    }
    let write = tokio::spawn({
        let client = client.clone();
        async move { client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await }
    });
    for node in cluster.nodes() {
        let control = node.simulated().unwrap().control();
        until("the node has the write", || {
            let reached = control.requests_to(&route).len() == 2;
            async move { reached.then_some(()) }
        })
        .await;
    }
    cluster.miroir().process().signal_end().await.unwrap();
    let summary = write.await.unwrap().unwrap().expect(202).unwrap();
    assert!(cluster.miroir().process().wait().await.unwrap().success());
    assert!(client.get("/health").await.is_err(), "Miroir still responds");

    cluster.miroir().start().await.unwrap();
    let task = client.wait_for_task(summary["taskUid"].as_u64().unwrap()).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    client.get("/indexes/films/documents/2").await.unwrap().expect(200).unwrap();
}

#[tokio::test]
async fn sigterm_refuses_new_connections_while_it_finishes() {
    let mut cluster = Cluster::builder().start().await.unwrap();
    let client = cluster.client();
    add(&client, 1).await;
    let route = Route::new("POST", "/indexes/films/search");
    for node in cluster.nodes() {
        node.simulated().unwrap().control().fail(route.clone(), Fault::Delay(Duration::from_secs(1)));
    }
    let search = tokio::spawn({
        let client = client.clone();
        async move { client.call("POST", "/indexes/films/search", json!({})).await }
    });
    let control = cluster.node(0).simulated().unwrap().control();
    until("the node has the search", || {
        let reached = !control.requests_to(&route).is_empty();
        async move { reached.then_some(()) }
    })
    .await;
    cluster.miroir().process().signal_end().await.unwrap();
    until_logged(cluster.miroir(), "stopping once requests in flight are finished").await;
    let other = Client::new(client.base_url(), None).unwrap();
    until("new connections are refused", || async { other.get("/health").await.is_err().then_some(()) })
        .await;
    let found = search.await.unwrap().unwrap().expect(200).unwrap();
    assert_eq!(found["estimatedTotalHits"], 1, "{found}");
    assert!(cluster.miroir().process().wait().await.unwrap().success());
}

#[tokio::test]
async fn stuck_requests_do_not_prevent_the_exit() {
    let cluster = Cluster::builder().configuration(json!({ "server": { "shutdown_grace_ms": 500 } }));
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    add(&client, 1).await;
    let route = Route::new("POST", "/indexes/films/documents");
    for node in cluster.nodes() {
        node.simulated().unwrap().control().fail(route.clone(), Fault::Hang);
    }
    let write = tokio::spawn({
        let client = client.clone();
        async move { client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await }
    });
    let controls: Vec<_> = cluster.nodes().iter().map(|node| node.simulated().unwrap().control()).collect();
    until("a node has the write", || {
        let reached: usize = controls.iter().map(|control| control.requests_to(&route).len()).sum();
        async move { (reached == 2).then_some(()) }
    })
    .await;
    let status = cluster.miroir().terminate().await.unwrap();
    assert_eq!(status.code(), Some(1), "abandoned requests are no clean exit");
    let log = cluster.miroir().process().log();
    assert!(log.contains("requests were still in flight after 500 ms"), "{log}");
    assert!(write.await.unwrap().is_err(), "an abandoned write is not acknowledged");

    // The write is in the store. Its outcome is determined later, and the document does not exist.
    for control in &controls {
        control.clear_faults();
    }
    cluster.miroir().start().await.unwrap();
    let newest = client.get("/tasks?limit=1").await.unwrap().expect(200).unwrap()["results"][0].clone();
    let task = client.wait_for_task(newest["uid"].as_u64().unwrap()).await.unwrap();
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!("miroir_no_quorum")),
        "{task}"
    );
    client.get("/indexes/films/documents/2").await.unwrap().expect(404).unwrap();
}

#[tokio::test]
async fn tasks_are_the_same_after_a_restart() {
    let mut cluster = Cluster::builder().kind(NODE_KIND).nodes(2).start().await.unwrap();
    let client = cluster.client();
    for id in 0..5 {
        add(&client, id).await;
    }
    client.write("DELETE", "/indexes/nothing", Value::Null).await.unwrap();
    let before = client.get("/tasks?limit=100").await.unwrap().expect(200).unwrap();
    let row = client.get("/_miroir/tasks/2").await.unwrap().expect(200).unwrap();
    for graceful in [true, false] {
        if graceful {
            assert!(cluster.miroir().terminate().await.unwrap().success());
        } else {
            cluster.miroir().kill().await.unwrap();
        }
        cluster.miroir().start().await.unwrap();
        assert_eq!(client.get("/tasks?limit=100").await.unwrap().expect(200).unwrap(), before);
        assert_eq!(client.get("/_miroir/tasks/2").await.unwrap().expect(200).unwrap(), row);
    }
    let next = add(&client, 99).await;
    assert_eq!(next["uid"].as_u64().unwrap(), before["results"][0]["uid"].as_u64().unwrap() + 1);
}

#[tokio::test]
async fn open_task_reaches_its_end_after_a_crash() {
    let mut cluster = Cluster::builder().nodes(2).replication_factor(2).start().await.unwrap();
    let client = cluster.client();
    add(&client, 1).await;
    for node in cluster.nodes() {
        node.simulated().unwrap().control().pause_tasks();
    }
    let documents = json!([{ "id": 2 }, { "id": 3 }]);
    let summary =
        client.call("POST", "/indexes/films/documents", documents).await.unwrap().expect(202).unwrap();
    cluster.miroir().kill().await.unwrap();
    for node in cluster.nodes() {
        node.simulated().unwrap().control().resume_tasks();
    }
    cluster.miroir().start().await.unwrap();
    let task = client.wait_for_task(summary["taskUid"].as_u64().unwrap()).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    assert_eq!(task["details"]["indexedDocuments"], 2);
}

#[tokio::test]
async fn start_succeeds_without_nodes_and_readiness_follows_them() {
    let mut cluster = Cluster::builder().kind(NODE_KIND).nodes(2).start_nodes().await.unwrap();
    for node in cluster.nodes() {
        node.kill().await.unwrap();
    }
    cluster.miroir().start_unready().unwrap();
    let client = cluster.client();
    let ready = until("readiness is denied", || async {
        client.get("/_miroir/ready").await.ok().filter(|response| response.status == 503)
    })
    .await;
    assert!(ready.body["reasons"].to_string().contains("node-1"), "{ready:?}");
    client.get("/health").await.unwrap().expect(200).unwrap();
    let error =
        client.call("POST", "/indexes/films/documents?primaryKey=id", json!([{ "id": 1 }])).await.unwrap();
    assert_eq!(error.expect(503).unwrap()["code"], "miroir_no_quorum");
    for node in cluster.nodes() {
        node.restart().await.unwrap();
    }
    cluster.miroir().until_ready().await.unwrap();
    let task = until("a write is accepted", || async {
        let documents = json!([{ "id": 1 }]);
        let response =
            client.call("POST", "/indexes/films/documents?primaryKey=id", documents).await.unwrap();
        (response.status == 202).then(|| response.body["taskUid"].as_u64().unwrap())
    })
    .await;
    assert_eq!(client.wait_for_task(task).await.unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn miroir_without_nodes_serves_tasks_and_names_the_missing_settings() {
    let mut cluster = Cluster::builder().nodes(0).start_nodes().await.unwrap();
    cluster.miroir().start_unready().unwrap();
    let client = cluster.client();
    until("Miroir responds", || async { client.get("/health").await.ok() }).await;
    assert!(cluster.miroir().process().log().contains("no nodes are configured"));
    let ready = client.get("/_miroir/ready").await.unwrap().expect(503).unwrap();
    assert!(!ready["reasons"].as_array().unwrap().is_empty(), "{ready}");
    assert_eq!(client.get("/tasks").await.unwrap().expect(200).unwrap()["total"], 0);
    for (method, path, body) in [
        ("POST", "/indexes", json!({ "uid": "films" })),
        ("POST", "/indexes/films/documents", json!([{ "id": 1 }])),
        ("PATCH", "/indexes/films/settings", json!({ "stopWords": [] })),
        ("GET", "/version", Value::Null),
    ] {
        let response = client.call(method, path, body).await.unwrap();
        assert_eq!(response.status, 503, "{method} {path}: {}", response.body);
        assert!(response.body["message"].as_str().is_some_and(|text| !text.is_empty()), "{response:?}");
    }
    assert!(cluster.miroir().terminate().await.unwrap().success());
}

#[tokio::test]
async fn taken_address_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cluster = Cluster::builder().configuration(json!({ "server": { "address": address } }));
    let mut cluster = cluster.start_nodes().await.unwrap();
    cluster.miroir().start_unready().unwrap();
    assert_eq!(cluster.miroir().process().wait().await.unwrap().code(), Some(1));
    let log = cluster.miroir().process().log();
    assert!(log.contains(&format!("cannot listen on {address}")), "{log}");
}

#[tokio::test]
async fn store_that_cannot_be_opened_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a-file");
    std::fs::write(&file, "this is no database, and longer than a header of one would be: ".repeat(20))
        .unwrap();
    let folder = directory.path().join("a-folder");
    std::fs::create_dir(&folder).unwrap();
    // Not even root can write here, so the test also works in containers.
    for path in [file.clone(), folder, file.join("under-a-file.db"), "/proc/miroir/miroir.db".into()] {
        let cluster = Cluster::builder().nodes(0).configuration(json!({ "store": { "path": path } }));
        let mut cluster = cluster.start_nodes().await.unwrap();
        cluster.miroir().start_unready().unwrap();
        let status = cluster.miroir().process().wait().await.unwrap();
        let log = cluster.miroir().process().log();
        assert_eq!(status.code(), Some(1), "{}: {log}", path.display());
        assert!(log.contains("cannot open the task store") && log.contains(path.to_str().unwrap()), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
    assert!(
        std::fs::read_to_string(&file).unwrap().starts_with("this is no database"),
        "the file was changed"
    );
}

#[tokio::test]
async fn second_instance_on_the_same_store_is_refused_without_harm_to_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("shared.db");
    let shared = json!({ "store": { "path": store } });
    let mut first = Cluster::builder().configuration(shared.clone()).start().await.unwrap();
    let client = first.client();
    add(&client, 1).await;

    let mut second = Cluster::builder().nodes(0).configuration(shared).start_nodes().await.unwrap();
    second.miroir().start_unready().unwrap();
    let status = second.miroir().process().wait().await.unwrap();
    let log = second.miroir().process().log();
    assert_eq!(status.code(), Some(1), "{log}");
    for part in ["another Miroir", store.to_str().unwrap(), "one instance"] {
        assert!(log.contains(part), "`{part}` is not in:\n{log}");
    }
    assert_eq!(add(&client, 2).await["status"], "succeeded");

    // A crash releases the store at once, without a cleanup.
    first.miroir().kill().await.unwrap();
    second.miroir().start_unready().unwrap();
    let heir = second.client();
    let tasks = until("the other instance serves the tasks", || async {
        heir.get("/tasks").await.ok().filter(|response| response.status == 200)
    })
    .await;
    assert_eq!(tasks.body["total"], 2, "{tasks:?}");
}
