//! A whole server with simulated nodes, and traffic for every metric.

use std::collections::BTreeMap;
use std::time::Duration;

use miroir::config::Config;
use miroir::server::{self, RunningServer};
use miroir_devnode::{DevNode, DevNodeOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::exposition::{self, Family};

/// The admin key.
pub const ADMIN_KEY: &str = "the-admin-key-of-this-test";
/// The prefix of all names that clients choose.
pub const OF_A_CLIENT: &str = "clients-";
/// The longest wait for an event that must occur.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The server and its nodes.
pub struct Run {
    pub server: RunningServer,
    nodes: Vec<DevNode>,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Run {
    /// Starts a server that has got no requests.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        for _ in 0..2 {
            nodes.push(DevNode::start(DevNodeOptions::default()).await.unwrap());
        }
        let list: Vec<Value> = (1..)
            .zip(&nodes)
            .map(|(number, node)| json!({ "id": format!("node-{number}"), "url": node.url() }))
            .collect();
        let config: Config = serde_json::from_value(json!({
            "server": { "address": "127.0.0.1:0" },
            "auth": { "admin_key": ADMIN_KEY },
            "metrics": { "address": "127.0.0.1:0" },
            "cluster": { "replication_factor": 2, "write_quorum": 1, "shard_count": 8 },
            "nodes": list,
            "store": { "path": folder.path().join("miroir.db") },
            "health": { "probe_interval_ms": 50, "probe_timeout_ms": 500 },
            "cdc": { "sinks": [
                { "name": "feed", "kind": "internal" },
                // No server listens on that port.
                { "name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/", "allow_private": true, "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "retry_min_ms": 20 },
            ] },
        }))
        .unwrap();
        let server = server::start(config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().unwrap();
        Self { server, nodes, client, _folder: folder }
    }

    /// Starts a server, sends requests of every counted kind, and stops a node.
    pub async fn used() -> Self {
        let run = Self::start().await;
        let name = |rest: &str| format!("{OF_A_CLIENT}{rest}");
        let (films, names) = (name("films"), name("alias"));
        let documents = json!([{ "id": 1, "title": name("title") }, { "id": 2, "title": "b" }]);
        for index in [&films, &name("series")] {
            let accepted =
                run.request("POST", &format!("/indexes/{index}/documents"), Some(&documents)).await;
            assert_eq!(accepted.0, 202, "{}", accepted.1);
            let task = format!("/tasks/{}", accepted.1["taskUid"]);
            run.until(async || run.request("GET", &task, None).await.1["status"] == "succeeded").await;
        }
        let search = json!({ "q": name("query") });
        let found = run.request("POST", &format!("/indexes/{films}/search"), Some(&search)).await;
        assert_eq!(found.0, 200, "{}", found.1);
        let alias = json!({ "name": names, "target": films });
        assert_eq!(run.request("POST", "/_miroir/aliases", Some(&alias)).await.0, 201);
        let flip = json!({ "target": name("series") });
        let flipped = run.request("PUT", &format!("/_miroir/aliases/{names}"), Some(&flip)).await;
        assert_eq!(flipped.0, 200, "{}", flipped.1);
        let canary = json!({
            "id": name("canary"), "name": name("canary"), "index": films, "intervalSeconds": 3_600,
            "query": { "q": name("query") },
        });
        assert_eq!(run.request("POST", "/_miroir/canaries", Some(&canary)).await.0, 201);
        assert_eq!(
            run.request("POST", &format!("/_miroir/canaries/{canary}/run", canary = name("canary")), None)
                .await
                .0,
            200
        );
        assert_eq!(run.request("GET", &format!("/{}", name("path")), None).await.0, 404);
        assert_eq!(run.request("GET", &format!("/indexes/{}", name("nowhere")), None).await.0, 404);
        run.nodes[1].stop().await;
        run.until(async || run.value("miroir_node_up", &[("node", "node-2")]).await == Some(0.0)).await;
        run.until(async || {
            run.value("miroir_cdc_delivery_failures_total", &[("sink", "hook")]).await > Some(0.0)
        })
        .await;
        run
    }

    /// Sends a request with the admin key. Returns the status and the JSON body.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("http://{}{path}", self.server.address);
        let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(ADMIN_KEY);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    /// Sends a GET without a key. Returns status, media type and text.
    pub async fn get(&self, url: &str) -> (u16, String, String) {
        let response = self.client.get(url).send().await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.unwrap_or_default(), response.text().await.unwrap())
    }

    /// Returns the text of a scrape.
    pub async fn scrape(&self) -> String {
        let url = format!("http://{}/metrics", self.server.metrics_address.unwrap());
        let (status, _, text) = self.get(&url).await;
        assert_eq!(status, 200, "{text}");
        text
    }

    pub async fn families(&self) -> BTreeMap<String, Family> {
        exposition::parse(&self.scrape().await)
    }

    /// Returns the value of the series with these labels, if it exists.
    pub async fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let families = self.families().await;
        let has = |of: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| of.get(*label).is_some_and(|text| text == value))
        };
        families.get(name)?.series.iter().find(|(_, of, _)| has(of)).map(|(_, _, value)| *value)
    }

    async fn until(&self, done: impl AsyncFn() -> bool) {
        let waiting = async {
            while !done().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, waiting).await.expect("the condition becomes true");
    }

    pub async fn stop(self) {
        for node in &self.nodes {
            node.stop().await;
        }
        self.server.stop(TIMEOUT).await.unwrap();
    }
}
