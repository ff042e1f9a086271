//! A server under test, simulated or real, and what cases ask of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use miroir_devnode::{DevNode, DevNodeOptions};
use serde_json::{Value, json};

/// A master key no other server under test has, so that no case can talk to the server of another.
fn master_key() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "a-master-key-of-the-contract-suite-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Long enough for any answer on a busy machine; reaching it fails the case.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that is killed when the case ends, with the folder it works in.
struct Process {
    child: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; the case has failed by then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running server with nothing in it.
pub struct Server {
    url: String,
    master_key: String,
    http: reqwest::Client,
    /// What keeps the server alive until the case ends.
    _keeper: Box<dyn std::any::Any>,
}

/// An answer: its status and its body, `null` when there is none.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: Value,
}

impl Response {
    /// Asserts a refusal, word for word.
    pub fn refuses(&self, status: u16, code: &str, message: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body, error(code, message));
    }
}

/// An error in the shape of the API.
pub fn error(code: &str, message: &str) -> Value {
    let kind = match code {
        "missing_authorization_header" | "invalid_api_key" => "auth",
        _ => "invalid_request",
    };
    let link = format!("https://docs.meilisearch.com/errors#{code}");
    json!({ "message": message, "code": code, "type": kind, "link": link })
}

fn client() -> reqwest::Client {
    // A server closes the connection of a request it refuses unread; reusing that one would race with the closing.
    reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap()
}

impl Server {
    #[allow(dead_code, reason = "each of the two suites uses one of the two servers")]
    pub async fn simulated() -> Self {
        let master_key = master_key();
        let options = DevNodeOptions { master_key: Some(master_key.clone()), ..DevNodeOptions::default() };
        let node = DevNode::start(options).await.unwrap();
        Self { url: node.url(), master_key, http: client(), _keeper: Box::new(node) }
    }

    #[allow(dead_code, reason = "each of the two suites uses one of the two servers")]
    pub async fn real() -> Self {
        let binary = std::env::var("MIROIR_MEILISEARCH_BIN").expect(
            "set MIROIR_MEILISEARCH_BIN to a Meilisearch 1.50 binary to run the contract suite against it",
        );
        // Another process may take the port between its choice and its use; the server then ends at once.
        for _ in 0..5 {
            if let Some(server) = Self::spawned(&binary).await {
                return server;
            }
        }
        panic!("`{binary}` (MIROIR_MEILISEARCH_BIN) ended at once, five times");
    }

    async fn spawned(binary: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let master_key = master_key();
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let child = std::process::Command::new(binary)
            .args(["--no-analytics", "--env", "development", "--master-key", &master_key])
            .args(["--http-addr", &format!("127.0.0.1:{port}")])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`{binary}` (MIROIR_MEILISEARCH_BIN) does not start: {error}"));
        let mut process = Process { child, _folder: folder };
        let url = format!("http://127.0.0.1:{port}");
        let http = client();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = http.get(format!("{url}/version")).bearer_auth(&master_key).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Some(Self { url, master_key, http, _keeper: Box::new(process) });
            }
            if process.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server did not become healthy");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A request with everything given.
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
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response { status, body }
    }

    /// An authorized request with a body of a given type.
    pub async fn typed(&self, method: &str, path: &str, content_type: &str, body: &str) -> Response {
        let key = format!("Bearer {}", self.master_key);
        self.raw(method, path, &[("authorization", &key), ("content-type", content_type)], Some(body)).await
    }

    /// An authorized request with a JSON body.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> Response {
        self.typed(method, path, "application/json", &body.to_string()).await
    }

    /// An authorized request without a body.
    pub async fn ask(&self, method: &str, path: &str) -> Response {
        self.raw(method, path, &[("authorization", &format!("Bearer {}", self.master_key))], None).await
    }

    /// The body of a `GET` that succeeds.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Waits for the task of an accepted write; the finished task.
    pub async fn finished(&self, accepted: &Response) -> Value {
        assert!([200, 202].contains(&accepted.status), "{}: {}", accepted.status, accepted.body);
        let uid = accepted.body["taskUid"].as_u64().unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let task = self.get(&format!("/tasks/{uid}")).await;
            if ["succeeded", "failed", "canceled"].contains(&task["status"].as_str().unwrap()) {
                return task;
            }
            assert!(tokio::time::Instant::now() < deadline, "{task} did not finish");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A write with a JSON body, carried out; the finished task.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let accepted = self.send(method, path, body).await;
        self.finished(&accepted).await
    }

    /// A write without a body, carried out; the finished task.
    pub async fn done_empty(&self, method: &str, path: &str) -> Value {
        let accepted = self.ask(method, path).await;
        self.finished(&accepted).await
    }

    /// A write that must succeed.
    pub async fn succeeds(&self, method: &str, path: &str, body: Value) -> Value {
        let task = self.done(method, path, body).await;
        assert_eq!(task["status"], "succeeded", "{task}");
        task
    }

    /// The index `films` with the films of the suite, filterable and sortable.
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

    /// The body of a search of the films that succeeds.
    pub async fn search(&self, body: Value) -> Value {
        let answer = self.send("POST", "/indexes/films/search", body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The ids a search of the films finds, in order.
    pub async fn found(&self, body: Value) -> Vec<u64> {
        let body = self.search(body).await;
        body["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
    }
}

/// A task without what differs from run to run.
pub fn lasting(task: &Value) -> Value {
    let mut task = task.clone();
    let fields = task.as_object_mut().unwrap();
    for name in ["uid", "batchUid", "duration", "enqueuedAt", "startedAt", "finishedAt"] {
        assert!(fields.remove(name).is_some_and(|value| !value.is_null()), "{name} is missing");
    }
    task
}
