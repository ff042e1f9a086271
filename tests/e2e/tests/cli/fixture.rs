//! A Miroir with objects of every kind.

use miroir_domain::job::NewJob;
use miroir_e2e::{Client, Cluster};
use miroir_ports::outbound::{JobTable as _, StoreStatus as _};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tool::{ADMIN_KEY, MASTER_KEY, Tool};

/// A cluster with two nodes, an index `films` of two films, a feed, and the jobs `move-1` and `move-2`.
pub struct Fixture {
    pub cluster: Cluster,
    /// Client with the master key.
    pub client: Client,
    /// Client with the admin key.
    pub admin: Client,
    pub tool: Tool,
    _folder: TempDir,
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("miroir.db");
        queue_jobs(SqliteOptions::new(&path)).await;
        let configuration = json!({
            "auth": { "admin_key": ADMIN_KEY, "master_key": MASTER_KEY },
            "store": { "path": path },
            "cdc": { "sinks": [{ "name": "feed", "kind": "internal" }] },
        });
        let cluster = Cluster::builder().nodes(2).replication_factor(2).node_key("node-key");
        let cluster = cluster.configuration(configuration).start().await.unwrap();
        let client = cluster.client();
        let admin = Client::new(client.base_url(), Some(ADMIN_KEY)).unwrap();
        let tool = Tool::new(client.base_url());
        let fixture = Self { cluster, client, admin, tool, _folder: folder };
        fixture.write(&json!([{ "id": 1, "title": "Metropolis" }, { "id": 2, "title": "Ronin" }])).await;
        fixture
    }

    /// Writes films and waits for the success of the task.
    pub async fn write(&self, films: &Value) -> Value {
        let path = "/indexes/films/documents?primaryKey=id";
        let task = self.client.write("POST", path, films.clone()).await.unwrap();
        assert_eq!(task["status"], "succeeded", "{task}");
        task
    }

    /// Returns the response of Miroir to a request with the admin key.
    pub async fn get(&self, path: &str) -> Value {
        self.admin.get(path).await.unwrap().expect(200).unwrap()
    }

    /// Creates an index.
    pub async fn index(&self, uid: &str) {
        let task = self.client.write("POST", "/indexes", json!({ "uid": uid })).await.unwrap();
        assert_eq!(task["status"], "succeeded", "{task}");
    }
}

/// Adds jobs to the store, since Miroir queues none yet.
async fn queue_jobs(options: SqliteOptions) {
    let store = SqliteStore::open(options).await.unwrap();
    for id in ["move-1", "move-2"] {
        let (id, kind) = (id.to_owned(), "move".to_owned());
        let job = NewJob { id, kind, params: json!({ "shard": 3 }), max_attempts: 3 };
        store.job_enqueue(&job).await.unwrap();
    }
    store.store_close().await.unwrap();
}
