//! A server under test, simulated or real, and its client.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use miroir_devnode::{DevNode, DevNodeOptions};
use serde_json::{Value, json};
use sha2::Sha256;

/// Returns a master key of its own for each server, so that no case can reach the server of another.
fn master_key() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "a-master-key-of-the-contract-suite-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A timeout for any response on a busy machine. A case that reaches it fails.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A process with its working folder, killed at the end of the case.
struct Process {
    child: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended by itself; the case has failed by then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The kind of a server.
#[derive(Clone, Copy)]
enum Kind {
    Simulated,
    Real,
}

/// A running server without data.
pub struct Server {
    url: String,
    kind: Kind,
    master_key: Option<String>,
    http: reqwest::Client,
    /// Keeps the server alive until the end of the case.
    _keeper: Box<dyn std::any::Any>,
}

/// A response: its status and its body, `null` if it has none.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: Value,
}

impl Response {
    /// Asserts a refusal with exactly this message.
    pub fn refuses(&self, status: u16, code: &str, message: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body, error(code, message));
    }
}

/// Returns an error in the form of the API.
pub fn error(code: &str, message: &str) -> Value {
    let kind = match code {
        "missing_authorization_header" | "invalid_api_key" | "missing_master_key" => "auth",
        _ => "invalid_request",
    };
    let link = format!("https://docs.meilisearch.com/errors#{code}");
    json!({ "message": message, "code": code, "type": kind, "link": link })
}

fn client() -> reqwest::Client {
    // A server closes the connection of a request that it refuses unread; reusing it would race with the
    // closing.
    reqwest::Client::builder().timeout(TIMEOUT).pool_max_idle_per_host(0).build().unwrap()
}

impl Server {
    #[allow(dead_code, reason = "each of the two suites uses one of the two servers")]
    pub async fn simulated() -> Self {
        Self::start_simulated(Some(master_key())).await
    }

    #[allow(dead_code, reason = "each of the two suites uses one of the two servers")]
    pub async fn real() -> Self {
        Self::start_real(Some(master_key())).await
    }

    /// Starts another server of the same kind, which has no master key.
    pub async fn without_master_key(&self) -> Self {
        match self.kind {
            Kind::Simulated => Self::start_simulated(None).await,
            Kind::Real => Self::start_real(None).await,
        }
    }

    async fn start_simulated(master_key: Option<String>) -> Self {
        let options = DevNodeOptions { master_key: master_key.clone(), ..DevNodeOptions::default() };
        let node = DevNode::start(options).await.unwrap();
        let (url, kind) = (node.url(), Kind::Simulated);
        Self { url, kind, master_key, http: client(), _keeper: Box::new(node) }
    }

    async fn start_real(master_key: Option<String>) -> Self {
        let binary = std::env::var("MIROIR_MEILISEARCH_BIN").expect(
            "set MIROIR_MEILISEARCH_BIN to a Meilisearch 1.50 binary to run the contract suite against it",
        );
        // Another process may take the port between its choice and its use; the server then ends at once.
        for _ in 0..5 {
            if let Some(server) = Self::spawned(&binary, master_key.as_deref()).await {
                return server;
            }
        }
        panic!("`{binary}` (MIROIR_MEILISEARCH_BIN) ended at once, five times");
    }

    async fn spawned(binary: &str, master_key: Option<&str>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let address = miroir_test_server::free_address();
        let child = std::process::Command::new(binary)
            .args(["--no-analytics", "--env", "development"])
            .args(master_key.into_iter().flat_map(|key| ["--master-key", key]))
            .args(["--http-addr", &address.to_string()])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`{binary}` (MIROIR_MEILISEARCH_BIN) does not start: {error}"));
        let mut process = Process { child, _folder: folder };
        let url = format!("http://{address}");
        let http = client();
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            let mut request = http.get(format!("{url}/version"));
            if let Some(key) = master_key {
                request = request.bearer_auth(key);
            }
            if request.send().await.is_ok_and(|response| response.status().is_success()) {
                let (kind, master_key) = (Kind::Real, master_key.map(str::to_owned));
                return Some(Self { url, kind, master_key, http, _keeper: Box::new(process) });
            }
            if process.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server did not become healthy");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends a request with these headers and this body.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Response {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response { status, body }
    }

    /// Sends an authorized request with a body of this type.
    pub async fn typed(&self, method: &str, path: &str, content_type: &str, body: &str) -> Response {
        let authorization = self.authorization();
        let key = authorization.as_deref().map(|key| ("authorization", key));
        let headers: Vec<(&str, &str)> = key.into_iter().chain([("content-type", content_type)]).collect();
        self.raw(method, path, &headers, Some(body)).await
    }

    /// Sends an authorized request with a JSON body.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> Response {
        self.typed(method, path, "application/json", &body.to_string()).await
    }

    /// Sends an authorized request without a body.
    pub async fn request(&self, method: &str, path: &str) -> Response {
        let authorization = self.authorization();
        let headers: Vec<(&str, &str)> =
            authorization.as_deref().map(|key| ("authorization", key)).into_iter().collect();
        self.raw(method, path, &headers, None).await
    }

    fn authorization(&self) -> Option<String> {
        self.master_key.as_ref().map(|key| format!("Bearer {key}"))
    }

    /// Returns the text of an API key: the HMAC-SHA256 of its uid under the master key, in hexadecimal.
    pub fn api_key(&self, uid: &str) -> String {
        let master_key = self.master_key.as_ref().expect("the server has a master key");
        let mut mac = Hmac::<Sha256>::new_from_slice(master_key.as_bytes()).unwrap();
        mac.update(uid.as_bytes());
        mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Returns the body of a `GET`, which must succeed.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.request("GET", path).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.body
    }

    /// Waits for the task of an accepted write and returns it.
    pub async fn finished(&self, accepted: &Response) -> Value {
        assert!([200, 202].contains(&accepted.status), "{}: {}", accepted.status, accepted.body);
        let uid = accepted.body["taskUid"].as_u64().unwrap();
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            let task = self.get(&format!("/tasks/{uid}")).await;
            if ["succeeded", "failed", "canceled"].contains(&task["status"].as_str().unwrap()) {
                return task;
            }
            assert!(tokio::time::Instant::now() < deadline, "{task} did not finish");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a write with a JSON body and returns its finished task.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let accepted = self.send(method, path, body).await;
        self.finished(&accepted).await
    }

    /// Sends a write without a body and returns its finished task.
    pub async fn done_empty(&self, method: &str, path: &str) -> Value {
        let accepted = self.request(method, path).await;
        self.finished(&accepted).await
    }

    /// Sends a write that must succeed and returns its finished task.
    pub async fn succeeds(&self, method: &str, path: &str, body: Value) -> Value {
        let task = self.done(method, path, body).await;
        assert_eq!(task["status"], "succeeded", "{task}");
        task
    }

    /// Creates the index `films` with the films of the suite, filterable and sortable.
    pub async fn films(&self) {
        let films: Value = serde_json::from_str(include_str!("films.json")).unwrap();
        self.succeeds("POST", "/indexes", json!({ "uid": "films", "primaryKey": "id" })).await;
        let settings = json!({
            "filterableAttributes": ["year", "genres", "rating", "studio"],
            "sortableAttributes": ["year", "rating", "title", "studio"],
        });
        self.succeeds("PATCH", "/indexes/films/settings", settings).await;
        self.succeeds("POST", "/indexes/films/documents", films).await;
    }

    /// Searches the films and returns the body of the response, which must be a success.
    pub async fn search(&self, body: Value) -> Value {
        let response = self.send("POST", "/indexes/films/search", body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.body
    }

    /// Searches the films and returns the ids of the hits, in order.
    pub async fn found(&self, body: Value) -> Vec<u64> {
        let body = self.search(body).await;
        body["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
    }
}

/// Returns a task without the fields that differ from run to run.
pub fn lasting(task: &Value) -> Value {
    let mut task = task.clone();
    let fields = task.as_object_mut().unwrap();
    for name in ["uid", "batchUid", "duration", "enqueuedAt", "startedAt", "finishedAt"] {
        assert!(fields.remove(name).is_some_and(|value| !value.is_null()), "{name} is missing");
    }
    task
}
