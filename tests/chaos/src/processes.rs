//! The processes of a run.

use std::time::Duration;

use anyhow::{Result, bail};
use miroir_e2e::{Client, Cluster, Miroir, NODE_KIND};
use miroir_test_redis::RedisServer;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::options::{Options, Store};

/// The time in which everything must be in sync once nothing goes wrong any more.
const HEALING: Duration = Duration::from_mins(4);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// The processes of a run.
pub struct Processes {
    /// The nodes, and the first instance of Miroir.
    pub cluster: Cluster,
    /// The second instance.
    pub second: Option<Miroir>,
    /// The server of the store.
    pub redis: Option<RedisServer>,
}

impl Processes {
    /// Starts everything.
    pub async fn start(options: &Options) -> Result<Self> {
        let redis = (options.store == Store::Redis).then(RedisServer::durable);
        let mut builder = Cluster::builder()
            .kind(NODE_KIND)
            .nodes(options.nodes)
            .groups(options.groups)
            .replication_factor(2)
            .shard_count(5)
            .configuration(json!({
                "cluster": { "write_quorum": 1 },
                "task_registry": { "ttl_ms": 1_000, "prune_interval_ms": 1_000 },
                "instance": { "lease_ms": 3_000 },
                "log": { "level": "info" },
            }));
        if let Some(redis) = &redis {
            builder = builder.redis(&redis.url());
        }
        let cluster = builder.start().await?;
        let second = if redis.is_some() {
            let mut second = cluster.another("second").await?;
            second.start().await?;
            Some(second)
        } else {
            None
        };
        Ok(Self { cluster, second, redis })
    }

    /// Returns a client of each instance.
    pub fn clients(&self) -> Vec<Client> {
        let second = self.second.as_ref().map(|second| second.client().clone());
        [self.cluster.client()].into_iter().chain(second).collect()
    }

    /// Returns an instance.
    pub fn instance(&mut self, number: usize) -> &mut Miroir {
        match &mut self.second {
            Some(second) if number == 1 => second,
            _ => self.cluster.miroir(),
        }
    }

    /// Returns whether no task is open and every replica is in sync, on healthy nodes.
    pub async fn is_in_sync(&self) -> bool {
        for client in self.clients() {
            if is_in_sync(&client).await.unwrap_or(false) {
                return true;
            }
        }
        false
    }

    /// Waits until everything is in sync for a second.
    ///
    /// # Errors
    ///
    /// Fails with the stale replicas if that takes minutes.
    pub async fn until_in_sync(&self) -> Result<()> {
        let deadline = Instant::now() + HEALING;
        loop {
            if self.is_in_sync().await {
                sleep(Duration::from_secs(1)).await;
                if self.is_in_sync().await {
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                let mut shown = Vec::new();
                for client in self.clients() {
                    if let Ok(replicas) = client.get("/_miroir/replicas").await {
                        shown.push(replicas.body.to_string());
                    }
                }
                bail!("not in sync after {} s: {}", HEALING.as_secs(), shown.join("; "));
            }
            sleep(LOOK).await;
        }
    }
}

async fn is_in_sync(client: &Client) -> Result<bool> {
    let replicas = client.get("/_miroir/replicas").await?.expect(200)?;
    let open = client.get("/tasks?statuses=enqueued,processing&limit=1").await?.expect(200)?;
    let topology = client.get("/_miroir/topology").await?.expect(200)?;
    let groups = topology["groups"].as_array().into_iter().flatten();
    let mut nodes = groups.flat_map(|group| group["nodes"].as_array().into_iter().flatten());
    Ok(replicas["complete"] == true
        && replicas["results"].as_array().is_some_and(Vec::is_empty)
        && open["results"].as_array().is_some_and(Vec::is_empty)
        && nodes.all(|node| node["status"] == "healthy"))
}
