//! A node of a test and its client.

use std::time::Duration;

use miroir_devnode::{DevNode, DevNodeOptions};
use serde_json::Value;

/// A timeout for any response on a busy machine. A test that reaches it fails.
pub const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Client {
    pub node: DevNode,
    pub http: reqwest::Client,
    master_key: Option<String>,
}

impl Client {
    pub async fn new() -> Self {
        Self::start(DevNodeOptions::default()).await
    }

    pub async fn start(options: DevNodeOptions) -> Self {
        let master_key = options.master_key.clone();
        let node = DevNode::start(options).await.unwrap();
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().unwrap();
        Self { node, http, master_key }
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<(u16, String)> {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.node.url()));
        if let Some(key) = &self.master_key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    pub async fn json(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (_, text) = self.send(method, path, body).await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub async fn wait_idle(&self) {
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        while self.json("GET", "/tasks?statuses=enqueued,processing", None).await["total"] != 0 {
            assert!(tokio::time::Instant::now() < deadline, "tasks did not finish");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn document_count(&self, index: &str) -> Value {
        self.json("GET", &format!("/indexes/{index}/stats"), None).await["numberOfDocuments"].clone()
    }
}
