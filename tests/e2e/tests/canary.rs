//! Canaries end to end, with the store on SQLite and on Redis: every route, and a change of one node without
//! Miroir.

use std::time::Duration;

use miroir_e2e::{Client, Cluster, ClusterBuilder, NODE_KIND, Response, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

const CANARIES: &str = "/_miroir/canaries";

fn on_sqlite() -> ClusterBuilder {
    Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2)
}

fn on_redis(server: &RedisServer) -> ClusterBuilder {
    on_sqlite().redis(&server.url())
}

async fn call(client: &Client, method: &str, path: &str, body: Value) -> Response {
    client.call(method, path, body).await.unwrap()
}

async fn get(client: &Client, path: &str) -> Value {
    client.get(path).await.unwrap().expect(200).unwrap()
}

async fn load(client: &Client) {
    let film = |id| json!({ "id": id, "title": format!("samurai {id}"), "overview": "a film" });
    let mut films: Vec<Value> = (0..20).map(film).collect();
    films.push(json!({ "id": 77, "title": "ronin", "overview": "a film" }));
    let task = client.write("POST", "/indexes/films/documents?primaryKey=id", json!(films)).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
}

fn ronin() -> Value {
    json!({
        "id": "ronin", "name": "Ronin comes first", "index": "films", "intervalSeconds": 1,
        "query": { "q": "ronin" }, "assertions": [{ "type": "top_hit_id", "id": 77 }],
    })
}

/// Returns the newest run.
async fn newest(client: &Client, id: &str) -> Option<Value> {
    get(client, &format!("{CANARIES}/{id}/runs?limit=1")).await["results"].get(0).cloned()
}

async fn every_route(cluster: ClusterBuilder) {
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    let made = call(&client, "POST", CANARIES, ronin()).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.body);
    let again = call(&client, "POST", CANARIES, ronin()).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("miroir_canary_exists")));
    let run = call(&client, "POST", "/_miroir/canaries/ronin/run", Value::Null).await.expect(200).unwrap();
    assert_eq!(run["status"], "pass", "{run}");
    let list = get(&client, CANARIES).await;
    assert_eq!((&list["results"][0]["id"], &list["next"]), (&json!("ronin"), &Value::Null));

    // A canary may use an alias, and edits are conditional on the version.
    let alias = json!({ "name": "cinema", "target": "films" });
    call(&client, "POST", "/_miroir/aliases", alias).await.expect(201).unwrap();
    let mut by_alias = ronin();
    by_alias["index"] = json!("cinema");
    let put = |version: &'static str, body: Value| {
        let request = client.request("PUT", "/_miroir/canaries/ronin").unwrap();
        client.send(request.header("If-Match", version).json(&body))
    };
    assert_eq!(put("\"1\"", by_alias.clone()).await.unwrap().status, 200);
    let slower = put("\"1\"", by_alias).await.unwrap();
    assert_eq!((slower.status, &slower.body["code"]), (412, &json!("miroir_canary_version_mismatch")));
    let run = call(&client, "POST", "/_miroir/canaries/ronin/run", Value::Null).await.expect(200).unwrap();
    assert_eq!(run["status"], "pass", "{run}");

    // Drafts of canaries from the searches of clients.
    let capture = json!({ "index": "films", "count": 1 });
    call(&client, "POST", "/_miroir/canaries/capture", capture).await.expect(202).unwrap();
    call(&client, "POST", "/indexes/films/search", json!({ "q": "samurai" })).await.expect(200).unwrap();
    let draft = until("there is a draft", || async {
        let list = get(&client, CANARIES).await;
        list["results"].as_array().unwrap().iter().find(|canary| canary["id"] != "ronin").cloned()
    })
    .await;
    assert_eq!((&draft["enabled"], &draft["query"]["q"]), (&json!(false), &json!("samurai")), "{draft}");

    // Definition and history survive a restart.
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().start().await.unwrap();
    assert_eq!(get(&client, "/_miroir/canaries/ronin").await["version"], 2);
    let status = get(&client, "/_miroir/canaries/status").await;
    assert_eq!(status["results"].as_array().unwrap().len(), 2, "{status}");
    assert!(newest(&client, "ronin").await.is_some());

    assert_eq!(call(&client, "DELETE", "/_miroir/canaries/ronin", Value::Null).await.status, 204);
    let gone = client.get("/_miroir/canaries/ronin").await.unwrap();
    assert_eq!((gone.status, &gone.body["code"]), (404, &json!("miroir_canary_not_found")));
}

#[tokio::test]
async fn every_route_on_sqlite() {
    every_route(on_sqlite()).await;
}

#[tokio::test]
async fn every_route_on_redis() {
    let server = RedisServer::start();
    every_route(on_redis(&server)).await;
}

/// Changes the settings of one node directly, so that the first film is no longer found there.
#[tokio::test]
async fn canary_fails_with_evidence_after_a_direct_change_of_one_node() {
    let mut cluster =
        Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(1).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    call(&client, "POST", CANARIES, ronin()).await.expect(201).unwrap();
    until("a scheduled run passes", || async {
        newest(&client, "ronin").await.filter(|run| run["status"] == "pass")
    })
    .await;
    let mut changed = 0;
    for node in cluster.nodes() {
        let node = Client::new(node.url(), None).unwrap();
        if node.get("/indexes/films/documents/77").await.unwrap().status == 200 {
            let settings = json!({ "searchableAttributes": ["overview"] });
            node.write("PATCH", "/indexes/films/settings", settings).await.unwrap();
            changed += 1;
        }
    }
    assert_eq!(changed, 1);
    // A run in progress may still see the old response; the next one does not.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let failed = until("a run fails", || async {
        newest(&client, "ronin").await.filter(|run| run["status"] == "fail")
    })
    .await;
    let evidence = &failed["failedAssertions"][0];
    assert_eq!(
        (&evidence["assertion"]["type"], &evidence["assertion"]["id"]),
        (&json!("top_hit_id"), &json!("77"))
    );
    println!("the report: {failed}");
    let status = get(&client, "/_miroir/canaries/status").await;
    assert!(status["results"][0]["consecutiveFailures"].as_u64().unwrap() >= 1, "{status}");
}
