//! Aliases end to end, with the store on SQLite and on Redis: every route, and flips under searching clients.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use miroir_e2e::{Client, Cluster, ClusterBuilder, NODE_KIND, Response};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

/// Number of flips, unless `MIROIR_FLIPS` sets another. With 32 clients a flip takes most of a second on two
/// cores.
const FLIPS: u64 = 50;
const CLIENTS: usize = 32;
const DOCUMENTS: u64 = 20;

fn on_sqlite() -> ClusterBuilder {
    Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2)
}

fn on_redis(server: &RedisServer) -> ClusterBuilder {
    on_sqlite().redis(&server.url())
}

/// Adds documents that name their index.
async fn load(client: &Client, index: &str) {
    let documents: Value =
        (0..DOCUMENTS).map(|id| json!({ "id": id, "title": "film", "home": index })).collect();
    let path = format!("/indexes/{index}/documents?primaryKey=id");
    let task = client.write("POST", &path, documents).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
}

async fn call(client: &Client, method: &str, path: &str, body: Value) -> Response {
    client.call(method, path, body).await.unwrap()
}

/// Returns the indexes named by the hits of a search, which must find every document.
async fn homes(client: &Client, name: &str) -> BTreeSet<String> {
    let search = json!({ "q": "film", "limit": 100 });
    let body = call(client, "POST", &format!("/indexes/{name}/search"), search).await.expect(200).unwrap();
    let hits = body["hits"].as_array().unwrap();
    assert_eq!(hits.len() as u64, DOCUMENTS, "{body}");
    hits.iter().map(|hit| hit["home"].as_str().unwrap().to_owned()).collect()
}

async fn every_route(cluster: ClusterBuilder) {
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client, "v1").await;
    load(&client, "v2").await;

    let created = call(&client, "POST", "/_miroir/aliases", json!({ "name": "films", "target": "v1" })).await;
    assert_eq!((created.status, created.header("etag")), (201, Some("\"1\"")), "{}", created.body);
    let again = call(&client, "POST", "/_miroir/aliases", json!({ "name": "films", "target": "v1" })).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("miroir_alias_conflict")));
    let other = json!({ "name": "old", "target": "v2" });
    call(&client, "POST", "/_miroir/aliases", other).await.expect(201).unwrap();

    // Aliases are accepted in place of index uids.
    assert_eq!(homes(&client, "films").await, ["v1".to_owned()].into());
    let one = client.get("/indexes/films/documents/3").await.unwrap().expect(200).unwrap();
    assert_eq!(one["home"], "v1");
    let several =
        json!({ "queries": [{ "indexUid": "films", "q": "film" }, { "indexUid": "old", "limit": 1 }] });
    let several = call(&client, "POST", "/multi-search", several).await.expect(200).unwrap();
    assert_eq!(several["results"][0]["hits"][0]["home"], "v1", "{several}");
    assert_eq!(several["results"][1]["hits"][0]["home"], "v2", "{several}");
    let task =
        client.write("POST", "/indexes/films/documents", json!([{ "id": 3, "title": "film", "home": "v1" }]));
    assert_eq!(task.await.unwrap()["indexUid"], "v1");
    let tasks = client.get("/tasks?indexUids=films").await.unwrap().expect(200).unwrap();
    assert_eq!(tasks["total"], 2, "{tasks}");

    let stats = client.get("/indexes/films/stats").await.unwrap().expect(200).unwrap();
    assert_eq!(stats["numberOfDocuments"], DOCUMENTS, "{stats}");
    let fields = json!({ "home": DOCUMENTS, "id": DOCUMENTS, "title": DOCUMENTS });
    assert_eq!(stats["fieldDistribution"], fields);
    let all = client.get("/stats").await.unwrap().expect(200).unwrap();
    assert_eq!(all["indexes"]["v1"], stats, "{all}");

    // Flips are conditional on the version.
    let request = client.request("PUT", "/_miroir/aliases/films").unwrap();
    let stale =
        client.send(request.header("If-Match", "\"7\"").json(&json!({ "target": "v2" }))).await.unwrap();
    assert_eq!((stale.status, &stale.body["code"]), (412, &json!("miroir_alias_version_mismatch")));
    let request = client.request("PUT", "/_miroir/aliases/films").unwrap();
    let flipped =
        client.send(request.header("If-Match", "\"1\"").json(&json!({ "target": "v2" }))).await.unwrap();
    assert_eq!((flipped.status, flipped.header("etag")), (200, Some("\"2\"")), "{}", flipped.body);
    assert_eq!(homes(&client, "films").await, ["v2".to_owned()].into());

    let swapped = call(&client, "PUT", "/_miroir/aliases/old", json!({ "target": "v1" })).await;
    swapped.expect(200).unwrap();
    let swap = json!({ "aliases": ["films", "old"] });
    call(&client, "POST", "/_miroir/aliases/_swap", swap).await.expect(200).unwrap();
    assert_eq!(homes(&client, "films").await, ["v1".to_owned()].into());

    // Aliases survive a restart.
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().start().await.unwrap();
    assert_eq!(homes(&client, "films").await, ["v1".to_owned()].into());
    let shown = client.get("/_miroir/aliases/films").await.unwrap().expect(200).unwrap();
    assert_eq!((&shown["target"], &shown["version"]), (&json!("v1"), &json!(3)));
    assert_eq!(shown["history"][0]["target"], "v2");
    let list = client.get("/_miroir/aliases?limit=1").await.unwrap().expect(200).unwrap();
    assert_eq!((&list["results"][0]["name"], &list["next"]), (&json!("films"), &json!("films")));
    let list = client.get("/_miroir/aliases?limit=1&after=films").await.unwrap().expect(200).unwrap();
    assert_eq!((&list["results"][0]["name"], &list["next"]), (&json!("old"), &Value::Null));

    // An index with an alias cannot be deleted; an alias can.
    let refused = call(&client, "DELETE", "/indexes/v1", Value::Null).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("miroir_alias_conflict")));
    assert_eq!(call(&client, "DELETE", "/_miroir/aliases/films", Value::Null).await.status, 204);
    let gone = client.get("/_miroir/aliases/films").await.unwrap();
    assert_eq!((gone.status, &gone.body["code"]), (404, &json!("miroir_alias_not_found")));
    let search = call(&client, "POST", "/indexes/films/search", json!({})).await;
    assert_eq!((search.status, &search.body["code"]), (404, &json!("index_not_found")));
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

/// Searches until `over` is set, and returns the number of searches. A search that begins after the
/// acknowledgement of flip `n` must find only the target of `n` or of one later flip.
async fn search_on(client: Client, acknowledged: Arc<AtomicU64>, over: Arc<AtomicBool>) -> u64 {
    let mut searches = 0;
    while !over.load(Ordering::SeqCst) {
        let before = acknowledged.load(Ordering::SeqCst);
        let found = homes(&client, "films").await;
        let begun_at_most = acknowledged.load(Ordering::SeqCst) + 1;
        assert_eq!(found.len(), 1, "hits of several indexes: {found:?}");
        // With at most one flip in progress, the parity tells which targets are possible.
        if begun_at_most == before + 1 {
            let possible = [target(before), target(before + 1)];
            assert!(possible.iter().any(|target| found.contains(*target)), "{found:?} after flip {before}");
        }
        searches += 1;
    }
    searches
}

/// Returns the target after `flips` flips.
fn target(flips: u64) -> &'static str {
    if flips.is_multiple_of(2) { "v1" } else { "v2" }
}

fn flips() -> u64 {
    std::env::var("MIROIR_FLIPS").map_or(FLIPS, |text| text.parse().expect("MIROIR_FLIPS is a number"))
}

async fn flips_under_load(cluster: ClusterBuilder) {
    let flips = flips();
    let cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    load(&client, "v1").await;
    load(&client, "v2").await;
    let created = json!({ "name": "films", "target": "v1" });
    call(&client, "POST", "/_miroir/aliases", created).await.expect(201).unwrap();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(search_on(client.clone(), Arc::clone(&acknowledged), Arc::clone(&over))))
        .collect();
    for flip in 1..=flips {
        let body = json!({ "target": target(flip) });
        let response = call(&client, "PUT", "/_miroir/aliases/films", body).await.expect(200).unwrap();
        assert_eq!(response["version"], flip + 1);
        acknowledged.store(flip, Ordering::SeqCst);
        // This search begins after the acknowledgement, with no other flip in progress.
        assert_eq!(homes(&client, "films").await, [target(flip).to_owned()].into(), "after flip {flip}");
    }
    over.store(true, Ordering::SeqCst);
    let mut searches = flips;
    for client in clients {
        searches += client.await.unwrap();
    }
    println!(
        "{flips} flips, {searches} searches by {CLIENTS} clients and the one that flips, without a failure"
    );
    assert!(searches > flips);
}

#[tokio::test]
async fn flips_under_load_on_sqlite() {
    flips_under_load(on_sqlite()).await;
}

#[tokio::test]
async fn flips_under_load_on_redis() {
    let server = RedisServer::start();
    flips_under_load(on_redis(&server)).await;
}
