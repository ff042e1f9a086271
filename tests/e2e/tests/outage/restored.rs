//! A store that does not have the newest writes of the nodes: restored from a backup, failed over with loss,
//! or rebuilt.

use std::path::{Path, PathBuf};

use miroir_e2e::{Client, Cluster, NODE_KIND, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

use crate::fixture::{
    FILMS, accepted, copies, films, finds, if_there, load, on_node, uids, until_in_sync, until_status,
};

/// The uids that are left out at the begin of an epoch.
const MARGIN: u64 = 1_000;

fn feed() -> Value {
    json!({ "cdc": { "sinks": [{ "name": "feed", "kind": "internal" }] } })
}

async fn start() -> Cluster {
    let builder = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2);
    builder.configuration(feed()).start().await.unwrap()
}

fn store_of(cluster: &mut Cluster) -> PathBuf {
    let configuration = cluster.miroir().configuration().unwrap();
    PathBuf::from(configuration["store"]["path"].as_str().unwrap())
}

/// Replaces a store by a copy of it, or deletes it.
fn replace_store(path: &Path, copy: Option<&Path>) {
    for suffix in ["-wal", "-shm"] {
        // A store that was closed has none.
        drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
    }
    match copy {
        Some(copy) => drop(std::fs::copy(copy, path).unwrap()),
        None => std::fs::remove_file(path).unwrap(),
    }
}

async fn changes(client: &Client, since: &str) -> miroir_e2e::Response {
    client.get(&format!("/_miroir/changes?index=films&wait=0&limit=1000&since={since}")).await.unwrap()
}

/// Reads until the answer is whole and unmarked. Every unmarked answer on the way must be whole.
async fn until_found(client: &Client, count: u64) {
    until("the replicas are compared", || async {
        let search = client.call("POST", "/indexes/films/search", json!({ "limit": 0 })).await.ok()?;
        assert_eq!(search.status, 200, "{}", search.body);
        if search.header("x-miroir-degraded").is_some() {
            assert_eq!(search.body["degraded"].as_str(), search.header("x-miroir-degraded"));
            return None;
        }
        assert_eq!(search.body["estimatedTotalHits"], count);
        assert_eq!(search.body.get("degraded"), None);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn restored_store_is_brought_up_to_the_nodes() {
    let mut cluster = start().await;
    let client = cluster.client();
    load(&client).await;
    accepted(&client, "POST", "/indexes", json!({ "uid": "doomed" })).await;
    cluster.miroir().terminate().await.unwrap();
    let store = store_of(&mut cluster);
    let backup = store.with_extension("backup");
    std::fs::copy(&store, &backup).unwrap();
    cluster.miroir().start().await.unwrap();
    // The backup knows nothing of these.
    accepted(&client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 40)).await;
    accepted(&client, "POST", "/indexes/films/documents/delete-batch", json!([0, 1, 2])).await;
    accepted(
        &client,
        "POST",
        "/indexes/books/documents?primaryKey=isbn",
        json!([{ "isbn": "a" }, { "isbn": "b" }]),
    )
    .await;
    let (_, last) = accepted(&client, "DELETE", "/indexes/doomed", Value::Null).await;
    let told = changes(&client, "0").await.expect(200).unwrap();
    let position = format!("{}:{}", told["epoch"], told["last"]);
    cluster.miroir().terminate().await.unwrap();
    replace_store(&store, Some(&backup));
    cluster.miroir().start().await.unwrap();
    until_found(&client, FILMS + 37).await;
    until_in_sync(&client).await;
    let books = client.get("/indexes/books").await.unwrap().expect(200).unwrap();
    assert_eq!(books["primaryKey"], "isbn");
    let found = client.call("POST", "/indexes/books/search", json!({})).await.unwrap().expect(200).unwrap();
    assert_eq!(found["hits"].as_array().unwrap().len(), 2);
    assert_eq!(client.get("/indexes/doomed").await.unwrap().status, 404);
    // Positions of the former life are refused, and no event has an id of it.
    let refused = changes(&client, &position).await;
    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("miroir_invalid_change_position")));
    let (_, task) = accepted(&client, "POST", "/indexes/films/documents", films(0..1)).await;
    assert!(task["uid"].as_u64().unwrap() > last["uid"].as_u64().unwrap(), "{task} after {last}");
    let next = changes(&client, "0").await.expect(200).unwrap();
    assert!(next["epoch"].as_u64() > told["epoch"].as_u64(), "{next}");
    let ids: Vec<&Value> = told["results"].as_array().unwrap().iter().map(|event| &event["id"]).collect();
    let newest = next["results"].as_array().unwrap().last().unwrap();
    assert!(!ids.contains(&&newest["id"]), "{newest}");
    finds(&client, FILMS + 38).await;
    // The next start finds nothing to compare.
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().start().await.unwrap();
    until_in_sync(&client).await;
    assert_eq!(changes(&client, "0").await.body["epoch"], next["epoch"]);
}

/// The replicas of a shard differ, and nothing says which one is right.
#[tokio::test]
async fn differing_replicas_of_a_restored_store_stay_marked_until_an_operator_decides() {
    let builder = Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(2);
    let quorum = json!({ "cluster": { "write_quorum": 1 } });
    let mut cluster = builder.configuration(quorum).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    cluster.miroir().terminate().await.unwrap();
    let store = store_of(&mut cluster);
    let backup = store.with_extension("backup");
    std::fs::copy(&store, &backup).unwrap();
    cluster.miroir().start().await.unwrap();
    cluster.node(1).kill().await.unwrap();
    accepted(&client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 1)).await;
    cluster.miroir().terminate().await.unwrap();
    replace_store(&store, Some(&backup));
    cluster.node(1).restart().await.unwrap();
    cluster.miroir().start().await.unwrap();
    let differing = until("one shard is left", || async {
        let report = client.get("/_miroir/replicas").await.ok()?.expect(200).ok()?;
        let rows = report["results"].as_array()?;
        let shards = |row: &Value| row["shards"].as_array().map_or(0, Vec::len);
        (rows.len() == 2 && rows.iter().all(|row| shards(row) == 1)).then(|| rows[0]["shards"].clone())
    })
    .await;
    let search = client.call("POST", "/indexes/films/search", json!({ "limit": 0 })).await.unwrap();
    let marked = search.header("x-miroir-degraded").unwrap();
    assert!(marked.contains(&format!("shards={}", differing[0])), "{marked}, {differing}");
    // The operator knows that the first node was up.
    client.call("POST", "/_miroir/nodes/node-1/adopt", Value::Null).await.unwrap().expect(200).unwrap();
    until_in_sync(&client).await;
    finds(&client, FILMS + 1).await;
    assert!(copies(&mut cluster, "films").await.values().all(|same| same.len() == 2));
}

#[tokio::test]
async fn lost_store_is_rebuilt_from_the_nodes() {
    let mut cluster = start().await;
    let client = cluster.client();
    load(&client).await;
    let settings = client.get("/indexes/films/settings").await.unwrap().expect(200).unwrap();
    let (_, newest) = accepted(
        &client,
        "POST",
        "/indexes/books/documents?primaryKey=isbn",
        json!([{ "isbn": "a" }, { "isbn": "b" }]),
    )
    .await;
    let refused = format!("{:#}", cluster.miroir().run(&["store", "rebuild"]).await.unwrap_err());
    assert!(refused.contains("another Miroir uses it"), "{refused}");
    cluster.miroir().terminate().await.unwrap();
    let refused = format!("{:#}", cluster.miroir().run(&["store", "rebuild"]).await.unwrap_err());
    assert!(refused.contains("there is nothing to rebuild"), "{refused}");
    let path = store_of(&mut cluster);
    replace_store(&path, None);
    let refused = format!("{:#}", cluster.miroir().start().await.unwrap_err());
    assert!(refused.contains("it was emptied or exchanged"), "{refused}");
    cluster.node(2).kill().await.unwrap();
    let refused = format!("{:#}", cluster.miroir().run(&["store", "rebuild"]).await.unwrap_err());
    assert!(refused.contains("every node must respond") && refused.contains("node-3"), "{refused}");
    cluster.node(2).restart().await.unwrap();
    let looked = cluster.miroir().run(&["store", "rebuild", "--dry-run"]).await.unwrap();
    assert!(looked.contains("books, films") && looked.contains("Nothing was changed."), "{looked}");
    let rebuilt = cluster.miroir().run(&["store", "rebuild"]).await.unwrap();
    assert!(rebuilt.contains("books, films") && rebuilt.contains("in epoch"), "{rebuilt}");
    cluster.miroir().start().await.unwrap();
    until_found(&client, FILMS).await;
    until_in_sync(&client).await;
    assert_eq!(client.get("/indexes/films/settings").await.unwrap().body, settings);
    assert_eq!(client.get("/indexes/books").await.unwrap().body["primaryKey"], "isbn");
    let (_, task) = accepted(&client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 5)).await;
    assert!(
        task["uid"].as_u64().unwrap() >= newest["uid"].as_u64().unwrap() + MARGIN,
        "{task} after {newest}"
    );
    finds(&client, FILMS + 5).await;
}

/// A node has an index that was deleted and made anew while it was away, and one that somebody put there.
#[tokio::test]
async fn rebuilt_store_has_the_newest_index_of_each_name_and_no_other() {
    let builder = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2);
    let one_is_enough = json!({ "cluster": { "write_quorum": 1 } });
    let mut cluster = builder.configuration(one_is_enough).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    accepted(&client, "POST", "/indexes/logs--2024/documents?primaryKey=id", films(0..3)).await;
    cluster.node(2).kill().await.unwrap();
    until_status(&client, "node-3", "failed").await;
    accepted(&client, "DELETE", "/indexes/films", Value::Null).await;
    accepted(&client, "POST", "/indexes/films/documents?primaryKey=id", films(500..510)).await;
    let physical = client.physical_uid("films").await.unwrap().unwrap();
    cluster.miroir().kill().await.unwrap();
    cluster.node(2).restart().await.unwrap();
    for position in 0..3 {
        let node = Client::new(cluster.node(position).url(), None).unwrap();
        node.write("POST", "/indexes/own/documents?primaryKey=id", films(0..2)).await.unwrap();
    }
    let path = store_of(&mut cluster);
    replace_store(&path, None);
    let rebuilt = cluster.miroir().run(&["store", "rebuild"]).await.unwrap();
    assert!(rebuilt.contains("films, logs--2024") && !rebuilt.contains("own"), "{rebuilt}");
    cluster.miroir().start().await.unwrap();
    assert_eq!(client.physical_uid("films").await.unwrap().as_ref(), Some(&physical));
    until_found(&client, 10).await;
    let node = &*cluster.node(2);
    until("the node has lost the deleted index", || async {
        if_there(node, "/indexes/films").await.is_none().then_some(())
    })
    .await;
    for position in 0..3 {
        assert!(
            if_there(cluster.node(position), "/indexes/own/documents/1").await.is_some(),
            "it is no concern of Miroir"
        );
    }
    let logs = client.get("/indexes/logs--2024/documents").await.unwrap().expect(200).unwrap();
    assert_eq!(logs["total"], 3);
}

/// The topology of the configuration is not that with which the documents were stored.
#[tokio::test]
async fn store_is_not_rebuilt_with_another_topology() {
    let mut cluster = start().await;
    load(&cluster.client()).await;
    cluster.miroir().terminate().await.unwrap();
    replace_store(&store_of(&mut cluster), None);
    cluster.miroir().configure(json!({ "cluster": { "replication_factor": 1 } })).unwrap();
    let refused = format!("{:#}", cluster.miroir().run(&["store", "rebuild"]).await.unwrap_err());
    assert!(refused.contains("which the configured topology keeps elsewhere"), "{refused}");
    cluster.miroir().configure(json!({ "cluster": { "replication_factor": 2 } })).unwrap();
    cluster.miroir().run(&["store", "rebuild"]).await.unwrap();
    cluster.miroir().start().await.unwrap();
    until_found(&cluster.client(), FILMS).await;
}

/// As after a failover to a replica that had not received everything: Miroir is running.
#[tokio::test]
async fn redis_that_loses_its_last_changes_is_noticed_with_the_next_write() {
    let server = RedisServer::start();
    let builder = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2).redis(&server.url());
    let mut cluster = builder.configuration(feed()).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    // A copy of everything, as a replica has it that falls behind from here on.
    let copy = "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1) end";
    server.say(&["EVAL", copy, "0"]);
    let (_, lost) = accepted(&client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 7)).await;
    let before = changes(&client, "0").await.expect(200).unwrap();
    server.say(&["SWAPDB", "0", "1"]);
    let task = until("a write is accepted again", || async {
        let response =
            client.call("POST", "/indexes/films/documents", films(FILMS + 7..FILMS + 9)).await.ok()?;
        (response.status == 202).then(|| response.body["taskUid"].as_u64().unwrap())
    })
    .await;
    assert!(task > lost["uid"].as_u64().unwrap(), "{task} after {lost}");
    assert_eq!(client.wait_for_task(task).await.unwrap()["status"], "succeeded");
    until_found(&client, FILMS + 9).await;
    until_in_sync(&client).await;
    let after = changes(&client, "0").await.expect(200).unwrap();
    assert!(after["epoch"].as_u64() > before["epoch"].as_u64(), "{after}");
    assert_eq!(uids(&on_node(cluster.node(0), "/indexes").await), ["films"]);
}
