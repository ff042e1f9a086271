//! Nodes and a Miroir in front of them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{Client, Miroir, Node, NodeKind};

/// What a cluster is made of. Two nodes in one group, one copy of each shard, unless told otherwise.
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
    /// What the nodes are.
    #[must_use]
    pub fn kind(mut self, kind: NodeKind) -> Self {
        self.kind = kind;
        self
    }

    /// How many nodes there are in all.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// How many replica groups the nodes are dealt to in turn.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups.max(1);
        self
    }

    /// Copies of a shard inside a group.
    #[must_use]
    pub fn replication_factor(mut self, replication_factor: u32) -> Self {
        self.replication_factor = replication_factor;
        self
    }

    /// Shards of an index.
    #[must_use]
    pub fn shard_count(mut self, shard_count: u32) -> Self {
        self.shard_count = shard_count;
        self
    }

    /// The master key of the nodes.
    #[must_use]
    pub fn node_key(mut self, key: &str) -> Self {
        self.node_key = Some(key.to_owned());
        self
    }

    /// More configuration for Miroir, in the form of its file; wins over what the builder says.
    #[must_use]
    pub fn configuration(mut self, overrides: Value) -> Self {
        merge(&mut self.overrides, overrides);
        self
    }

    /// Keeps the store on the Redis server at `url`.
    #[must_use]
    pub fn redis(self, url: &str) -> Self {
        self.configuration(json!({ "store": { "backend": "redis", "redis": { "url": url } } }))
    }

    /// An environment variable for Miroir.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The `miroir` program to run, instead of the one of this workspace.
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

    /// Starts the nodes, and leaves Miroir to be started.
    pub async fn start_nodes(self) -> Result<Cluster> {
        let directory = tempfile::tempdir().context("cannot make a directory for the cluster")?;
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
            // Tests that stop nodes should not wait long until it is noticed.
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

/// A running cluster. Everything in it ends when it is dropped: Miroir first, then its nodes, then their files.
pub struct Cluster {
    miroir: Miroir,
    nodes: Vec<Node>,
    builder: ClusterBuilder,
    directory: TempDir,
}

impl Cluster {
    /// A cluster to be described.
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

    /// The Miroir process.
    pub fn miroir(&mut self) -> &mut Miroir {
        &mut self.miroir
    }

    /// Another Miroir in front of the same nodes, with the same configuration but for its name; not running yet. It must not
    /// outlive the cluster.
    pub async fn another(&self, id: &str) -> Result<Miroir> {
        self.another_with(id, Value::Null).await
    }

    /// The same, with more configuration of its own; null is none.
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

    /// A client of Miroir, usable while the cluster is changed.
    pub fn client(&self) -> Client {
        self.miroir.client().clone()
    }

    /// The nodes.
    pub fn nodes(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// The node at `position`, counted from 0.
    ///
    /// # Panics
    ///
    /// When there are fewer nodes.
    pub fn node(&mut self, position: usize) -> &mut Node {
        &mut self.nodes[position]
    }
}

/// Puts `overrides` over `base`, key by key; anything but two objects is replaced.
fn merge(base: &mut Value, overrides: Value) {
    match (base, overrides) {
        (Value::Object(base), Value::Object(overrides)) => {
            for (key, value) in overrides {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, overrides) => *base = overrides,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_goes_into_objects_and_replaces_the_rest() {
        let mut base = json!({ "a": { "b": 1, "c": [1] }, "d": 2 });
        merge(&mut base, json!({ "a": { "c": [2], "e": 3 }, "f": null }));
        assert_eq!(base, json!({ "a": { "b": 1, "c": [2], "e": 3 }, "d": 2, "f": null }));
    }
}
