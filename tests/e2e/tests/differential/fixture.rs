//! A real server and a cluster of three, with the same documents and settings.

use anyhow::{Result, bail, ensure};
use miroir_e2e::{Client, Cluster, NodeKind, TIMEOUT};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::corpus;

/// Index of generated documents with default ranking rules and all hits within the limit.
pub const WORKS: &str = "works";
/// Index of fewer documents with text ids in a shuffled order, with other ranking rules and a low limit of
/// hits.
pub const RANKED: &str = "ranked";
/// Index of fewer documents with distinct in its settings and few values per facet.
pub const EDITIONS: &str = "editions";
/// Index of the films that come with Miroir.
pub const FILMS: &str = "films";

/// Number of copies of a document.
pub const COPIES: u32 = 2;
/// Number of documents of [`EDITIONS`].
pub const EDITIONS_COUNT: usize = 800;
/// `maxValuesPerFacet` of [`EDITIONS`].
pub const EDITIONS_FACET_VALUES: usize = 6;

const KEY: &str = "a-master-key-for-tests";
/// Number of documents in a request: several batches, so that documents are indexed in order and no task
/// takes long.
const BATCH: usize = 800;
/// Timeout of indexing, which is slow on a busy machine.
const PATIENT_ROUNDS: u32 = 10;

/// The servers that a query is sent to.
pub struct Fixture {
    /// Miroir.
    pub cluster: Client,
    /// The nodes, searched without Miroir.
    pub nodes: Vec<Client>,
    /// The single server with all documents.
    pub single: Client,
    // The processes are dropped last.
    _processes: [Cluster; 2],
}

/// Starts all servers and loads all indexes.
pub async fn start(works: &[Value]) -> Result<Fixture> {
    let mut cluster = Cluster::builder()
        .kind(NodeKind::Real)
        .nodes(3)
        .replication_factor(COPIES)
        .shard_count(16)
        .node_key(KEY)
        .start()
        .await?;
    let mut alone = Cluster::builder().kind(NodeKind::Real).nodes(1).node_key(KEY).start_nodes().await?;
    let single = Client::new(alone.node(0).url(), Some(KEY))?;
    let nodes: Result<Vec<Client>> =
        cluster.nodes().iter().map(|node| Client::new(node.url(), Some(KEY))).collect();
    let fixture = Fixture { cluster: cluster.client(), nodes: nodes?, single, _processes: [cluster, alone] };
    for (index, documents) in indexes(works) {
        for client in [&fixture.single, &fixture.cluster] {
            load(client, index, &documents).await?;
        }
    }
    fixture.expect_equal_descriptions().await?;
    Ok(fixture)
}

fn indexes(works: &[Value]) -> [(&'static str, Vec<Value>); 4] {
    let mut ranked = corpus::shuffled_with_text_ids(works[..1_200].to_vec());
    for (serial, document) in ranked.iter_mut().enumerate() {
        document["serial"] = serial.into();
    }
    [
        (WORKS, works.to_vec()),
        (RANKED, ranked),
        (EDITIONS, works[..EDITIONS_COUNT].to_vec()),
        (FILMS, corpus::films()),
    ]
}

fn settings(index: &str) -> Value {
    let attributes = json!([
        "genres",
        "year",
        "rating",
        "votes",
        "city",
        "code",
        "available",
        "maker.country",
        "series",
        "title",
        "serial"
    ]);
    let mut settings = json!({
        "searchableAttributes": ["title", "overview", "maker.name"],
        "filterableAttributes": attributes,
        "sortableAttributes": attributes,
        "pagination": { "maxTotalHits": 5_000 },
    });
    match index {
        RANKED => {
            settings["rankingRules"] = json!([
                "words",
                "sort",
                "typo",
                "rating:desc",
                "attribute",
                "proximity",
                "year:asc",
                "exactness"
            ]);
            settings["pagination"] = json!({ "maxTotalHits": 300 });
        }
        EDITIONS => {
            settings["distinctAttribute"] = json!("series");
            settings["faceting"] = json!({
                "maxValuesPerFacet": EDITIONS_FACET_VALUES,
                "sortFacetValuesBy": { "genres": "count", "city": "count", "*": "alpha" },
            });
        }
        FILMS => {
            settings = json!({
                "searchableAttributes": ["title", "directors", "overview"],
                "filterableAttributes": ["genres", "year", "languages", "countries"],
                "sortableAttributes": ["runtime_minutes", "title"],
            });
        }
        _ => {}
    }
    settings
}

async fn load(client: &Client, index: &str, documents: &[Value]) -> Result<()> {
    write(client, "POST", "/indexes", json!({ "uid": index, "primaryKey": "id" })).await?;
    write(client, "PATCH", &format!("/indexes/{index}/settings"), settings(index)).await?;
    for batch in documents.chunks(BATCH) {
        write(client, "POST", &format!("/indexes/{index}/documents"), json!(batch)).await?;
    }
    Ok(())
}

async fn write(client: &Client, method: &str, path: &str, body: Value) -> Result<()> {
    let summary = client.call(method, path, body).await?.expect(202)?;
    let deadline = Instant::now() + TIMEOUT * PATIENT_ROUNDS;
    loop {
        let task = client.get(&format!("/tasks/{}", summary["taskUid"])).await?.expect(200)?;
        match task["status"].as_str() {
            Some("succeeded") => return Ok(()),
            Some("enqueued" | "processing") => {}
            _ => bail!("{method} {path} on {} did not succeed: {task}", client.base_url()),
        }
        ensure!(Instant::now() < deadline, "{method} {path} on {} does not end: {task}", client.base_url());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

impl Fixture {
    /// Checks that settings and numbers of documents are equal. They must not include the field of Miroir.
    async fn expect_equal_descriptions(&self) -> Result<()> {
        for index in [WORKS, RANKED, EDITIONS, FILMS] {
            let path = format!("/indexes/{index}/settings");
            let one = self.single.get(&path).await?.expect(200)?;
            let many = self.cluster.get(&path).await?.expect(200)?;
            ensure!(one == many, "settings of {index} differ:\none server: {one}\ncluster: {many}");
            let path = format!("/indexes/{index}/documents?limit=0");
            let one = self.single.get(&path).await?.expect(200)?;
            let many = self.cluster.get(&path).await?.expect(200)?;
            ensure!(one == many, "documents of {index}: one server {one}, cluster {many}");
        }
        Ok(())
    }
}

/// Returns the response to a search. Returns an error if it is not a full result.
pub async fn search(client: &Client, index: &str, body: &Value) -> Result<Value> {
    let response = client.call("POST", &format!("/indexes/{index}/search"), body.clone()).await?;
    if let Some(degraded) = response.header("x-miroir-degraded") {
        bail!("a search of {index} is degraded: {degraded}");
    }
    response.expect(200)
}
