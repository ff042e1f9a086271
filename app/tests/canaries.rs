//! Canaries of a whole server: the configuration, the routes, and restarts.

use miroir::config::{CanaryDefinition, Config};
use miroir::server::{self, RunningServer};
use serde_json::{Value, json};

fn config(folder: &tempfile::TempDir, canaries: &[Value]) -> Config {
    let mut config = Config::default();
    config.server.address.set_port(0);
    config.store.path = folder.path().join("miroir.db");
    let read = |canary: &Value| CanaryDefinition::try_from(canary.clone()).unwrap();
    config.canary.definitions = canaries.iter().map(read).collect();
    config
}

fn canary(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "index": "films", "intervalSeconds": 3_600, "query": { "q": "x" } })
}

/// Sends a request to the server. Returns the status, the `ETag` and the body.
async fn send(server: &RunningServer, method: &str, path: &str, body: Option<Value>) -> (u16, String, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/_miroir/canaries{path}", server.address);
    let request = client.request(method.parse().unwrap(), url);
    let request = body.map_or(request.try_clone().unwrap(), |body| request.json(&body));
    let response = request.send().await.unwrap();
    let tag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, tag.unwrap_or_default(), serde_json::from_str(&text).unwrap_or_default())
}

async fn stop(server: RunningServer) {
    server.stop(std::time::Duration::from_secs(20)).await.unwrap();
}

#[tokio::test]
async fn configured_canaries_exist_while_the_configuration_lists_them() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        server::start(config(&folder, &[canary("top", "first"), canary("gone", "n")])).await.unwrap();
    let (status, tag, body) = send(&server, "GET", "/config:top", None).await;
    assert_eq!((status, tag.as_str(), &body["configured"]), (200, "\"1\"", &json!(true)), "{body}");
    let mut changed = canary("top", "mine");
    changed.as_object_mut().unwrap().remove("id");
    for (method, body) in [("PUT", Some(changed.clone())), ("DELETE", None)] {
        let (status, _, body) = send(&server, method, "/config:top", body).await;
        assert_eq!((status, &body["code"]), (409, &json!("miroir_canary_configured")), "{method}");
    }
    // A client can create another canary with the same name.
    assert_eq!(send(&server, "PUT", "/top", Some(changed)).await.0, 201);
    // Without nodes and indexes, the search fails, and the run has the reason.
    let (status, _, run) = send(&server, "POST", "/config:top/run", None).await;
    assert_eq!((status, &run["status"]), (200, &json!("error")));
    assert_eq!(run["failedAssertions"][0]["error"]["code"], "index_not_found");
    stop(server).await;

    let server = server::start(config(&folder, &[canary("top", "second")])).await.unwrap();
    let (_, tag, body) = send(&server, "GET", "/config:top", None).await;
    assert_eq!((tag.as_str(), &body["name"]), ("\"2\"", &json!("second")));
    let (_, _, runs) = send(&server, "GET", "/config:top/runs", None).await;
    assert!(!runs["results"].as_array().unwrap().is_empty(), "runs outlive a restart and a change");
    assert_eq!(send(&server, "GET", "/config:gone", None).await.0, 404);
    assert_eq!(send(&server, "GET", "/top", None).await.2["name"], "mine");
    stop(server).await;
}

#[tokio::test]
async fn canaries_do_not_run_on_schedule_if_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder, &[canary("top", "n")]);
    config.canary.enabled = false;
    let server = server::start(config).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(send(&server, "GET", "/status", None).await.2["totals"]["runs"], 0);
    assert_eq!(send(&server, "POST", "/config:top/run", None).await.0, 200);
    assert_eq!(send(&server, "GET", "/status", None).await.2["totals"]["runs"], 1);
    stop(server).await;
}
