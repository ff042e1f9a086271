//! Nodes whose data is gone, of an earlier time, of another node, or of nobody knows whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miroir_e2e::{Client, Cluster, NODE_KIND, nodes_of, until};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{
    FILMS, accepted, film, films, finds, if_there, load, on_node, until_in_sync, until_status, until_whole,
};

const KEY: &str = "a-master-key-of-the-nodes";

async fn three(key: Option<&str>) -> Cluster {
    let builder = Cluster::builder()
        .kind(NODE_KIND)
        .nodes(3)
        .replication_factor(2)
        .configuration(json!({ "cluster": { "write_quorum": 1 } }));
    let builder = match key {
        Some(key) => builder.node_key(key),
        None => builder,
    };
    builder.start().await.unwrap()
}

/// Searches all the time, and checks that each response has all films or says that it has not.
struct Watch {
    stop: Arc<AtomicBool>,
    task: JoinHandle<(usize, usize)>,
}

impl Watch {
    fn start(client: &Client, least: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (client, stopped) = (client.clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let (mut whole, mut marked) = (0, 0);
            while !stopped.load(Ordering::SeqCst) {
                let query = json!({ "q": "film", "limit": 1_000 });
                let response = client.call("POST", "/indexes/films/search", query).await.unwrap();
                if response.header("x-miroir-degraded").is_some() || response.status == 503 {
                    marked += 1;
                    continue;
                }
                let hits = response.expect(200).unwrap()["hits"].as_array().unwrap().len() as u64;
                assert!(hits >= least, "{hits} of {least} films without a word");
                whole += 1;
            }
            (whole, marked)
        });
        Self { stop, task }
    }

    /// Returns the numbers of whole and of marked responses.
    async fn stop(self) -> (usize, usize) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn last_error(client: &Client, node: &str) -> String {
    let topology = client.get("/_miroir/topology").await.unwrap().expect(200).unwrap();
    let node = nodes_of(&topology).find(|known| known["id"] == node).unwrap();
    node["lastError"].as_str().unwrap_or_default().to_owned()
}

async fn incarnation(client: &Client, node: &str) -> Option<String> {
    let topology = client.get("/_miroir/topology").await.ok()?.expect(200).ok()?;
    Some(nodes_of(&topology).find(|known| known["id"] == node)?["incarnation"].as_str()?.to_owned())
}

/// Waits until the second node has other data than `before`, and all replicas are in sync.
async fn until_taken_in(client: &Client, before: Option<&String>) {
    until("node-2 is taken in", || async {
        let now = incarnation(client, "node-2").await;
        (now.is_some() && now.as_ref() != before).then_some(())
    })
    .await;
    until_status(client, "node-2", "healthy").await;
    until_in_sync(client).await;
}

/// A node is emptied while it is down, and starts again at its address.
async fn emptied_node_is_noticed(key: Option<&str>) {
    let mut cluster = three(key).await;
    let client = cluster.client();
    load(&client).await;
    let before = incarnation(&client, "node-2").await;
    let watch = Watch::start(&client, FILMS);
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).wipe().await.unwrap();
    cluster.node(1).restart().await.unwrap();
    // An ordinary write, which would create the index on a node that does not have it.
    accepted(&client, "POST", "/indexes/films/documents", json!([film(FILMS)])).await;
    until_taken_in(&client, before.as_ref()).await;
    let (whole, _) = watch.stop().await;
    assert!(whole > 0);
    if key.is_none() {
        until_whole(&mut cluster, 2, 0..=FILMS).await;
        let settings = on_node(cluster.node(1), "/indexes/films/settings").await;
        assert_eq!(settings["sortableAttributes"], json!(["title", "year"]), "{settings}");
    }
    // It has what it needs: it serves alone with any other.
    cluster.node(0).kill().await.unwrap();
    until_status(&client, "node-1", "failed").await;
    finds(&client, FILMS + 1).await;
}

#[tokio::test]
async fn emptied_node_is_filled_before_it_serves() {
    emptied_node_is_noticed(None).await;
}

#[tokio::test]
async fn emptied_node_with_a_key_is_filled_before_it_serves() {
    emptied_node_is_noticed(Some(KEY)).await;
}

#[tokio::test]
async fn node_that_is_emptied_again_while_it_is_filled_ends_in_sync() {
    let mut cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    let watch = Watch::start(&client, FILMS);
    let mut before = None;
    for pause in [150, 300, 450, 600, 0] {
        before = incarnation(&client, "node-2").await;
        cluster.node(1).kill().await.unwrap();
        cluster.node(1).wipe().await.unwrap();
        cluster.node(1).restart().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
    until_taken_in(&client, before.as_ref()).await;
    watch.stop().await;
    until_whole(&mut cluster, 2, 0..FILMS).await;
}

#[tokio::test]
async fn node_with_data_of_an_earlier_time_is_examined_before_it_serves() {
    let mut cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    until_in_sync(&client).await;
    cluster.node(1).kill().await.unwrap();
    let earlier = cluster.node(1).data().unwrap();
    cluster.node(1).restart().await.unwrap();
    until_status(&client, "node-2", "healthy").await;
    accepted(&client, "POST", "/indexes/films/documents", films(FILMS..FILMS + 40)).await;
    accepted(&client, "POST", "/indexes/films/documents/delete-batch", json!([1, 2, 3])).await;
    accepted(&client, "POST", "/indexes", json!({ "uid": "gone" })).await;
    until_in_sync(&client).await;
    let before = incarnation(&client, "node-2").await;
    let watch = Watch::start(&client, FILMS + 37);
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).restore(earlier).await.unwrap();
    cluster.node(1).restart().await.unwrap();
    until_taken_in(&client, before.as_ref()).await;
    watch.stop().await;
    let ids = (0..FILMS + 40).filter(|id| ![1, 2, 3].contains(id));
    until_whole(&mut cluster, 2, ids).await;
    assert!(if_there(cluster.node(1), "/indexes/gone").await.is_some(), "it gets the newer index");
}

#[tokio::test]
async fn index_that_was_deleted_since_does_not_return_with_earlier_data() {
    let mut cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    let earlier = cluster.node(1).data().unwrap();
    cluster.node(1).restart().await.unwrap();
    until_status(&client, "node-2", "healthy").await;
    until_in_sync(&client).await;
    accepted(&client, "DELETE", "/indexes/films", Value::Null).await;
    let before = incarnation(&client, "node-2").await;
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).restore(earlier).await.unwrap();
    cluster.node(1).restart().await.unwrap();
    until_taken_in(&client, before.as_ref()).await;
    assert_eq!(if_there(cluster.node(1), "/indexes/films").await, None);
    // A new index of the name has none of the old documents.
    accepted(&client, "POST", "/indexes/films/documents?primaryKey=id", films(500..510)).await;
    until_whole(&mut cluster, 2, 500..510).await;
}

#[tokio::test]
async fn nodes_with_exchanged_data_are_refused_until_they_are_exchanged_back() {
    let mut cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    let watch = Watch::start(&client, FILMS);
    let exchange = async |cluster: &mut Cluster| {
        for position in [1, 2] {
            cluster.node(position).kill().await.unwrap();
        }
        let (second, third) = (cluster.node(1).data().unwrap(), cluster.node(2).data().unwrap());
        cluster.node(1).restore(third).await.unwrap();
        cluster.node(2).restore(second).await.unwrap();
        for position in [1, 2] {
            cluster.node(position).restart().await.unwrap();
        }
    };
    exchange(&mut cluster).await;
    for (node, other) in [("node-2", "node-3"), ("node-3", "node-2")] {
        until(&format!("{node} is refused"), || async {
            let expected = format!("it has the data of node `{other}`");
            last_error(&client, node).await.contains(&expected).then_some(())
        })
        .await;
        until_status(&client, node, "failed").await;
    }
    let refused = client.call("POST", "/_miroir/nodes/node-2/adopt", Value::Null).await.unwrap();
    assert_eq!((refused.status, refused.body["code"].as_str()), (409, Some("miroir_node_conflict")));
    exchange(&mut cluster).await;
    for node in ["node-2", "node-3"] {
        until_status(&client, node, "healthy").await;
    }
    until_in_sync(&client).await;
    let (_, marked) = watch.stop().await;
    assert!(marked > 0, "some shards had no node");
    until_whole(&mut cluster, 2, 0..FILMS).await;
}

/// Replaces the data of the second node by documents that no cluster has written.
async fn with_unknown_data() -> (Cluster, Client) {
    let mut cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).wipe().await.unwrap();
    // It gets its documents before Miroir notices it, because Miroir is away.
    cluster.miroir().kill().await.unwrap();
    cluster.node(1).restart().await.unwrap();
    let node = Client::new(cluster.node(1).url(), None).unwrap();
    for index in ["films", "own"] {
        let path = format!("/indexes/{index}/documents?primaryKey=id");
        node.write("POST", &path, json!([{ "id": 9_000, "title": "unknown" }])).await.unwrap();
    }
    cluster.miroir().start_unready().unwrap();
    until("node-2 is refused", || async {
        client.get("/health").await.ok()?;
        last_error(&client, "node-2").await.contains("miroir node adopt node-2").then_some(())
    })
    .await;
    (cluster, client)
}

#[tokio::test]
async fn node_with_unknown_data_is_refused_until_it_is_adopted() {
    let (mut cluster, client) = with_unknown_data().await;
    accepted(&client, "POST", "/indexes/films/documents", json!([film(FILMS)])).await;
    let adopted = client.call("POST", "/_miroir/nodes/node-2/adopt", Value::Null).await.unwrap();
    assert_eq!(adopted.expect(200).unwrap()["id"], "node-2");
    until_status(&client, "node-2", "healthy").await;
    until_in_sync(&client).await;
    // What the others have replaces what it had. An index of its own alone is deleted.
    assert_eq!(if_there(cluster.node(1), "/indexes/own").await, None);
    let unknown = if_there(cluster.node(1), "/indexes/films/documents/9000").await;
    assert_eq!(unknown, None);
    until_whole(&mut cluster, 2, 0..=FILMS).await;
}

#[tokio::test]
async fn node_with_unknown_data_is_refused_until_it_is_reset() {
    let (mut cluster, client) = with_unknown_data().await;
    for (path, status, code) in [
        ("/_miroir/nodes/node-1/reset", 409, "miroir_node_conflict"),
        ("/_miroir/nodes/nobody/reset", 404, "miroir_node_not_found"),
        ("/_miroir/nodes/no%20name/adopt", 404, "miroir_node_not_found"),
    ] {
        let refused = client.call("POST", path, Value::Null).await.unwrap();
        assert_eq!((refused.status, refused.body["code"].as_str()), (status, Some(code)), "{path}");
    }
    let reset = client.call("POST", "/_miroir/nodes/node-2/reset", Value::Null).await.unwrap();
    assert_eq!(reset.expect(200).unwrap()["id"], "node-2");
    until_status(&client, "node-2", "healthy").await;
    until_in_sync(&client).await;
    until_whole(&mut cluster, 2, 0..FILMS).await;
    assert_eq!(if_there(cluster.node(1), "/indexes/own").await, None);
}

/// With one copy, emptied data is lost. That is said until an operator accepts it.
#[tokio::test]
async fn lost_documents_are_named_until_an_operator_accepts_the_loss() {
    let mut cluster =
        Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(1).start().await.unwrap();
    let client = cluster.client();
    load(&client).await;
    let before = incarnation(&client, "node-2").await;
    cluster.node(1).kill().await.unwrap();
    cluster.node(1).wipe().await.unwrap();
    cluster.node(1).restart().await.unwrap();
    until("node-2 is taken in", || async { (incarnation(&client, "node-2").await != before).then_some(()) })
        .await;
    until_status(&client, "node-2", "healthy").await;
    let search = json!({ "q": "film", "limit": 1_000 });
    let degraded = || async {
        let response = client.call("POST", "/indexes/films/search", search.clone()).await.unwrap();
        response.header("x-miroir-degraded").unwrap_or_default().to_owned()
    };
    until("the index is there again", || async {
        let report = client.get("/_miroir/replicas").await.ok()?.expect(200).ok()?;
        (report["results"][0]["wholeIndex"] == false).then_some(())
    })
    .await;
    // It stays so, whatever repair does.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(degraded().await.contains("nodes=node-2"), "{}", degraded().await);
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().start().await.unwrap();
    assert!(degraded().await.contains("nodes=node-2"), "{}", degraded().await);
    let adopted = client.call("POST", "/_miroir/nodes/node-2/adopt", Value::Null).await.unwrap();
    adopted.expect(200).unwrap();
    assert_eq!(degraded().await, "");
    let written = accepted(&client, "POST", "/indexes/films/documents", films(0..FILMS)).await.1;
    assert_eq!(written["status"], "succeeded");
    until_whole(&mut cluster, 1, 0..FILMS).await;
}

#[tokio::test]
async fn clients_do_not_see_the_markers() {
    let cluster = three(None).await;
    let client = cluster.client();
    load(&client).await;
    let name = "_miroir_marker";
    let indexes = client.get("/indexes?limit=1000").await.unwrap().expect(200).unwrap();
    assert_eq!(indexes["total"], 1, "{indexes}");
    let stats = client.get("/stats").await.unwrap().expect(200).unwrap();
    assert_eq!(stats["indexes"].as_object().unwrap().len(), 1, "{stats}");
    for (method, path, body, status, code) in [
        ("GET", format!("/indexes/{name}"), Value::Null, 404, "index_not_found"),
        ("GET", format!("/indexes/{name}/documents/1"), Value::Null, 404, "index_not_found"),
        ("POST", format!("/indexes/{name}/search"), json!({}), 404, "index_not_found"),
        ("POST", "/indexes".to_owned(), json!({ "uid": name }), 400, "invalid_index_uid"),
        ("POST", format!("/indexes/{name}/documents"), json!([{ "id": 1 }]), 400, "invalid_index_uid"),
        (
            "PATCH",
            format!("/indexes/{name}/settings"),
            json!({ "stopWords": ["a"] }),
            400,
            "invalid_index_uid",
        ),
    ] {
        let response = client.call(method, &path, body).await.unwrap();
        assert_eq!(
            (response.status, response.body["code"].as_str()),
            (status, Some(code)),
            "{method} {path}"
        );
    }
    let deletion = client.write("DELETE", &format!("/indexes/{name}"), Value::Null).await.unwrap();
    assert_eq!(deletion["error"]["code"], "index_not_found");
}
