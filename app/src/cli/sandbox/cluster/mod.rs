//! Nodes that a command starts for itself: simulated ones, or real servers if a Meilisearch program is found.

mod real;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use miroir_devnode::{DevNode, DevNodeOptions};

use miroir_domain::GroupId;

use self::real::RealNode;
use crate::config::{ClusterConfig, Config, HealthConfig, NodeConfig, ServerConfig, StoreConfig};

/// The environment variable with the path of a Meilisearch program.
const PROGRAM_VARIABLE: &str = "MIROIR_MEILISEARCH_BIN";

/// The kind of the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// Simulated inside this process.
    Simulated,
    /// One process of this program per node.
    Real(PathBuf),
}

impl NodeKind {
    /// Returns `Real` if the environment names a program or `meilisearch` is on the path, unless `simulated`
    /// is true.
    pub(super) fn choose(simulated: bool) -> anyhow::Result<Self> {
        if simulated {
            return Ok(Self::Simulated);
        }
        if let Some(named) = std::env::var_os(PROGRAM_VARIABLE).filter(|name| !name.is_empty()) {
            let program = PathBuf::from(named);
            anyhow::ensure!(
                program.is_file(),
                "{PROGRAM_VARIABLE} is {}, which is not a file. Unset it to use simulated nodes",
                program.display()
            );
            return Ok(Self::Real(program));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|folder| folder.join("meilisearch")).find(|file| file.is_file());
        Ok(program.map_or(Self::Simulated, Self::Real))
    }

    /// Returns the kind in a few words.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Simulated => "simulated Meilisearch servers, inside this process".to_owned(),
            Self::Real(program) => format!("real Meilisearch servers ({})", program.display()),
        }
    }
}

/// Returns the configuration of a Miroir in front of `cluster`, with its store in `folder`: one replica group
/// with two copies of every document on three nodes. The write quorum is 1, because a majority of two copies
/// is both, and then no write would succeed while a node is down.
pub(super) fn example_config(
    address: SocketAddr,
    cluster: &OwnCluster,
    folder: &Path,
) -> anyhow::Result<Config> {
    Ok(Config {
        server: ServerConfig { address, ..ServerConfig::default() },
        cluster: ClusterConfig { replication_factor: 2, write_quorum: Some(1), ..ClusterConfig::default() },
        nodes: cluster.node_configs()?,
        store: StoreConfig { path: folder.join("miroir.db"), ..StoreConfig::default() },
        // Probes are faster than by default, so that the user sees status changes soon.
        health: HealthConfig { probe_interval_ms: 500, probe_timeout_ms: 1_000, ..HealthConfig::default() },
        ..Config::default()
    })
}

/// A node of either kind.
enum Member {
    Simulated(DevNode),
    Real(Box<RealNode>),
}

/// The nodes of this process. Dropping it stops them.
pub(super) struct OwnCluster {
    members: Vec<(String, Member)>,
}

impl OwnCluster {
    /// Starts `count` nodes, named `node-1` and so on. Real nodes keep their data below `folder`.
    pub(super) async fn start(kind: &NodeKind, count: usize, folder: &Path) -> anyhow::Result<Self> {
        let mut members = Vec::new();
        for number in 1..=count {
            let name = format!("node-{number}");
            let member = match kind {
                NodeKind::Simulated => {
                    let node = DevNode::start(DevNodeOptions::default()).await;
                    Member::Simulated(node.with_context(|| format!("cannot start {name}"))?)
                }
                NodeKind::Real(program) => {
                    let node = RealNode::start(program, folder.join(&name)).await;
                    Member::Real(Box::new(node.with_context(|| format!("cannot start {name}"))?))
                }
            };
            members.push((name, member));
        }
        Ok(Self { members })
    }

    /// Returns the nodes for Miroir's configuration, all in one replica group.
    fn node_configs(&self) -> anyhow::Result<Vec<NodeConfig>> {
        let config = |(name, member): &(String, Member)| {
            let url = match member {
                Member::Simulated(node) => node.url(),
                Member::Real(node) => node.url(),
            };
            Ok(NodeConfig { id: name.parse()?, url: url.parse()?, group: GroupId(0), master_key: None })
        };
        self.members.iter().map(config).collect()
    }

    /// Kills a node. Its requests and connections are aborted.
    pub(super) async fn crash(&mut self, name: &str) -> anyhow::Result<()> {
        match self.member(name)? {
            Member::Simulated(node) => node.stop().await,
            Member::Real(node) => node.kill().await?,
        }
        Ok(())
    }

    /// Starts a killed node again, with its data and at its former address.
    pub(super) async fn restart(&mut self, name: &str) -> anyhow::Result<()> {
        match self.member(name)? {
            Member::Simulated(node) => node.restart().await.context("cannot listen again")?,
            Member::Real(node) => node.restart().await?,
        }
        Ok(())
    }

    /// Stops all nodes and waits for their end.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        for (name, member) in self.members {
            match member {
                Member::Simulated(node) => node.stop().await,
                Member::Real(mut node) => node.kill().await.with_context(|| format!("cannot stop {name}"))?,
            }
        }
        Ok(())
    }

    fn member(&mut self, name: &str) -> anyhow::Result<&mut Member> {
        let found = self.members.iter_mut().find(|(member, _)| member == name);
        found.map(|(_, member)| member).with_context(|| format!("there is no node {name}"))
    }
}
