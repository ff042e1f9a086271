//! Films and searches for tests of outages.

use std::collections::BTreeMap;

use miroir_e2e::{Client, Cluster, Node, Response, nodes_of, until};
use serde_json::{Value, json};

/// Number of films at first.
pub const FILMS: u64 = 80;

/// Returns the film of a number.
pub fn film(id: u64) -> Value {
    let genre = ["Drama", "Horror", "Comedy", "Science Fiction"][usize::try_from(id % 4).unwrap()];
    json!({ "id": id, "title": format!("film number {id}"), "year": 1950 + id % 50, "genre": genre })
}

/// Returns the films of numbers.
pub fn films(ids: std::ops::Range<u64>) -> Value {
    ids.map(film).collect()
}

/// Creates the index `films` with its settings and its first films.
pub async fn load(client: &Client) {
    let settings =
        json!({ "filterableAttributes": ["year", "genre"], "sortableAttributes": ["year", "title"] });
    for (method, path, body) in [
        ("POST", "/indexes", json!({ "uid": "films", "primaryKey": "id" })),
        ("PATCH", "/indexes/films/settings", settings),
        ("POST", "/indexes/films/documents", films(0..FILMS)),
    ] {
        let task = client.write(method, path, body).await.unwrap();
        assert_eq!(task["status"], "succeeded", "{task}");
    }
}

/// Returns the reproducible parts of the responses to several searches.
pub async fn searches(client: &Client) -> Vec<Value> {
    let mut responses = Vec::new();
    for query in [
        json!({ "q": "film", "limit": 1_000 }),
        json!({ "q": "", "limit": 0, "facets": ["genre", "year"] }),
        json!({ "q": "", "sort": ["year:desc", "title:asc"], "offset": 20, "limit": 15 }),
        json!({ "q": "number", "filter": "genre = Horror AND year > 1970", "sort": ["title:asc"] }),
        json!({ "q": "", "page": 3, "hitsPerPage": 12, "sort": ["title:desc"], "facets": ["genre"] }),
        json!({ "q": "film number 17", "limit": 5, "showRankingScore": true }),
    ] {
        let response = client.call("POST", "/indexes/films/search", query.clone()).await.unwrap();
        assert_eq!(response.header("x-miroir-degraded"), None, "{query}");
        let mut body = response.expect(200).unwrap();
        for changing in ["processingTimeMs", "requestUid"] {
            body.as_object_mut().unwrap().remove(changing);
        }
        responses.push(body);
    }
    responses
}

/// Sends a write that must be accepted. Returns its response, and its task after its end.
pub async fn accepted(client: &Client, method: &str, path: &str, body: Value) -> (Response, Value) {
    let response = client.call(method, path, body).await.unwrap();
    assert_eq!(response.status, 202, "{}", response.body);
    let task = client.wait_for_task(response.body["taskUid"].as_u64().unwrap()).await.unwrap();
    (response, task)
}

/// Returns the response of a node.
pub async fn on_node(node: &Node, path: &str) -> Value {
    Client::new(node.url(), None).unwrap().get(path).await.unwrap().expect(200).unwrap()
}

/// Returns the uids in a list of a node's indexes, without that of its marker.
pub fn uids(indexes: &Value) -> Vec<&str> {
    let uids = indexes["results"].as_array().unwrap().iter().map(|index| index["uid"].as_str().unwrap());
    uids.filter(|uid| *uid != "_miroir_marker").collect()
}

/// Returns the response of a node, or `None` if it is 404.
pub async fn if_there(node: &Node, path: &str) -> Option<Value> {
    let response = Client::new(node.url(), None).unwrap().call("GET", path, Value::Null).await.unwrap();
    (response.status != 404).then(|| response.expect(200).unwrap())
}

/// Returns every copy of every document of an index on the nodes, by id.
pub async fn copies(cluster: &mut Cluster, index: &str) -> BTreeMap<String, Vec<Value>> {
    let mut copies: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let physical = cluster.client().physical_uid(index).await.unwrap().expect("the index exists");
    for node in cluster.nodes() {
        // A node that was away gets an index later.
        let path = format!("/indexes/{physical}/documents?limit=10000");
        let Some(page) = if_there(node, &path).await else { continue };
        for document in page["results"].as_array().unwrap() {
            copies.entry(document["id"].to_string()).or_default().push(document.clone());
        }
    }
    copies
}

/// Waits until exactly the documents `ids` exist, each with `copies_each` equal copies.
pub async fn until_whole(cluster: &mut Cluster, copies_each: usize, ids: impl Iterator<Item = u64>) {
    let ids: Vec<String> = {
        let mut ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        ids.sort();
        ids
    };
    let deadline = std::time::Duration::from_secs(45);
    let watch = async {
        loop {
            let found = copies(cluster, "films").await;
            let whole =
                |same: &Vec<Value>| same.len() == copies_each && same.iter().all(|one| *one == same[0]);
            if found.keys().eq(ids.iter()) && found.values().all(whole) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(deadline, watch).await.is_err() {
        let counts: BTreeMap<String, usize> =
            copies(cluster, "films").await.into_iter().map(|(id, same)| (id, same.len())).collect();
        panic!("the copies do not become {copies_each} each of {ids:?}; there are {counts:?}");
    }
}

/// Waits until Miroir knows of no stale replica.
pub async fn until_in_sync(client: &Client) {
    until("all replicas are in sync", || async {
        let report = client.get("/_miroir/replicas").await.ok()?.expect(200).ok()?;
        (report["complete"] == true && report["results"].as_array()?.is_empty()).then_some(())
    })
    .await;
}

/// Asserts that a search finds so many films, and is not degraded.
pub async fn finds(client: &Client, films: u64) {
    let found = client.call("POST", "/indexes/films/search", json!({ "limit": 1_000 })).await.unwrap();
    assert_eq!(found.header("x-miroir-degraded"), None);
    assert_eq!(found.expect(200).unwrap()["hits"].as_array().unwrap().len() as u64, films);
}

/// Returns the status of a node according to Miroir.
pub async fn status(client: &Client, node: &str) -> String {
    let topology = client.get("/_miroir/topology").await.unwrap().expect(200).unwrap();
    let node = nodes_of(&topology)
        .find(|known| known["id"] == node)
        .unwrap_or_else(|| panic!("{node} in {topology}"));
    node["status"].as_str().unwrap().to_owned()
}

/// Waits until Miroir reports a status of a node.
pub async fn until_status(client: &Client, node: &str, wanted: &str) {
    until(&format!("{node} is {wanted}"), || async { (status(client, node).await == wanted).then_some(()) })
        .await;
}
