//! Nodes and a Miroir in front of them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::configuration::merge;
use crate::miroir::Miroir;
use crate::node::{Node, NodeKind};

/// A description of a cluster. The default is two nodes in one group, and one copy of each shard.
#[derive(Debug, Clone)]
pub struct ClusterBuilder {
    kind: NodeKind,
    nodes: usize,
    groups: usize,
    replication_factor: u32,
    shard_count: u32,
    node_key: Option<String>,
    overrides: Value,
    environment: Vec<(String, String)>,
    program: Option<PathBuf>,
}

impl ClusterBuilder {
    /// Sets the kind of the nodes.
    #[must_use]
    pub fn kind(mut self, kind: NodeKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the total number of nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets the number of replica groups, to which the nodes are assigned in turn.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups.max(1);
        self
    }

    /// Sets the number of copies of a shard inside a group.
    #[must_use]
    pub fn replication_factor(mut self, replication_factor: u32) -> Self {
        self.replication_factor = replication_factor;
        self
    }

    /// Sets the number of shards of an index.
    #[must_use]
    pub fn shard_count(mut self, shard_count: u32) -> Self {
        self.shard_count = shard_count;
        self
    }

    /// Sets the master key of the nodes.
    #[must_use]
    pub fn node_key(mut self, key: &str) -> Self {
        self.node_key = Some(key.to_owned());
        self
    }

    /// Adds configuration of Miroir, in the form of its file. It overrides the other settings of the builder.
    #[must_use]
    pub fn configuration(mut self, overrides: Value) -> Self {
        merge(&mut self.overrides, overrides);
        self
    }

    /// Puts the store on the Redis server at `url`.
    #[must_use]
    pub fn redis(self, url: &str) -> Self {
        self.configuration(json!({ "store": { "backend": "redis", "redis": { "url": url } } }))
    }

    /// Adds an environment variable of Miroir.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the `miroir` program, instead of the one of this workspace.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Starts the nodes, then Miroir, and waits until it is ready.
    pub async fn start(self) -> Result<Cluster> {
        let mut cluster = self.start_nodes().await?;
        cluster.miroir.start().await?;
        Ok(cluster)
    }

    /// Starts the nodes only.
    pub async fn start_nodes(self) -> Result<Cluster> {
        let directory = tempfile::tempdir().context("cannot create a directory for the cluster")?;
        let mut nodes = Vec::new();
        for number in 0..self.nodes {
            let id = format!("node-{}", number + 1);
            nodes.push(Node::start(self.kind, id, self.node_key.as_deref(), directory.path()).await?);
        }
        let miroir = Miroir::new(
            self.configuration_for(&nodes),
            &self.environment,
            self.program.as_deref(),
            directory.path(),
        )
        .await?;
        Ok(Cluster { miroir, nodes, builder: self, directory })
    }

    fn configuration_for(&self, nodes: &[Node]) -> Value {
        let entries: Vec<Value> = nodes
            .iter()
            .enumerate()
            .map(|(position, node)| {
                json!({ "id": node.id(), "url": node.url(), "group": position % self.groups })
            })
            .collect();
        let mut configuration = json!({
            "cluster": { "replication_factor": self.replication_factor, "shard_count": self.shard_count },
            "nodes": entries,
            // A short interval, so that a stopped node is noticed quickly.
            "health": { "probe_interval_ms": 200, "probe_timeout_ms": 1_000 },
            "log": { "level": "info,miroir=debug", "format": "text" },
        });
        if let Some(key) = &self.node_key {
            configuration["node_defaults"] = json!({ "master_key": key });
        }
        merge(&mut configuration, self.overrides.clone());
        configuration
    }
}

/// A running cluster. On drop it stops Miroir, then the nodes, and then deletes their files.
pub struct Cluster {
    miroir: Miroir,
    nodes: Vec<Node>,
    builder: ClusterBuilder,
    directory: TempDir,
}

impl Cluster {
    /// Returns a builder with the defaults.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder {
            kind: NodeKind::Simulated,
            nodes: 2,
            groups: 1,
            replication_factor: 1,
            shard_count: 16,
            node_key: None,
            overrides: Value::Object(Map::new()),
            environment: Vec::new(),
            program: None,
        }
    }

    /// Returns the Miroir process.
    pub fn miroir(&mut self) -> &mut Miroir {
        &mut self.miroir
    }

    /// Creates another Miroir in front of the same nodes, with the same configuration and another name. It is
    /// not started yet, and must not outlive the cluster.
    pub async fn another(&self, id: &str) -> Result<Miroir> {
        self.another_with(id, Value::Null).await
    }

    /// Like [`Self::another`], with additional configuration unless `overrides` is null.
    pub async fn another_with(&self, id: &str, overrides: Value) -> Result<Miroir> {
        let directory = self.directory.path().join(id);
        std::fs::create_dir(&directory)?;
        let mut configuration = self.builder.configuration_for(&self.nodes);
        merge(&mut configuration, json!({ "instance": { "id": id } }));
        if !overrides.is_null() {
            merge(&mut configuration, overrides);
        }
        let program = self.builder.program.as_deref();
        Miroir::new(configuration, &self.builder.environment, program, &directory).await
    }

    /// Returns a client of Miroir, which is usable while the cluster is changed.
    pub fn client(&self) -> Client {
        self.miroir.client().clone()
    }

    /// Returns the nodes.
    pub fn nodes(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// Returns the node at `position`, counted from 0.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer nodes.
    pub fn node(&mut self, position: usize) -> &mut Node {
        &mut self.nodes[position]
    }
}
