//! A client of Miroir or of a node, which can also print its requests as `curl` commands.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

/// The longest wait for a response, even on a slow machine.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A client of one server.
#[derive(Debug, Clone)]
pub(super) struct Client {
    base: String,
    http: reqwest::Client,
}

/// A response.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) degraded: Option<String>,
    pub(super) body: Value,
}

impl Client {
    /// Makes a client of the server at `base`, such as `http://127.0.0.1:7700`.
    pub(super) fn new(base: impl Into<String>) -> anyhow::Result<Self> {
        // A proxy of the environment must not intercept requests to this machine.
        let http = reqwest::Client::builder()
            .timeout(RESPONSE_TIMEOUT)
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self { base: base.into(), http })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Response> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Response> {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Response> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Response> {
        let request = format!("{method} {path}");
        let mut builder = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            builder = builder.json(body);
        }
        let response = builder.send().await.with_context(|| request.clone())?;
        let status = response.status().as_u16();
        let degraded = response.headers().get("x-miroir-degraded");
        let degraded = degraded.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let text = response.text().await.with_context(|| request.clone())?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Response { request, status, degraded, body })
    }

    /// Waits for the task of the response `accepted` to succeed. Returns its uid.
    pub(super) async fn task_succeeds(&self, accepted: &Response, timeout: Duration) -> anyhow::Result<u32> {
        let accepted = accepted.clone().expect_status(202)?;
        let uid = accepted.body["taskUid"].as_u64().and_then(|uid| u32::try_from(uid).ok());
        let uid = uid.with_context(|| format!("no `taskUid` in {}", accepted.body))?;
        let task = self
            .until(&format!("/tasks/{uid}"), timeout, "the task to finish", |task| {
                !matches!(task["status"].as_str(), Some("enqueued" | "processing"))
            })
            .await?;
        ensure!(task["status"] == "succeeded", "task {uid} did not succeed: {task}");
        Ok(uid)
    }

    /// Polls `path` until `done` returns true for the body. Returns that body.
    pub(super) async fn until(
        &self,
        path: &str,
        timeout: Duration,
        what: &str,
        done: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + timeout;
        loop {
            let body = self.get(path).await?.expect_status(200)?.body;
            if done(&body) {
                return Ok(body);
            }
            if Instant::now() > deadline {
                bail!("waited {} s for {what}; last response: {body}", timeout.as_secs());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the `curl` command of a request.
    pub(super) fn curl(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        match body {
            None if method == "GET" => format!("curl '{}{path}'", self.base),
            None => format!("curl -X {method} '{}{path}'", self.base),
            Some(body) => self.curl_data(method, path, &body.to_string().replace('\'', r"'\''")),
        }
    }

    /// Returns the `curl` command that sends `data`: JSON, or `@` and the name of a JSON file.
    pub(super) fn curl_data(&self, method: &str, path: &str, data: &str) -> String {
        format!(
            "curl -X {method} '{}{path}' -H 'Content-Type: application/json' --data-binary '{data}'",
            self.base
        )
    }
}

impl Response {
    /// Returns the response if it has this status, otherwise an error.
    pub(super) fn expect_status(self, status: u16) -> anyhow::Result<Self> {
        ensure!(
            self.status == status,
            "{} returned {} instead of {status}: {}",
            self.request,
            self.status,
            self.body
        );
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn curl_quotes_bodies_for_a_shell() {
        let client = Client::new("http://127.0.0.1:7700").unwrap();
        assert_eq!(client.curl("GET", "/tasks?limit=1", None), "curl 'http://127.0.0.1:7700/tasks?limit=1'");
        let line = client.curl("POST", "/indexes", Some(&json!({ "uid": "it's" })));
        assert!(line.ends_with(r#"--data-binary '{"uid":"it'\''s"}'"#), "{line}");
    }

    #[test]
    fn expect_status_names_request_and_response() {
        let response = Response {
            request: "GET /x".to_owned(),
            status: 404,
            degraded: None,
            body: json!({ "code": "not_found" }),
        };
        let error = response.expect_status(200).unwrap_err().to_string();
        assert_eq!(error, r#"GET /x returned 404 instead of 200: {"code":"not_found"}"#);
    }
}
