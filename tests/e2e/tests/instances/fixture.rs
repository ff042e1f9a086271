//! Instances in front of three nodes, with their store on one Redis server.

use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_e2e::{Client, Cluster, Miroir, NODE_KIND, nodes_of, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

/// Validity of a lease.
pub const LEASE: Duration = Duration::from_secs(3);

/// Several instances. Fields are dropped in order: instances before the nodes, nodes before the store.
pub struct Together {
    pub instances: Vec<Miroir>,
    pub cluster: Cluster,
    pub server: RedisServer,
}

impl Together {
    /// Starts instances with these names over `server`, and waits until all are ready.
    pub async fn over(server: RedisServer, names: &[&str], configuration: Value) -> Self {
        let lease = u64::try_from(LEASE.as_millis()).unwrap();
        let cluster = Cluster::builder()
            .kind(NODE_KIND)
            .nodes(3)
            .replication_factor(2)
            .redis(&server.url())
            .configuration(json!({
                "instance": { "lease_ms": lease },
                "store": { "redis": { "connect_timeout_ms": 500 } },
            }))
            .configuration(configuration)
            .start_nodes()
            .await
            .unwrap();
        let mut instances = Vec::new();
        for name in names {
            let mut instance = cluster.another(name).await.unwrap();
            instance.start().await.unwrap();
            instances.push(instance);
        }
        let together = Self { instances, cluster, server };
        together.until_all_live(names.len()).await;
        for instance in &together.instances {
            until_all_healthy(instance.client()).await;
        }
        together
    }

    pub async fn start(names: &[&str]) -> Self {
        Self::over(RedisServer::start(), names, json!({})).await
    }

    pub fn client(&self, position: usize) -> Client {
        self.instances[position].client().clone()
    }

    /// Waits until the first responding instance sees `count` instances, one of which leads.
    pub async fn until_all_live(&self, count: usize) {
        let client = self.client(0);
        until("all instances are live, and one leads", || async {
            let instances = instances(&client).await?;
            (instances.len() == count && instances.iter().any(|one| one["leader"] == true)).then_some(())
        })
        .await;
    }

    /// Waits until the instance at `seen_by` sees a leader, and returns the position of the leader.
    pub async fn leader(&self, seen_by: usize) -> usize {
        let client = self.client(seen_by);
        let url = until("one leads", || async {
            let instances = instances(&client).await?;
            Some(instances.iter().find(|one| one["leader"] == true)?["url"].as_str()?.to_owned())
        })
        .await;
        self.instances.iter().position(|one| one.client().base_url() == url).unwrap()
    }
}

/// Waits until all nodes are healthy. A real node takes a moment to execute the task of its marker.
pub async fn until_all_healthy(client: &Client) {
    until("all nodes are healthy", || async {
        let topology = client.get("/_miroir/topology").await.ok()?.expect(200).ok()?;
        nodes_of(&topology).all(|node| node["status"] == "healthy").then_some(())
    })
    .await;
}

async fn instances(client: &Client) -> Option<Vec<Value>> {
    let response = client.get("/_miroir/instances").await.ok()?;
    (response.status == 200).then(|| response.body["results"].as_array().cloned()).flatten()
}

pub async fn get(client: &Client, path: &str) -> Value {
    client.get(path).await.unwrap().expect(200).unwrap()
}

/// Adds one film and waits for the end of its task. Returns the task.
pub async fn add(client: &Client, id: u64) -> Value {
    client.write("POST", "/indexes/films/documents?primaryKey=id", json!([{ "id": id }])).await.unwrap()
}

/// Returns the number of films that a search finds.
pub async fn found(client: &Client) -> u64 {
    let response = client.call("POST", "/indexes/films/search", json!({ "limit": 0 })).await.unwrap();
    response.expect(200).unwrap()["estimatedTotalHits"].as_u64().unwrap()
}

/// Returns the holder and the token of the lease of a role.
pub async fn term(client: &Client, role: &str) -> Option<(String, u64)> {
    let leases = get(client, "/_miroir/leases").await;
    let lease = leases["results"].as_array().unwrap().iter().find(|lease| lease["role"] == role)?.clone();
    Some((lease["holder"].as_str().unwrap().to_owned(), lease["token"].as_u64().unwrap()))
}

/// Returns the configuration of a sink `hook` at `url`.
pub fn hook(url: &str) -> Value {
    json!({ "cdc": { "sinks": [{
        "name": "hook", "kind": "webhook", "url": url, "allow_private": true,
        "secrets": ["whsec_dGhpcyBpcyBubyBzZWNyZXQgYXQgYWxsLCBmb3IgdGVzdHM="],
        "batch_delay_ms": 20, "retry_min_ms": 20, "retry_max_ms": 200, "timeout_ms": 2_000,
    }] } })
}

/// Returns the times of the runs of a canary in milliseconds, oldest first.
pub async fn ran_at(client: &Client, id: &str) -> Vec<i64> {
    let runs = get(client, &format!("/_miroir/canaries/{id}/runs?limit=1000")).await;
    let ran_at = |run: &Value| run["ranAt"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millis();
    let mut times: Vec<i64> = runs["results"].as_array().unwrap().iter().map(ran_at).collect();
    times.sort_unstable();
    times
}

/// Asserts that all runs of a canary are at least an interval apart.
pub fn assert_apart(id: &str, times: &[i64], interval_ms: i64) {
    for pair in times.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(apart >= interval_ms, "{id} ran twice within {apart} ms");
    }
}
