//! The cluster that is measured, and its section of the table.

use std::path::Path;

use anyhow::{Context, Result};
use miroir_e2e::{Client, Cluster, NodeKind};
use serde_json::json;

use crate::binary;

/// Name of this section in the table.
pub const SECTION: &str = "service";
/// Shards of an index: the default of the configuration.
pub const SHARDS: u32 = 64;

/// Starts three nodes in one group and a Miroir with its defaults, whose store is in `folder`.
pub async fn start(kind: NodeKind, replication_factor: u32, folder: &Path, name: &str) -> Result<Cluster> {
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

/// Returns clients that send requests to the nodes directly.
pub fn node_clients(cluster: &mut Cluster) -> Result<Vec<Client>> {
    cluster.nodes().iter().map(|node| Client::new(node.url(), None)).collect()
}
