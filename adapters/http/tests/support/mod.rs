//! A server over mocks of the ports, and a client for raw HTTP/1.1.

// Every test file is a crate of its own and uses a part of this module.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::alias::{Alias, AliasTarget, AliasView};
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{TaskKind, TaskStatus, TaskSummary, TaskView};
use miroir_domain::{IndexUid, TaskUid, Timestamp};
use miroir_http::{Apis, HttpOptions, serve};
use miroir_ports::inbound::{
    Accepted, AliasList, ApiError, CanaryList, CanaryOverview, CanaryTotals, ChangesPage, Exposition,
    JobList, MockAliasApi, MockCanaryApi, MockChangeFeed, MockClusterApi, MockDocumentApi, MockIndexApi,
    MockInstanceApi, MockJobApi, MockMetricsApi, MockSearchApi, MockSettingsApi, MockSinkApi, MockTaskApi,
    ReadResponse, Readiness, RoleHolder, ShardsView, TaskList, TopologyView,
};
use miroir_ports::outbound::ReplicaReport;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The maximum wait for an event that must occur.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The uid of the task that every mock returns.
pub const TASK: TaskUid = TaskUid(7);

pub fn accepted(kind: TaskKind, index: &IndexUid) -> Accepted {
    let summary = TaskSummary {
        task_uid: TASK,
        index_uid: Some(index.clone()),
        status: TaskStatus::Enqueued,
        kind,
        enqueued_at: Timestamp::from_millis(0),
        custom_metadata: None,
    };
    Accepted { summary, degraded: None }
}

pub fn read_response(body: Value) -> ReadResponse {
    ReadResponse { body, degraded: None }
}

pub fn task_view(uid: TaskUid) -> TaskView {
    TaskView {
        uid,
        batch_uid: None,
        index_uid: None,
        status: TaskStatus::Enqueued,
        kind: TaskKind::IndexCreation,
        canceled_by: None,
        details: None,
        error: None,
        duration: None,
        enqueued_at: Timestamp::from_millis(0),
        started_at: None,
        finished_at: None,
        custom_metadata: None,
    }
}

/// Ports that accept every call.
pub fn stub_apis() -> Apis {
    let mut apis = Apis {
        index: Arc::new(index_api()),
        document: Arc::new(document_api()),
        settings: Arc::new(settings_api()),
        search: Arc::new(MockSearchApi::new()),
        task: Arc::new(task_api()),
        alias: Arc::new(alias_api()),
        cluster: Arc::new(cluster_api(true)),
        canary: Arc::new(canary_api()),
        feed: Arc::new(change_feed()),
        sink: Arc::new(sink_api()),
        instance: Arc::new(instance_api()),
        job: Arc::new(job_api()),
        metrics: Arc::new(metrics_api()),
        observer: Arc::new(()),
        staleness: Arc::new(()),
    };
    let mut search = MockSearchApi::new();
    search.expect_search().returning(|_, request| Ok(read_response(Value::from(request.body().clone()))));
    apis.search = Arc::new(search);
    apis
}

/// Ports that panic on every call, for requests that must not reach a port.
pub fn panicking_apis() -> Apis {
    Apis {
        index: Arc::new(MockIndexApi::new()),
        document: Arc::new(MockDocumentApi::new()),
        settings: Arc::new(MockSettingsApi::new()),
        search: Arc::new(MockSearchApi::new()),
        task: Arc::new(MockTaskApi::new()),
        alias: Arc::new(MockAliasApi::new()),
        cluster: Arc::new(MockClusterApi::new()),
        canary: Arc::new(MockCanaryApi::new()),
        feed: Arc::new(MockChangeFeed::new()),
        sink: Arc::new(MockSinkApi::new()),
        instance: Arc::new(only_instance()),
        job: Arc::new(MockJobApi::new()),
        metrics: Arc::new(MockMetricsApi::new()),
        observer: Arc::new(()),
        staleness: Arc::new(()),
    }
}

/// A single instance that holds every role and expects no other calls.
fn only_instance() -> MockInstanceApi {
    let mut api = MockInstanceApi::new();
    api.expect_role_holder().return_const(RoleHolder::Local);
    api
}

/// A single instance.
fn instance_api() -> MockInstanceApi {
    let mut api = only_instance();
    api.expect_instance_list().returning(|| Ok(Vec::new()));
    api.expect_lease_list().returning(|| Ok(Vec::new()));
    api
}

/// Returns an alias `films` of version 3.
pub fn alias(target: &str) -> AliasView {
    AliasView::from(Alias {
        name: "films".parse().unwrap(),
        target: AliasTarget::Single(target.parse().unwrap()),
        version: 3,
        created_at: Timestamp::from_millis(0),
        history: Vec::new(),
    })
}

fn alias_api() -> MockAliasApi {
    let mut api = MockAliasApi::new();
    api.expect_alias_create().returning(|_| Ok(alias("v1")));
    api.expect_alias_list().returning(|next, _| Ok(AliasList { results: vec![alias("v1")], next }));
    api.expect_alias_get().returning(|_| Ok(alias("v1")));
    api.expect_alias_flip().returning(|_, change, version| {
        assert_eq!(version.unwrap_or(3), 3);
        Ok(alias(change.target.indexes()[0].as_str()))
    });
    api.expect_alias_swap().returning(|_, _| Ok([alias("v2"), alias("v1")]));
    api.expect_alias_delete().returning(|_| Ok(()));
    api
}

/// A port without canaries.
fn canary_api() -> MockCanaryApi {
    let none = || ApiError::refused(ErrorCode::MiroirCanaryNotFound, "There is no such canary.");
    let mut api = MockCanaryApi::new();
    api.expect_canary_create().returning(move |_| Err(none()));
    api.expect_canary_list().returning(|_, limit| Ok(CanaryList { results: Vec::new(), limit, next: None }));
    api.expect_canary_get().returning(move |_| Err(none()));
    api.expect_canary_replace().returning(move |_, _, _| Err(none()));
    api.expect_canary_delete().returning(move |_| Err(none()));
    api.expect_canary_run().returning(move |_| Err(none()));
    api.expect_canary_runs().returning(move |_, _| Err(none()));
    api.expect_canary_status()
        .returning(|| Ok(CanaryOverview { results: Vec::new(), totals: CanaryTotals::default() }));
    api.expect_canary_capture().returning(move |_| Err(none()));
    api
}

/// A port without changes.
fn change_feed() -> MockChangeFeed {
    let mut api = MockChangeFeed::new();
    api.expect_changes().returning(|_| Ok(ChangesPage { results: Vec::new(), epoch: 1, next: 0, last: 0 }));
    api
}

/// A port without sinks.
fn sink_api() -> MockSinkApi {
    let none = || ApiError::refused(ErrorCode::MiroirSinkNotFound, "There is no such sink.");
    let mut api = MockSinkApi::new();
    api.expect_sink_list().returning(|| Ok(Vec::new()));
    api.expect_sink_pause().returning(move |_| Err(none()));
    api.expect_sink_resume().returning(move |_| Err(none()));
    api.expect_sink_rewind().returning(move |_, _| Err(none()));
    api
}

/// A port without jobs.
fn job_api() -> MockJobApi {
    let none = || ApiError::refused(ErrorCode::MiroirJobNotFound, "There is no such job.");
    let mut api = MockJobApi::new();
    api.expect_job_list().returning(|_, limit| Ok(JobList { results: Vec::new(), limit, next: None }));
    api.expect_job_get().returning(move |_| Err(none()));
    api.expect_job_cancel().returning(move |_| Err(none()));
    api
}

/// A port with a single metric.
pub fn metrics_api() -> MockMetricsApi {
    let mut api = MockMetricsApi::new();
    api.expect_exposition().returning(|| Exposition {
        content_type: "text/plain; version=0.0.4",
        text: "requests 42\n".to_owned(),
    });
    api
}

fn index_api() -> MockIndexApi {
    let mut api = MockIndexApi::new();
    api.expect_index_create().returning(|index, _| Ok(accepted(TaskKind::IndexCreation, &index)));
    api.expect_index_list()
        .returning(|offset, limit| Ok(read_response(json!({"offset": offset, "limit": limit}))));
    api.expect_index_get().returning(|index| Ok(read_response(json!({"uid": index}))));
    api.expect_index_stats().returning(|index| Ok(read_response(json!({"stats": index}))));
    api.expect_stats().returning(|| Ok(read_response(json!({"indexes": {}}))));
    api.expect_index_delete().returning(|index| Ok(accepted(TaskKind::IndexDeletion, &index)));
    api
}

fn document_api() -> MockDocumentApi {
    let mut api = MockDocumentApi::new();
    api.expect_documents_write()
        .returning(|write| Ok(accepted(TaskKind::DocumentAdditionOrUpdate, &write.index)));
    api.expect_documents_delete().returning(|index, _, _| Ok(accepted(TaskKind::DocumentDeletion, &index)));
    api.expect_document_get()
        .returning(|_, id, parameters| Ok(read_response(json!({"id": id, "parameters": parameters}))));
    api.expect_document_list().returning(|_, parameters| Ok(read_response(Value::from(parameters))));
    api
}

fn settings_api() -> MockSettingsApi {
    let mut api = MockSettingsApi::new();
    api.expect_settings_get().returning(|_, setting| {
        Ok(read_response(json!({"setting": setting.map(miroir_domain::settings::Setting::key)})))
    });
    api.expect_settings_change().returning(|index, _| Ok(accepted(TaskKind::SettingsUpdate, &index)));
    api
}

fn task_api() -> MockTaskApi {
    let mut api = MockTaskApi::new();
    api.expect_task_get().returning(|uid| Ok(task_view(uid)));
    api.expect_task_list().returning(|query| {
        Ok(TaskList { results: Vec::new(), total: 0, limit: query.limit, from: query.from, next: None })
    });
    api.expect_task_detail().returning(|uid| {
        let (node_tasks, node_errors) = Default::default();
        Ok(miroir_domain::task::TaskDetailView { task: task_view(uid), node_tasks, node_errors })
    });
    api
}

pub fn cluster_api(ready: bool) -> MockClusterApi {
    let mut api = MockClusterApi::new();
    api.expect_readiness().returning(move |_| Readiness { ready, reasons: Vec::new() });
    api.expect_topology().returning(|| {
        Ok(TopologyView { replication_factor: 1, write_quorum: 1, shard_count: 1, groups: Vec::new() })
    });
    api.expect_shards()
        .returning(|index| Ok(ShardsView { index, physical_uid: None, shard_count: 1, results: Vec::new() }));
    api.expect_replicas().returning(ReplicaReport::default);
    api.expect_version().returning(|| Ok(json!({"pkgVersion": "1.50.0"})));
    let unknown = || ApiError::refused(ErrorCode::MiroirNodeNotFound, "no such node");
    api.expect_node_adopt().returning(move |_| Err(unknown()));
    api.expect_node_reset().returning(move |_| Err(unknown()));
    api
}

/// A running server. It is stopped when dropped, or gracefully by [`Server::begin_stop`].
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(apis: Apis, options: HttpOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap_or(()) };
        let task = tokio::spawn(serve(listener, Arc::new(apis), options, shutdown));
        Self { address, stop: Some(stop), task }
    }

    /// Begins a graceful stop.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    /// Waits for the server to stop.
    pub async fn stopped(mut self) {
        timeout(TIMEOUT, &mut self.task).await.expect("the server stops").unwrap();
    }

    pub async fn connect(&self) -> Connection {
        Connection::to(self.address).await
    }

    /// Sends one request on a new connection.
    pub async fn send(&self, request: &Request<'_>) -> Response {
        send(self.address, request).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(&Request::new("GET", path)).await
    }
}

/// Sends one request to `address`, on a new connection.
pub async fn send(address: SocketAddr, request: &Request<'_>) -> Response {
    let mut connection = Connection::to(address).await;
    connection.write(&request.bytes()).await;
    connection.response().await
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request as text.
#[derive(Clone)]
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a body of any type, with its `Content-Length`.
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a JSON body.
    pub fn json(self, body: &'a str) -> Self {
        self.header("Content-Type", "application/json").body(body.as_bytes())
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if let Some(body) = self.body {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.unwrap_or_default());
        bytes
    }
}

/// A connection without any automatic behaviour.
pub struct Connection {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        timeout(TIMEOUT, self.stream.write_all(bytes)).await.expect("the server reads").unwrap();
    }

    /// Reads one response, framed by its `Content-Length`.
    pub async fn response(&mut self) -> Response {
        self.try_response().await.expect("a response")
    }

    /// Reads one response. Returns `None` if the server closes the connection first.
    pub async fn try_response(&mut self) -> Option<Response> {
        timeout(TIMEOUT, self.read_response()).await.expect("the server responds")
    }

    async fn read_response(&mut self) -> Option<Response> {
        let head_end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.buffer.drain(..head_end).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response { status, headers, body: String::new() };
        // `100 Continue` has neither length nor body.
        let length: usize = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            self.more().await?;
        }
        response.body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        Some(response)
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk).await {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                self.buffer.extend_from_slice(&chunk[..read]);
                Some(())
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Returns the code of an error response. Checks that its body is complete.
    pub fn code(&self) -> String {
        let body = self.json();
        for key in ["message", "code", "type", "link"] {
            assert!(body[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {body}");
        }
        body["code"].as_str().unwrap().to_owned()
    }

    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}
