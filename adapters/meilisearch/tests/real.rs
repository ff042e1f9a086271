//! Every operation of the port against a real Meilisearch, the binary named by `MIROIR_MEILISEARCH_BIN`.

#[allow(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use miroir_domain::document::{DocumentId, PrimaryKey};
use miroir_domain::payload::{Payload, PayloadFormat, PayloadPart};
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::task::{NodeTaskReport, TaskStatus};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{NodeId, PhysicalUid, ShardSet, Timestamp};
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchInspector, MeilisearchNodes, NodeEndpoint};
use miroir_ports::error_chain;
use miroir_ports::outbound::{
    NodeError, NodeInspector as _, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes,
};
use miroir_test_server::free_address;
use serde_json::{Map, Value, json};
use support::merged;
use tokio::process::{Child, Command};

const BINARY: &str = "MIROIR_MEILISEARCH_BIN";
const MASTER_KEY: &str = "a-master-key-for-tests";
/// The timeout of one call.
const CALL: Duration = Duration::from_secs(10);
/// The time in which the server must start, and a task must finish.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A server with an empty database. Killed when dropped.
struct Server {
    nodes: MeilisearchNodes,
    address: SocketAddr,
    _process: Child,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let binary = std::env::var(BINARY).unwrap_or_else(|_| {
            panic!("set {BINARY} to the path of a meilisearch binary to run these tests")
        });
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let log = directory.path().join("log");
        let mut process = Command::new(&binary)
            .args(["--http-addr", &address.to_string(), "--master-key", MASTER_KEY])
            .args(["--env", "development", "--no-analytics", "--log-level", "ERROR"])
            .arg("--db-path")
            .arg(directory.path().join("data"))
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {binary}: {error}"));
        let (nodes, inspector) = (client(address, MASTER_KEY), inspector(address, MASTER_KEY));
        let responds = async {
            while inspector.node_inspect(&node(), None, CALL).await.is_err() {
                let ended = process.try_wait().unwrap();
                assert!(ended.is_none(), "{binary} ended: {}", std::fs::read_to_string(&log).unwrap());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, responds).await.expect("the server does not start");
        Self { nodes, address, _process: process, _directory: directory }
    }

    /// Enables an experimental feature, which the port does not offer.
    async fn enable(&self, feature: &str) {
        let client = reqwest::Client::builder().timeout(CALL).build().unwrap();
        let request = client
            .patch(format!("http://{}/experimental-features", self.address))
            .bearer_auth(MASTER_KEY)
            .json(&json!({ (feature): true }));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn try_write(&self, operation: WriteOperation, metadata: Option<&str>) -> Result<u32, NodeError> {
        let write = NodeWrite { index: movies(), operation, custom_metadata: metadata.map(str::to_owned) };
        self.nodes.node_write(&node(), write, CALL).await
    }

    /// Sends a write and waits until its task has finished.
    async fn write(&self, operation: WriteOperation, metadata: Option<&str>) -> NodeTaskReport {
        let uid = self.try_write(operation, metadata).await.unwrap();
        let finished = async {
            loop {
                let task = self.tasks(NodeTaskSelection::Uids(vec![uid])).await.remove(0);
                if task.status.is_finished() {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, finished).await.expect("the task does not finish")
    }

    async fn succeed(&self, operation: WriteOperation, metadata: Option<&str>) -> NodeTaskReport {
        let task = self.write(operation, metadata).await;
        assert_eq!((task.status, &task.error), (TaskStatus::Succeeded, &None), "{task:?}");
        task
    }

    async fn read(&self, read: NodeRead) -> Value {
        self.nodes.node_read(&node(), read, CALL).await.unwrap()
    }

    async fn tasks(&self, selection: NodeTaskSelection) -> Vec<NodeTaskReport> {
        self.nodes.node_tasks(&node(), selection, CALL).await.unwrap()
    }

    async fn count(&self) -> u64 {
        self.read(NodeRead::Documents(movies(), Map::new())).await["total"].as_u64().unwrap()
    }
}

fn client(address: SocketAddr, key: &str) -> MeilisearchNodes {
    let endpoint =
        NodeEndpoint { id: node(), url: format!("http://{address}"), master_key: Some(MasterKey::new(key)) };
    MeilisearchNodes::unguarded([endpoint], &ClientOptions::default()).unwrap()
}

fn inspector(address: SocketAddr, key: &str) -> MeilisearchInspector {
    let endpoint =
        NodeEndpoint { id: node(), url: format!("http://{address}"), master_key: Some(MasterKey::new(key)) };
    MeilisearchInspector::new([endpoint], &ClientOptions::default()).unwrap()
}

fn node() -> NodeId {
    "real".parse().unwrap()
}

fn movies() -> PhysicalUid {
    "movies".parse().unwrap()
}

fn key(name: &str) -> PrimaryKey {
    PrimaryKey::parse(name).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn part(documents: &Value) -> PayloadPart {
    let body = Bytes::from(documents.to_string());
    let payload = Payload::parse(PayloadFormat::Json, body, &movies().name(), Some(&key("id")), 4).unwrap();
    Arc::new(payload).part(&ShardSet::all(4))
}

fn add(mode: WriteMode, documents: &Value) -> WriteOperation {
    WriteOperation::DocumentsAdd { primary_key: Some(key("id")), mode, documents: part(documents) }
}

fn settings(setting: Option<Setting>, action: SettingsAction) -> WriteOperation {
    WriteOperation::Settings(SettingsChange { setting, action })
}

#[tokio::test]
async fn documents_are_written_read_found_and_deleted() {
    let server = Server::start().await;
    let films = json!([
        { "id": 1, "title": "Carol", "year": 2015 },
        { "id": "two", "title": "Heat", "year": 1995 },
        { "id": 3, "title": "Alien", "year": 1979 },
    ]);
    let task = server.succeed(add(WriteMode::Replace, &films), Some("miroir:7")).await;
    assert_eq!(task.kind, "documentAdditionOrUpdate");
    assert_eq!(task.index_uid.as_deref(), Some("movies"));
    assert_eq!(task.custom_metadata.as_deref(), Some("miroir:7"));
    assert_eq!(task.details.as_ref().unwrap()["indexedDocuments"], 3);
    assert!(task.enqueued_at <= task.started_at.unwrap() && task.started_at <= task.finished_at);

    let update = json!([{ "id": 1, "rating": 5 }]);
    server.succeed(add(WriteMode::Update, &update), None).await;
    let id = DocumentId::from_json(&json!(1)).unwrap();
    let parameters = object(&json!({ "fields": ["title", "rating", "_miroir_shard"] }));
    let film = server.read(NodeRead::Document(movies(), id, parameters)).await;
    assert_eq!((&film["title"], &film["rating"]), (&json!("Carol"), &json!(5)));
    assert!(film["_miroir_shard"].is_string(), "{film}");

    let body = object(&json!({ "q": "alien", "limit": 1, "showRankingScoreDetails": true }));
    let search = NodeSearch { index: movies(), body };
    let found = merged(server.nodes.node_search(&node(), search, CALL).await.unwrap());
    assert_eq!(found["hits"][0]["id"], 3);
    let page = server.read(NodeRead::Documents(movies(), object(&json!({ "limit": 2 })))).await;
    assert_eq!((page["results"].as_array().unwrap().len(), &page["total"]), (2, &json!(3)));

    let ids = ["two", "missing"].map(|id| DocumentId::from_json(&json!(id)).unwrap()).to_vec();
    server.succeed(WriteOperation::DocumentsDelete(ids), Some("miroir:8")).await;
    assert_eq!(server.count().await, 2);

    let filterable = SettingsAction::Update(json!(["year", "_miroir_shard"]));
    server.succeed(settings(Some(Setting::FilterableAttributes), filterable), None).await;
    let by_filter = WriteOperation::DocumentsDeleteByFilter(json!([["year = 1979"]]));
    let task = server.succeed(by_filter, Some("miroir:9")).await;
    assert_eq!(task.custom_metadata.as_deref(), Some("miroir:9"));
    assert_eq!(server.count().await, 1);
    let task = server.succeed(WriteOperation::DocumentsDeleteAll, Some("miroir:10")).await;
    assert_eq!(task.custom_metadata.as_deref(), Some("miroir:10"));
    assert_eq!(server.count().await, 0);
    server.succeed(add(WriteMode::Replace, &json!([])), None).await;
}

#[tokio::test]
async fn payload_of_many_pieces_arrives_whole() {
    let server = Server::start().await;
    let text = "é\"\\ ".repeat(200);
    let documents: Vec<Value> = (0..5_000).map(|id| json!({ "id": id, "text": text })).collect();
    let task = server.succeed(add(WriteMode::Replace, &documents.into()), None).await;
    assert_eq!(task.details.unwrap()["indexedDocuments"], 5_000);
    let id = DocumentId::from_json(&json!(4_999)).unwrap();
    assert_eq!(server.read(NodeRead::Document(movies(), id, Map::new())).await["text"], text);
}

#[tokio::test]
async fn indexes_are_created_listed_and_deleted() {
    let server = Server::start().await;
    assert!(server.read(NodeRead::Version).await["pkgVersion"].is_string());
    server.succeed(WriteOperation::IndexCreate { primary_key: Some(key("id")) }, None).await;
    let index = server.read(NodeRead::Index(movies())).await;
    assert_eq!((&index["uid"], &index["primaryKey"]), (&json!("movies"), &json!("id")));
    let list = server.read(NodeRead::IndexList { offset: 0, limit: 5 }).await;
    assert_eq!((&list["total"], &list["limit"]), (&json!(1), &json!(5)));

    let again = server.write(WriteOperation::IndexCreate { primary_key: None }, None).await;
    assert_eq!(again.status, TaskStatus::Failed);
    assert_eq!(again.error.unwrap().code, "index_already_exists");

    server.succeed(WriteOperation::IndexDelete, None).await;
    match server.nodes.node_read(&node(), NodeRead::Index(movies()), CALL).await {
        Err(NodeError::Refused { status: 404, error, .. }) => assert_eq!(error.code, "index_not_found"),
        other => panic!("should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn every_setting_is_changed_read_and_reset_on_its_route() {
    let server = Server::start().await;
    // Version 1.50.0 accepts the setting `foreignKeys` only with this feature enabled.
    server.enable("foreignKeys").await;
    let all = SettingsAction::Update(json!({ "stopWords": ["the"], "faceting": { "maxValuesPerFacet": 7 } }));
    server.succeed(settings(None, all), None).await;
    let shown = server.read(NodeRead::Settings(movies(), None)).await;
    assert_eq!((&shown["stopWords"], &shown["faceting"]["maxValuesPerFacet"]), (&json!(["the"]), &json!(7)));
    for setting in Setting::ALL.iter().copied().filter(|setting| *setting != Setting::Chat) {
        let value = server.read(NodeRead::Settings(movies(), Some(setting))).await;
        // A server accepts the values that it returns, so this proves the route and the method of each
        // setting.
        server.succeed(settings(Some(setting), SettingsAction::Update(value)), None).await;
        server.succeed(settings(Some(setting), SettingsAction::Reset), None).await;
    }
    server.succeed(settings(None, SettingsAction::Reset), None).await;
    assert_eq!(server.read(NodeRead::Settings(movies(), Some(Setting::StopWords))).await, json!([]));
}

#[tokio::test]
async fn tasks_are_listed_by_uid_and_by_time() {
    let server = Server::start().await;
    let mut uids = Vec::new();
    for number in 0..5 {
        let metadata = format!("miroir:{number}");
        uids.push(server.try_write(WriteOperation::DocumentsDeleteAll, Some(&metadata)).await.unwrap());
    }
    // More uids than fit in one request, most of which the server does not know.
    let asked: Vec<u32> = (0..450).chain(uids.clone()).collect();
    let known = server.tasks(NodeTaskSelection::Uids(asked)).await;
    assert_eq!(known.iter().map(|task| task.uid).collect::<Vec<_>>(), uids);

    let before = known[1].enqueued_at.minus(Duration::from_millis(1));
    let since = server.tasks(NodeTaskSelection::IndexSince(movies(), before)).await;
    assert!(uids[1..].iter().all(|uid| since.iter().any(|task| task.uid == *uid)), "{since:?}");
    assert!(since.iter().any(|task| task.custom_metadata.as_deref() == Some("miroir:4")));
    let later = Timestamp::from_millis(known[4].enqueued_at.as_millis() + 3_600_000);
    assert!(server.tasks(NodeTaskSelection::IndexSince(movies(), later)).await.is_empty());
    let other = NodeTaskSelection::IndexSince("other".parse().unwrap(), Timestamp::from_millis(0));
    assert!(server.tasks(other).await.is_empty());
}

#[tokio::test]
async fn inspection_is_bad_for_health_when_the_key_is_wrong() {
    let server = Server::start().await;
    let key = "another-key-for-tests";
    let stranger = client(server.address, key);
    let error = inspector(server.address, key).node_inspect(&node(), None, CALL).await.unwrap_err();
    assert!(error.is_bad_for_health());
    let reason = error_chain(&error);
    assert!(reason.contains("it refuses the key (403 invalid_api_key)"), "{reason}");
    match stranger.node_read(&node(), NodeRead::Version, CALL).await {
        Err(NodeError::Refused { status: 403, error, .. }) => assert_eq!(error.code, "invalid_api_key"),
        other => panic!("should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn pauses_longer_than_any_keep_alive_do_no_harm() {
    let server = Server::start().await;
    // The client closes kept connections after about this time, so either side may close first. Both must
    // work.
    for pause_ms in [2_900, 2_990, 3_000, 3_010, 5_100] {
        server.try_write(WriteOperation::DocumentsDeleteAll, None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
    server.try_write(WriteOperation::DocumentsDeleteAll, None).await.unwrap();
}
