//! Change data capture end to end, with the store on SQLite and on Redis: every route, consumers and servers
//! that are killed while clients write, and a receiver with a long outage.

mod feed;
mod outage;
mod queue;
mod routes;
mod storm;

use miroir_e2e::{Client, Cluster, ClusterBuilder, NODE_KIND};
use serde_json::{Value, json};

/// A secret of webhooks for tests.
const SECRET: &str = "whsec_dGhpcyBpcyBubyBzZWNyZXQgYXQgYWxsLCBmb3IgdGVzdHM=";

fn cluster(sinks: &Value) -> ClusterBuilder {
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(3).replication_factor(2);
    cluster.configuration(json!({ "cdc": { "sinks": sinks } }))
}

/// Returns a webhook sink `hook` with a short back-off.
fn webhook(url: &str) -> Value {
    json!({
        "name": "hook", "kind": "webhook", "url": url, "secrets": [SECRET], "allow_private": true, "canaries": true,
        "batch_delay_ms": 20, "retry_min_ms": 20, "retry_max_ms": 200, "timeout_ms": 2_000,
    })
}

async fn get(client: &Client, path: &str) -> Value {
    client.get(path).await.unwrap().expect(200).unwrap()
}

async fn sink(client: &Client, name: &str) -> Value {
    let list = get(client, "/_miroir/cdc/sinks").await;
    let sinks = list["results"].as_array().unwrap();
    sinks.iter().find(|sink| sink["name"] == name).unwrap_or_else(|| panic!("no {name} in {list}")).clone()
}

/// Writes one film and waits for the success of its task.
async fn write(client: &Client, id: usize) {
    let task =
        client.write("POST", "/indexes/films/documents?primaryKey=id", json!([{ "id": id }])).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
}
