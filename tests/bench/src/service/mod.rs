//! A deployed `miroir serve` with three nodes, measured over HTTP.

mod document;
mod http;
mod memory;
mod search;
mod target;
mod task;
mod write;

use std::path::Path;

use anyhow::Result;
use miroir_e2e::NodeKind;
use tokio::time::Instant;

use self::target::start;
use crate::row::Row;

/// Environment variable that names the Meilisearch program for real nodes.
const MEILISEARCH: &str = "MIROIR_MEILISEARCH_BIN";

/// Returns the kind of the nodes, and its description.
pub fn nodes() -> (NodeKind, &'static str) {
    match std::env::var_os(MEILISEARCH).filter(|name| !name.is_empty()) {
        Some(_) => (NodeKind::Real, "real Meilisearch processes"),
        None => (NodeKind::Simulated, "simulated, inside the measuring process"),
    }
}

/// Measures all rows of this section. Returns a description of the nodes, and the rows.
pub async fn measure(folder: &Path) -> Result<(String, Vec<Row>)> {
    let (kind, nodes) = nodes();
    let mut rows = Vec::new();
    eprintln!("Measuring the service with nodes: {nodes}...");
    // Each group of rows has a cluster of its own, so that no group depends on the data of another.
    let begun = Instant::now();
    let progress = |what| eprintln!("  {what} ({:.0} s)", begun.elapsed().as_secs_f64());
    let mut cluster = start(kind, 2, folder, "tasks").await?;
    rows.extend(memory::measure_idle(&mut cluster).await?);
    rows.extend(task::measure(&mut cluster).await?);
    drop(cluster);
    progress("read tasks");
    let mut cluster = start(kind, 2, folder, "writes").await?;
    rows.extend(write::measure(&mut cluster).await?);
    drop(cluster);
    progress("wrote documents");
    let mut cluster = start(kind, 1, folder, "searches").await?;
    rows.extend(search::measure(&mut cluster).await?);
    drop(cluster);
    progress("searched");
    let mut cluster = start(kind, 2, folder, "import").await?;
    rows.extend(memory::measure_import(&mut cluster).await?);
    progress("imported");
    Ok((nodes.to_owned(), rows))
}
