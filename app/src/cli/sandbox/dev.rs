//! `miroir dev`: a cluster with sample data, until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use super::client::Client;
use super::cluster::{NodeKind, OwnCluster, example_config};
use super::films;
use crate::cli::output::print;
use crate::cli::signal::StopSignals;
use crate::config::{Config, LogConfig};
use crate::server::{self, RunningServer};
use crate::telemetry;

/// Arguments of `miroir dev`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DevArguments {
    /// IP address and port to listen on.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7700")]
    address: SocketAddr,
    /// Folder for all data, which is kept. Needs real Meilisearch servers. Default: a temporary folder.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Use simulated nodes even if a Meilisearch program is found.
    #[arg(long)]
    simulated: bool,
}

pub(in crate::cli) async fn run(arguments: DevArguments) -> anyhow::Result<()> {
    let kind = NodeKind::choose(arguments.simulated)?;
    ensure!(
        arguments.data.is_none() || kind != NodeKind::Simulated,
        "--data needs real Meilisearch servers, because simulated ones keep nothing: put `meilisearch` on the PATH or \
         set MIROIR_MEILISEARCH_BIN"
    );
    telemetry::init(&LogConfig::default())?;
    let mut signals = StopSignals::watch()?;
    // Dropping it removes the folder, so it is kept to the end.
    let temporary = tempfile::tempdir().context("cannot create a temporary folder")?;
    let folder = arguments.data.unwrap_or_else(|| temporary.path().to_owned());
    tokio::fs::create_dir_all(&folder)
        .await
        .with_context(|| format!("cannot create {}", folder.display()))?;

    let (cluster, running) = tokio::select! {
        started = start(&kind, arguments.address, &folder) => started?,
        _ = signals.next() => return Ok(()),
    };
    print("\nPress Ctrl-C to stop.\n")?;
    signals.next().await;
    print("Stopping; press Ctrl-C again to stop at once.\n")?;
    tokio::select! {
        stopped = stop(cluster, running) => stopped,
        _ = signals.next() => Ok(()),
    }
}

async fn start(
    kind: &NodeKind,
    address: SocketAddr,
    folder: &std::path::Path,
) -> anyhow::Result<(OwnCluster, RunningServer)> {
    print(&format!("Starting three {}.\n", kind.describe()))?;
    let cluster = OwnCluster::start(kind, 3, folder).await?;
    let config = example_config(address, &cluster, folder)?;
    for node in &config.nodes {
        print(&format!("  {} at {}\n", node.id, node.url))?;
    }
    let running = server::start(config).await?;
    let client = Client::new(format!("http://{}", running.address))?;
    // A folder from an earlier run already contains the films.
    if client.get(&format!("/indexes/{}", films::INDEX)).await?.status == 404 {
        films::prepare(&client).await?;
        let all = films::all()?;
        films::load(&client, &all, |_| {}).await?;
    }
    print(&welcome(&client, running.address).await?)?;
    Ok((cluster, running))
}

/// Returns the first message: the address and some requests to try.
async fn welcome(client: &Client, address: SocketAddr) -> anyhow::Result<String> {
    let search = format!("/indexes/{}/search", films::INDEX);
    let lines = [
        client.curl("POST", &search, Some(&json!({ "q": "casablnca" }))),
        client.curl("GET", "/tasks?limit=5", None),
        client.curl("GET", "/_miroir/topology", None),
    ];
    let count = films::count(client).await?;
    let index = films::INDEX;
    Ok(format!(
        "Miroir is at http://{address} with {count} films in the index `{index}`. Try:\n\n  {}\n",
        lines.join("\n  ")
    ))
}

async fn stop(cluster: OwnCluster, running: RunningServer) -> anyhow::Result<()> {
    let grace = Config::default().server.shutdown_grace();
    running.stop(grace).await?;
    cluster.stop().await
}
