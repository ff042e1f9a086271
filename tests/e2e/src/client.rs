//! A client of the Meilisearch API.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::wait::TIMEOUT;

/// Pause between two reads of a task.
const TASK_PAUSE: Duration = Duration::from_millis(10);

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body: null if it is empty, a string if it is not JSON.
    pub body: Value,
}

impl Response {
    /// Returns the value of a header if it is present and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body of a response with `status`. Returns an error with the body for any other status.
    pub fn expect(self, status: u16) -> Result<Value> {
        ensure!(self.status == status, "expected {status}, got {}: {}", self.status, self.body);
        Ok(self.body)
    }
}

/// A client of Miroir or of one node.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    key: Option<String>,
}

impl Client {
    /// Creates a client of the server at `base_url`.
    pub fn new(base_url: impl Into<String>, key: Option<&str>) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base_url: base_url.into(), key: key.map(str::to_owned) })
    }

    /// Returns the URL of the server.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Creates a request to which the caller adds headers and a body.
    pub fn request(&self, method: &str, path: &str) -> Result<RequestBuilder> {
        let method: Method = method.parse().with_context(|| format!("`{method}` is not a method"))?;
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        Ok(request)
    }

    /// Sends a request and reads its response, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(Response { status, headers, body })
    }

    /// Sends `GET`.
    pub async fn get(&self, path: &str) -> Result<Response> {
        self.send(self.request("GET", path)?).await
    }

    /// Sends any method with a JSON body, or without a body if it is null.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Result<Response> {
        let request = self.request(method, path)?;
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// Sends a write, expects 202 and waits for the end of its task. Returns the task.
    pub async fn write(&self, method: &str, path: &str, body: Value) -> Result<Value> {
        let summary = self.call(method, path, body).await?.expect(202)?;
        let uid = summary["taskUid"].as_u64().with_context(|| format!("no taskUid in {summary}"))?;
        self.wait_for_task(uid).await
    }

    /// Returns the uid under which the nodes of a Miroir keep `index`, or `None` if it does not exist.
    pub async fn physical_uid(&self, index: &str) -> Result<Option<String>> {
        let response = self.get(&format!("/_miroir/shards?index={index}")).await?;
        if response.status == 404 {
            return Ok(None);
        }
        let shards = response.expect(200)?;
        let uid = shards["physicalUid"].as_str().with_context(|| format!("no physicalUid in {shards}"))?;
        Ok(Some(uid.to_owned()))
    }

    /// Waits for the end of the task. Returns the task.
    pub async fn wait_for_task(&self, uid: u64) -> Result<Value> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let task = self.get(&format!("/tasks/{uid}")).await?.expect(200)?;
            if matches!(task["status"].as_str(), Some("succeeded" | "failed" | "canceled")) {
                return Ok(task);
            }
            if Instant::now() > deadline {
                bail!("the task does not finish: {task}");
            }
            sleep(TASK_PAUSE).await;
        }
    }
}

/// Returns the nodes in a response of `GET /_miroir/topology`.
///
/// # Panics
///
/// Panics if the response has no groups.
pub fn nodes_of(topology: &Value) -> impl Iterator<Item = &Value> {
    topology["groups"].as_array().unwrap().iter().flat_map(|group| group["nodes"].as_array().unwrap())
}
