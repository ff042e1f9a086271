//! The switches: how clients see the faults of a node, and that acknowledged writes survive them.

mod client;

use std::time::Duration;

use miroir_devnode::{DevNode, DevNodeOptions, Fault, Route};
use serde_json::{Value, json};

use client::{Client, TIMEOUT};

#[tokio::test]
async fn restart_keeps_acknowledged_writes() {
    let client = Client::new().await;
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    client.wait_idle().await;
    client.node.control().pause_tasks();
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 2 }]))).await;
    client.node.stop().await;
    assert!(client.send("GET", "/health", None).await.unwrap_err().is_connect());
    client.node.restart().await.unwrap();
    assert_eq!(client.document_count("a").await, 1);
    assert_eq!(client.json("GET", "/tasks/1", None).await["status"], "enqueued");
    client.node.control().resume_tasks();
    client.wait_idle().await;
    assert_eq!(client.document_count("a").await, 2);
}

#[tokio::test]
async fn crash_restarts_an_interrupted_task() {
    let options = DevNodeOptions { task_delay: Duration::from_millis(300), ..DevNodeOptions::default() };
    let client = Client::start(options).await;
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    while client.json("GET", "/tasks/0", None).await["status"] != "processing" {
        assert!(tokio::time::Instant::now() < deadline, "the task did not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.node.stop().await;
    client.node.restart().await.unwrap();
    client.wait_idle().await;
    assert_eq!(client.json("GET", "/tasks/0", None).await["status"], "succeeded");
    assert_eq!(client.document_count("a").await, 1);
}

#[tokio::test]
async fn stop_cuts_requests_in_flight() {
    let client = Client::new().await;
    client.node.control().fail(Route::path("/health"), Fault::Hang);
    let hanging = client.send("GET", "/health", None);
    let stop = async {
        while client.node.control().counts().is_empty() {
            tokio::task::yield_now().await;
        }
        client.node.stop().await;
    };
    let (response, ()) = tokio::join!(hanging, stop);
    let error = response.unwrap_err();
    assert!(!error.is_timeout(), "{error}");
}

#[tokio::test]
async fn lost_response_leaves_the_work_done() {
    let client = Client::new().await;
    client.node.control().fail_times(Route::new("POST", "/indexes/*/documents"), Fault::LoseResponse, 1);
    let lost = client.send("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    assert!(lost.is_err(), "{lost:?}");
    client.wait_idle().await;
    assert_eq!(client.document_count("a").await, 1);
    client.json("POST", "/indexes/a/documents", Some(json!([{ "id": 2 }]))).await;
    client.wait_idle().await;
    assert_eq!(client.document_count("a").await, 2);
}

#[tokio::test]
async fn cut_connection_leaves_the_work_undone() {
    let client = Client::new().await;
    client.node.control().fail(Route::new("POST", "/**"), Fault::Cut);
    let cut = client.send("POST", "/indexes/a/documents", Some(json!([{ "id": 1 }]))).await;
    assert!(cut.is_err(), "{cut:?}");
    assert_eq!(client.json("GET", "/tasks", None).await["total"], 0);
}

#[tokio::test]
async fn truncated_response_ends_within_the_body() {
    let client = Client::new().await;
    client.node.control().fail_times(Route::path("/version"), Fault::TruncateResponse, 1);
    let response = client.http.get(format!("{}/version", client.node.url())).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let body = response.text().await;
    assert!(body.is_err(), "{body:?}");
    assert_eq!(client.json("GET", "/version", None).await["pkgVersion"], "1.50.0");
}

#[tokio::test]
async fn prepared_response_replaces_the_work() {
    let client = Client::new().await;
    let garbage = Fault::Response { status: 200, body: "{\"taskUid\":\"seven".to_owned() };
    client.node.control().fail_times(Route::new("POST", "/indexes"), garbage, 1);
    let refusal = Fault::Response { status: 503, body: "{}".to_owned() };
    client.node.control().fail(Route::new("DELETE", "/indexes/*"), refusal);
    let index = || Some(json!({ "uid": "a" }));
    assert_eq!(
        client.send("POST", "/indexes", index()).await.unwrap(),
        (200, "{\"taskUid\":\"seven".to_owned())
    );
    assert_eq!(client.send("POST", "/indexes", index()).await.unwrap().0, 202);
    assert_eq!(client.send("DELETE", "/indexes/a", None).await.unwrap().0, 503);
    client.node.control().clear_faults();
    assert_eq!(client.send("DELETE", "/indexes/a", None).await.unwrap().0, 202);
}

#[tokio::test]
async fn latency_delays_every_response() {
    let client = Client::new().await;
    client.node.control().set_latency(Duration::from_millis(120));
    let before = tokio::time::Instant::now();
    client.send("GET", "/health", None).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn requests_are_recorded_as_received() {
    let client = Client::new().await;
    client
        .json("POST", "/indexes/a/documents?primaryKey=id&customMetadata=m%3A1", Some(json!([{ "id": 1 }])))
        .await;
    client.send("GET", "/indexes/a/documents/1", None).await.unwrap();
    let requests = client.node.control().requests_to(&Route::new("POST", "/indexes/*/documents"));
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].query, "primaryKey=id&customMetadata=m%3A1");
    assert_eq!(requests[0].body, "[{\"id\":1}]");
    assert_eq!(requests[0].body_size, 10);
    let counts = client.node.control().counts();
    assert_eq!(counts["POST /indexes/{uid}/documents"], 1);
    assert_eq!(counts["GET /indexes/{uid}/documents/{id}"], 1);
    client.node.control().clear_requests();
    assert_eq!(client.node.control().requests(), []);
}

#[tokio::test]
async fn replicated_task_uids_are_used_and_refused_when_repeated() {
    let options = DevNodeOptions { replication_parameters: true, ..DevNodeOptions::default() };
    let node = DevNode::start(options).await.unwrap();
    let http = reqwest::Client::builder().timeout(TIMEOUT).build().unwrap();
    let send = async |uid: &str| {
        let request = http.post(format!("{}/indexes", node.url())).header("TaskId", uid);
        let response = request.json(&json!({ "uid": "a" })).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, summary) = send("7").await;
    assert_eq!((status, &summary["taskUid"]), (202, &json!(7)));
    let (status, refusal) = send("7").await;
    assert_eq!((status, &refusal["code"]), (400, &json!("bad_request")));
    let (_, summary) = send("9").await;
    assert_eq!(summary["taskUid"], 9);
}
