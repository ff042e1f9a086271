//! Nodes: simulated ones inside the test, or real Meilisearch processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use miroir_devnode::{DevNode, DevNodeOptions, Snapshot};
use miroir_test_server::free_address;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::binary;
use crate::client::Client;
use crate::process::Process;
use crate::wait::TIMEOUT;

/// Kind of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// [`DevNode`]s inside the process of the test.
    Simulated,
    /// Processes of the binary that `MIROIR_MEILISEARCH_BIN` names.
    Real,
}

/// Kind of the nodes of tests that run on both: real ones if the cargo feature `real` is on.
pub const NODE_KIND: NodeKind = if cfg!(feature = "real") { NodeKind::Real } else { NodeKind::Simulated };

/// A node, which keeps its address and its data through crashes.
pub struct Node {
    id: String,
    url: String,
    server: Server,
}

enum Server {
    Simulated(DevNode),
    Real {
        process: Box<Process>,
        client: Client,
        /// The folder of its data.
        data: PathBuf,
    },
}

/// A copy of the data of a node.
pub enum NodeData {
    /// Of a simulated node.
    Simulated(Box<Snapshot>),
    /// The folder of a real one.
    Real(TempDir),
}

impl Node {
    /// Starts an empty node. A real one keeps its data in `directory`.
    pub(crate) async fn start(
        kind: NodeKind,
        id: String,
        master_key: Option<&str>,
        directory: &Path,
    ) -> Result<Self> {
        let server = match kind {
            NodeKind::Simulated => {
                let options =
                    DevNodeOptions { master_key: master_key.map(str::to_owned), ..DevNodeOptions::default() };
                Server::Simulated(DevNode::start(options).await.context("cannot start a simulated node")?)
            }
            NodeKind::Real => real(&id, master_key, directory)?,
        };
        let url = match &server {
            Server::Simulated(node) => node.url(),
            Server::Real { client, .. } => client.base_url().to_owned(),
        };
        let mut node = Self { id, url, server };
        if kind == NodeKind::Real {
            node.restart().await?;
        }
        Ok(node)
    }

    /// Returns the name of the node in Miroir's configuration.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the URL of the node.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the simulated node, whose behaviour can be changed. Returns an error if the node is real.
    pub fn simulated(&self) -> Result<&DevNode> {
        match &self.server {
            Server::Simulated(node) => Ok(node),
            Server::Real { .. } => bail!("node {} is real and has no switches", self.id),
        }
    }

    /// Crashes the node: connections break, its port is closed, acknowledged data is kept.
    pub async fn kill(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Simulated(node) => {
                node.stop().await;
                Ok(())
            }
            Server::Real { process, .. } => process.kill().await,
        }
    }

    /// Returns a copy of the data of the stopped node.
    pub fn data(&self) -> Result<NodeData> {
        match &self.server {
            Server::Simulated(node) => Ok(NodeData::Simulated(Box::new(node.snapshot()))),
            Server::Real { data, .. } => {
                let copy = tempfile::tempdir()?;
                copy_folder(data, copy.path())?;
                Ok(NodeData::Real(copy))
            }
        }
    }

    /// Deletes the data of the stopped node.
    pub async fn wipe(&self) -> Result<()> {
        match &self.server {
            Server::Simulated(node) => node.wipe().await.context("the node runs"),
            Server::Real { data, .. } => std::fs::remove_dir_all(data).context("cannot delete the data"),
        }
    }

    /// Replaces the data of the stopped node by data of this or another node of its kind.
    pub async fn restore(&self, data: NodeData) -> Result<()> {
        match (&self.server, data) {
            (Server::Simulated(node), NodeData::Simulated(snapshot)) => {
                node.restore(*snapshot).await.context("the node runs")
            }
            (Server::Real { data, .. }, NodeData::Real(copy)) => {
                std::fs::remove_dir_all(data)?;
                copy_folder(copy.path(), data)
            }
            _ => bail!("the data of a simulated node is of no use to a real one"),
        }
    }

    /// Starts the node again at the same address, and waits until it responds.
    pub async fn restart(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Simulated(node) => node.restart().await.context("cannot restart a simulated node"),
            Server::Real { process, client, .. } => {
                process.start()?;
                until_responding(process, client).await
            }
        }
    }
}

fn real(id: &str, master_key: Option<&str>, directory: &Path) -> Result<Server> {
    let address = free_address();
    let home = directory.join(id);
    std::fs::create_dir_all(&home)?;
    let mut command = Command::new(binary::meilisearch()?);
    command
        .args(["--http-addr", &address.to_string(), "--env", "development", "--no-analytics"])
        .arg("--db-path")
        .arg(home.join("data"))
        .env("NO_COLOR", "1")
        .current_dir(&home);
    if let Some(key) = master_key {
        command.args(["--master-key", key]);
    }
    let process = Process::new(format!("node {id}"), command, home.join("log"));
    Ok(Server::Real {
        data: home.join("data"),
        process: Box::new(process),
        client: Client::new(format!("http://{address}"), master_key)?,
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

async fn until_responding(process: &mut Process, client: &Client) -> Result<()> {
    let responding = async {
        loop {
            process.expect_running()?;
            if client.get("/health").await.is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(TIMEOUT, responding).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("{} runs and does not respond", client.base_url()),
    }
}
