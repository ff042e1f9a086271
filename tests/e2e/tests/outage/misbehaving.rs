//! A node that runs and misbehaves.

use std::time::Duration;

use miroir_devnode::{Control, Fault, Route};
use miroir_e2e::{Client, Cluster, TIMEOUT, until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fixture::{FILMS, films, load, on_node, searches, uids, until_status, until_whole};

/// Timeout of nodes in these tests.
const NODE_TIMEOUT: Duration = Duration::from_millis(800);

/// Starts two nodes with all documents, and returns the controls of the second. Without `probes` the node is
/// never marked as failed.
async fn twins(probes: bool) -> (Cluster, Control) {
    let limit_ms = u64::try_from(NODE_TIMEOUT.as_millis()).unwrap();
    let health = if probes {
        json!({ "probe_interval_ms": 100, "probe_timeout_ms": 500 })
    } else {
        json!({ "bad_to_fail": 1_000_000 })
    };
    let cluster = Cluster::builder().nodes(2).groups(2).configuration(json!({
        "health": health,
        "timeouts": { "write_ms": limit_ms, "read_ms": limit_ms, "search_ms": limit_ms },
    }));
    let mut cluster = cluster.start().await.unwrap();
    load(&cluster.client()).await;
    let control = cluster.node(1).simulated().unwrap().control();
    (cluster, control)
}

/// Writes `documents` and returns the task. The response must come within a few timeouts of the node.
async fn written(client: &Client, documents: Value) -> u64 {
    let begun = Instant::now();
    let response = client.call("POST", "/indexes/films/documents", documents).await.unwrap();
    assert!(begun.elapsed() < NODE_TIMEOUT * 20, "a write waits for a bad node: {:?}", begun.elapsed());
    let summary = response.expect(202).unwrap();
    summary["taskUid"].as_u64().unwrap()
}

async fn row(client: &Client, task: u64) -> Value {
    client.get(&format!("/_miroir/tasks/{task}")).await.unwrap().expect(200).unwrap()
}

/// Asserts that searches and a write during the fault have responses within bounds, and that the task and the
/// copies are right after it.
async fn survives(route: Route, fault: Fault) -> (Cluster, Value) {
    let (mut cluster, control) = twins(false).await;
    let client = cluster.client();
    let before = searches(&client).await;
    control.fail(route, fault);
    let begun = Instant::now();
    assert_eq!(searches(&client).await, before);
    assert!(begun.elapsed() < NODE_TIMEOUT * 40, "searches wait for a bad node: {:?}", begun.elapsed());
    let task = written(&client, films(FILMS..FILMS + 30)).await;
    control.clear_faults();
    let ended = client.wait_for_task(task).await.unwrap();
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(ended["details"], json!({ "receivedDocuments": 30, "indexedDocuments": 30 }));
    until_whole(&mut cluster, 2, 0..FILMS + 30).await;
    assert_eq!(searches(&client).await[0]["hits"].as_array().unwrap().len() as u64, FILMS + 30);
    let row = row(&client, task).await;
    (cluster, row)
}

/// Every request apart from the probes that keep the node in the cluster.
fn indexes() -> Route {
    Route::path("/indexes/**")
}

#[tokio::test]
async fn hanging_node_does_not_delay_requests() {
    let (_cluster, row) = survives(indexes(), Fault::Hang).await;
    // The node read the request and never executed it. Miroir detected that.
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
    assert!(row["nodeTasks"]["node-2"].is_null(), "{row}");
}

#[tokio::test]
async fn garbage_with_status_200_is_a_failure() {
    let body = "<html>It works!</html>".to_owned();
    let (_cluster, row) = survives(indexes(), Fault::Response { status: 200, body }).await;
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
}

#[tokio::test]
async fn json_of_another_shape_is_a_failure() {
    for body in ["null", "[]", r#"{"hits":17,"results":{},"taskUid":"seven","uid":-1}"#] {
        survives(indexes(), Fault::Response { status: 200, body: body.to_owned() }).await;
    }
}

#[tokio::test]
async fn server_errors_of_a_node_are_not_passed_on() {
    let body =
        r#"{"message":"disk full","code":"no_space_left_on_device","type":"system","link":""}"#.to_owned();
    for status in [500, 502, 503] {
        survives(indexes(), Fault::Response { status, body: body.clone() }).await;
    }
}

#[tokio::test]
async fn write_with_a_lost_response_is_found_and_not_repeated() {
    let writes = Route::new("POST", "/indexes/films/documents");
    for fault in [Fault::LoseResponse, Fault::TruncateResponse] {
        let (mut cluster, row) = survives(writes.clone(), fault).await;
        // The node accepted the write and is in sync.
        assert_eq!(row["nodeTasks"]["node-2"]["status"], "succeeded", "{row}");
        assert_eq!(row["nodeErrors"], json!({}), "{row}");
        let path = "/tasks?types=documentAdditionOrUpdate&indexUids=films&limit=100";
        let tasks = on_node(cluster.node(1), path).await;
        assert_eq!(tasks["total"], 2, "the first films and the next, each once: {tasks}");
    }
}

#[tokio::test]
async fn connection_cut_before_the_work_is_a_miss() {
    let (_cluster, row) = survives(indexes(), Fault::Cut).await;
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
}

#[tokio::test]
async fn index_creation_and_settings_with_lost_responses_are_found() {
    let (mut cluster, control) = twins(false).await;
    let client = cluster.client();
    control.fail(Route::new("PATCH", "/indexes/*/settings"), Fault::LoseResponse);
    control.fail(Route::new("DELETE", "/indexes/*"), Fault::LoseResponse);
    let wanted = json!({ "stopWords": ["the"], "filterableAttributes": ["year"] });
    let mut tasks = Vec::new();
    for (method, path, body) in [
        ("POST", "/indexes", json!({ "uid": "made", "primaryKey": "id" })),
        ("PATCH", "/indexes/made/settings", wanted),
        ("DELETE", "/indexes/films", Value::Null),
    ] {
        let summary = client.call(method, path, body).await.unwrap().expect(202).unwrap();
        tasks.push(summary["taskUid"].as_u64().unwrap());
    }
    for task in tasks {
        let ended = client.wait_for_task(task).await.unwrap();
        assert_eq!(ended["status"], "succeeded", "{ended}");
        let row = row(&client, task).await;
        assert_eq!(row["nodeErrors"], json!({}), "{row}");
    }
    let indexes = on_node(cluster.node(1), "/indexes").await;
    assert_eq!(uids(&indexes), ["made"], "{indexes}");
    let settings = on_node(cluster.node(1), "/indexes/made/settings").await;
    assert_eq!(settings["stopWords"], json!(["the"]));
}

#[tokio::test]
async fn task_stays_open_until_every_node_has_executed_it() {
    let (cluster, control) = twins(false).await;
    let client = cluster.client();
    control.pause_tasks();
    let task = written(&client, films(FILMS..FILMS + 5)).await;
    until("the first node is done", || async {
        let row = row(&client, task).await;
        (row["nodeTasks"]["node-1"]["status"] == "succeeded").then_some(())
    })
    .await;
    let shown = client.get(&format!("/tasks/{task}")).await.unwrap().expect(200).unwrap();
    assert_eq!(shown["status"], "processing", "{shown}");
    assert_eq!(shown["finishedAt"], Value::Null);
    control.resume_tasks();
    assert_eq!(client.wait_for_task(task).await.unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn node_whose_health_hangs_is_marked_failed_and_comes_back() {
    let (mut cluster, control) = twins(true).await;
    let client = cluster.client();
    let before = searches(&client).await;
    control.fail(Route::any(), Fault::Hang);
    until_status(&client, "node-2", "failed").await;
    control.clear_requests();
    let begun = Instant::now();
    assert_eq!(searches(&client).await, before);
    let task = written(&client, films(FILMS..FILMS + 5)).await;
    assert_eq!(client.wait_for_task(task).await.unwrap()["status"], "succeeded");
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    let requests = control.requests_to(&indexes());
    assert!(requests.is_empty(), "a failed node gets requests: {requests:?}");
    control.clear_faults();
    until_status(&client, "node-2", "healthy").await;
    until_whole(&mut cluster, 2, 0..FILMS + 5).await;
}

#[tokio::test]
async fn slow_node_does_not_delay_writes_and_catches_up() {
    let (mut cluster, control) = twins(false).await;
    let client = cluster.client();
    control.fail(Route::new("POST", "/indexes/films/documents"), Fault::Delay(NODE_TIMEOUT * 3));
    let mut tasks = Vec::new();
    for number in 0..3 {
        let from = FILMS + number * 5;
        tasks.push(written(&client, films(from..from + 5)).await);
    }
    control.clear_faults();
    for task in tasks {
        assert_eq!(client.wait_for_task(task).await.unwrap()["status"], "succeeded");
    }
    until_whole(&mut cluster, 2, 0..FILMS + 15).await;
}
