//! The processes of a run.

use std::time::Duration;

use anyhow::{Result, bail};
use miroir_e2e::{Client, Cluster, Miroir, NODE_KIND, nodes_of};
use miroir_test_redis::RedisServer;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::layout::Layout;
use crate::options::{Options, Store};
use crate::state::State;

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
    /// The nodes that Miroir is configured with.
    pub layout: Layout,
}

impl Processes {
    /// Starts everything.
    pub async fn start(options: &Options) -> Result<Self> {
        let redis = (options.store == Store::Redis).then(RedisServer::durable);
        let mut builder =
            Cluster::builder().kind(NODE_KIND).nodes(options.nodes).shard_count(5).configuration(json!({
                "cluster": { "write_quorum": 1 },
                "task_registry": { "ttl_ms": 1_000, "prune_interval_ms": 1_000 },
                "instance": { "lease_ms": 3_000 },
                "log": { "level": "info" },
            }));
        if let Some(redis) = &redis {
            builder = builder.redis(&redis.url());
        }
        if let Some(program) = &options.program {
            builder = builder.program(program);
        }
        let mut cluster = builder.start_nodes().await?;
        let layout = options.layout.clone();
        let configuration = layout.configuration(cluster.nodes());
        cluster.miroir().configure(configuration.clone())?;
        cluster.miroir().start().await?;
        let second = if redis.is_some() {
            let mut second = cluster.another_with("second", configuration).await?;
            second.start().await?;
            Some(second)
        } else {
            None
        };
        Ok(Self { cluster, second, redis, layout })
    }

    /// Accepts another topology, and starts one instance after the other with it.
    ///
    /// # Errors
    ///
    /// Fails if Miroir refuses the topology, or if an instance does not start.
    pub async fn accept(&mut self, layout: Layout) -> Result<()> {
        let configuration = layout.configuration(self.cluster.nodes());
        self.layout = layout;
        self.cluster.miroir().configure(configuration.clone())?;
        self.cluster.miroir().run(&["topology", "accept"]).await?;
        for instance in [Some(self.cluster.miroir()), self.second.as_mut()].into_iter().flatten() {
            instance.configure(configuration.clone())?;
            instance.terminate().await?;
            instance.start().await?;
        }
        Ok(())
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

    /// Moves the data of the node `from`, which is stopped for good, to the server of the node `to`.
    ///
    /// # Errors
    ///
    /// Fails if a node cannot be stopped or started.
    pub async fn move_data(&mut self, from: usize, to: usize) -> Result<()> {
        self.cluster.node(from).kill().await?;
        self.cluster.node(to).kill().await?;
        let data = self.cluster.node(from).data()?;
        self.cluster.node(to).restore(data).await?;
        self.cluster.node(to).restart().await
    }

    /// Waits until a node can be spared: every shard has another copy in sync. Clients are held up from then
    /// on, until [`State::go_on`].
    ///
    /// # Errors
    ///
    /// Fails with the stale replicas if that takes minutes.
    pub async fn spare_a_node(&self, state: &State) -> Result<()> {
        state.hold();
        self.until_quiet().await
    }

    /// Waits until no task is open and every replica is in sync, for a second.
    ///
    /// # Errors
    ///
    /// Fails with the stale replicas if that takes minutes.
    pub async fn until_quiet(&self) -> Result<()> {
        let deadline = Instant::now() + HEALING;
        loop {
            self.until_repaired_by(deadline, is_quiet).await?;
            sleep(Duration::from_secs(1)).await;
            if self.any(is_quiet).await {
                return Ok(());
            }
        }
    }

    /// Waits until every replica is in sync, while clients may go on.
    ///
    /// # Errors
    ///
    /// Fails with the stale replicas if that takes minutes.
    pub async fn until_repaired(&self) -> Result<()> {
        self.until_repaired_by(Instant::now() + HEALING, is_repaired).await
    }

    async fn until_repaired_by(
        &self,
        deadline: Instant,
        is_done: impl AsyncFn(&Client) -> Result<bool>,
    ) -> Result<()> {
        while !self.any(&is_done).await {
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
        Ok(())
    }

    /// Returns whether it is so according to one of the instances.
    async fn any(&self, is_done: impl AsyncFn(&Client) -> Result<bool>) -> bool {
        for client in self.clients() {
            if is_done(&client).await.unwrap_or(false) {
                return true;
            }
        }
        false
    }
}

/// Returns whether no task is open, and every replica is in sync.
async fn is_quiet(client: &Client) -> Result<bool> {
    let open = client.get("/tasks?statuses=enqueued,processing&limit=1").await?.expect(200)?;
    Ok(open["results"].as_array().is_some_and(Vec::is_empty) && is_repaired(client).await?)
}

/// Returns whether every replica is in sync, on healthy nodes.
async fn is_repaired(client: &Client) -> Result<bool> {
    let replicas = client.get("/_miroir/replicas").await?.expect(200)?;
    let topology = client.get("/_miroir/topology").await?.expect(200)?;
    Ok(replicas["complete"] == true
        && replicas["results"].as_array().is_some_and(Vec::is_empty)
        && nodes_of(&topology).all(|node| node["status"] == "healthy"))
}
