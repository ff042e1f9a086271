//! A `miroir serve` as it is deployed, with three nodes, seen over HTTP.

mod document;
mod http;
mod memory;
mod search;
mod task;
mod write;

use std::path::Path;

use anyhow::{Context, Result};
use miroir_e2e::{Client, Cluster, NodeKind};
use serde_json::json;
use tokio::time::Instant;

use crate::binary;
use crate::row::Row;

/// Names the Meilisearch program for real nodes.
const MEILISEARCH: &str = "MIROIR_MEILISEARCH_BIN";
/// The name of this section in the table.
const SECTION: &str = "service";
/// Shards of an index: the default of the configuration.
const SHARDS: u32 = 64;

/// What stood behind Miroir, and all rows of this section.
pub async fn measure(folder: &Path) -> Result<(String, Vec<Row>)> {
    let (kind, nodes) = match std::env::var_os(MEILISEARCH).filter(|name| !name.is_empty()) {
        Some(_) => (NodeKind::Real, "real Meilisearch processes"),
        None => (NodeKind::Simulated, "simulated, inside the measuring process"),
    };
    let mut rows = Vec::new();
    eprintln!("Measuring the service with nodes: {nodes}...");
    // Each group of rows has a cluster of its own, so that none pays for what another left behind.
    let begun = Instant::now();
    let progress = |what| eprintln!("  {what} ({:.0} s)", begun.elapsed().as_secs_f64());
    let mut cluster = start(kind, 2, folder, "tasks").await?;
    rows.extend(memory::measure_idle(&mut cluster).await?);
    rows.extend(task::measure(&mut cluster).await?);
    drop(cluster);
    progress("tasks are read");
    let mut cluster = start(kind, 2, folder, "writes").await?;
    rows.extend(write::measure(&mut cluster).await?);
    drop(cluster);
    progress("documents are written");
    let mut cluster = start(kind, 1, folder, "searches").await?;
    rows.extend(search::measure(&mut cluster).await?);
    drop(cluster);
    progress("searches are answered");
    let mut cluster = start(kind, 2, folder, "import").await?;
    rows.extend(memory::measure_import(&mut cluster).await?);
    progress("an import is taken");
    Ok((nodes.to_owned(), rows))
}

/// Three nodes in one group and Miroir with its defaults, the store in `folder`.
async fn start(kind: NodeKind, replication_factor: u32, folder: &Path, name: &str) -> Result<Cluster> {
    Cluster::builder()
        .kind(kind)
        .nodes(3)
        .replication_factor(replication_factor)
        .shard_count(SHARDS)
        .program(binary::path()?)
        .configuration(json!({
            "store": { "path": folder.join(format!("service-{name}.db")) },
            "health": { "probe_interval_ms": 5_000, "probe_timeout_ms": 2_000 },
            "log": { "level": "info", "format": "json" },
        }))
        .start()
        .await
        .with_context(|| format!("cannot start the cluster for {name}"))
}

/// Clients of the nodes themselves.
fn node_clients(cluster: &mut Cluster) -> Result<Vec<Client>> {
    cluster.nodes().iter().map(|node| Client::new(node.url(), None)).collect()
}
