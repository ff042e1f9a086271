//! A node that runs and does not do what it should.

use std::time::Duration;

use miroir_devnode::{Control, Fault, Route};
use miroir_e2e::{Client, Cluster, PATIENCE, until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fixture::{FILMS, films, load, on_node, searches, until_status, until_whole};

/// How long a node may take in these tests.
const NODE_PATIENCE: Duration = Duration::from_millis(800);

/// Two nodes, each with everything, and the switches of the second. Probes do not get in the way of what is tested,
/// unless the test says otherwise.
async fn twins(probes: bool) -> (Cluster, Control) {
    let patience = u64::try_from(NODE_PATIENCE.as_millis()).unwrap();
    let health = if probes {
        json!({ "probe_interval_ms": 100, "probe_timeout_ms": 500 })
    } else {
        json!({ "bad_to_fail": 1_000_000 })
    };
    let cluster = Cluster::builder().nodes(2).groups(2).configuration(json!({
        "health": health,
        "timeouts": { "write_ms": patience, "read_ms": patience, "search_ms": patience },
    }));
    let mut cluster = cluster.start().await.unwrap();
    load(&cluster.client()).await;
    let control = cluster.node(1).simulated().unwrap().control();
    (cluster, control)
}

/// Writes `documents` and says which task that is. The answer must come within a few of the node's patiences.
async fn written(client: &Client, documents: Value) -> u64 {
    let begun = Instant::now();
    let answer = client.call("POST", "/indexes/films/documents", documents).await.unwrap();
    assert!(begun.elapsed() < NODE_PATIENCE * 20, "a write waits for a bad node: {:?}", begun.elapsed());
    let summary = answer.expect(202).unwrap();
    summary["taskUid"].as_u64().unwrap()
}

async fn row(client: &Client, task: u64) -> Value {
    client.get(&format!("/_miroir/tasks/{task}")).await.unwrap().expect(200).unwrap()
}

/// The fault is on while searches and one write are made, then off: everything is answered within bounds, and the task
/// and the copies end as they should.
async fn outlives(route: Route, fault: Fault) -> (Cluster, Value) {
    let (mut cluster, control) = twins(false).await;
    let client = cluster.client();
    let before = searches(&client).await;
    control.fail(route, fault);
    let begun = Instant::now();
    assert_eq!(searches(&client).await, before);
    assert!(begun.elapsed() < NODE_PATIENCE * 40, "searches wait for a bad node: {:?}", begun.elapsed());
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

/// Every request but the probes that keep the node in the cluster.
fn indexes() -> Route {
    Route::path("/indexes/**")
}

#[tokio::test]
async fn hanging_node_holds_nobody_up() {
    let (_cluster, row) = outlives(indexes(), Fault::Hang).await;
    // It read the request and never did the work; that was found out, and not taken for a success.
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
    assert!(row["nodeTasks"]["node-2"].is_null(), "{row}");
}

#[tokio::test]
async fn garbage_with_status_200_is_no_answer() {
    let body = "<html>It works!</html>".to_owned();
    let (_cluster, row) = outlives(indexes(), Fault::Response { status: 200, body }).await;
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
}

#[tokio::test]
async fn json_of_another_shape_is_no_answer() {
    for body in ["null", "[]", r#"{"hits":17,"results":{},"taskUid":"seven","uid":-1}"#] {
        outlives(indexes(), Fault::Response { status: 200, body: body.to_owned() }).await;
    }
}

#[tokio::test]
async fn server_errors_of_a_node_are_not_passed_on() {
    let body =
        r#"{"message":"disk full","code":"no_space_left_on_device","type":"system","link":""}"#.to_owned();
    for status in [500, 502, 503] {
        outlives(indexes(), Fault::Response { status, body: body.clone() }).await;
    }
}

#[tokio::test]
async fn write_whose_answer_is_lost_is_found_again_and_not_repeated() {
    let writes = Route::new("POST", "/indexes/films/documents");
    for fault in [Fault::LoseResponse, Fault::TruncateResponse] {
        let (mut cluster, row) = outlives(writes.clone(), fault).await;
        // It did take the write, and is no longer suspected of having missed it.
        assert_eq!(row["nodeTasks"]["node-2"]["status"], "succeeded", "{row}");
        assert_eq!(row["nodeErrors"], json!({}), "{row}");
        let tasks = on_node(cluster.node(1), "/tasks?types=documentAdditionOrUpdate&limit=100").await;
        assert_eq!(tasks["total"], 2, "the first films and the next, each once: {tasks}");
    }
}

#[tokio::test]
async fn connection_cut_before_the_work_is_a_miss() {
    let (_cluster, row) = outlives(indexes(), Fault::Cut).await;
    assert_eq!(row["nodeErrors"]["node-2"]["error"]["code"], "miroir_node_unavailable", "{row}");
}

#[tokio::test]
async fn index_creation_and_settings_whose_answers_are_lost_are_found_again() {
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
    assert_eq!(indexes["total"], 1, "{indexes}");
    let settings = on_node(cluster.node(1), "/indexes/made/settings").await;
    assert_eq!(settings["stopWords"], json!(["the"]));
}

#[tokio::test]
async fn task_that_a_node_does_not_carry_out_stays_open_until_it_does() {
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
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let asked = control.requests_to(&indexes());
    assert!(asked.is_empty(), "a failed node is asked: {asked:?}");
    control.clear_faults();
    until_status(&client, "node-2", "healthy").await;
    until_whole(&mut cluster, 2, 0..FILMS + 5).await;
}

#[tokio::test]
async fn slow_node_is_left_behind_and_catches_up() {
    let (mut cluster, control) = twins(false).await;
    let client = cluster.client();
    control.fail(Route::new("POST", "/indexes/films/documents"), Fault::Delay(NODE_PATIENCE * 3));
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
