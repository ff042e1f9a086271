//! How large indexes are: exact counts of documents from a covering set, the rest from what every node says of itself.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::stats::IndexStats;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{ApiError, ReadResponse};
use miroir_ports::outbound::NodeRead;
use serde_json::{Map, Value, json};

use super::document::count_of;
use crate::cluster::Cluster;

/// Indexes looked at at once for the stats of all.
const AT_ONCE: usize = 8;

/// The stats of `indexes` (not empty) as if they were one.
pub async fn of_indexes(cluster: &Arc<Cluster>, indexes: &[IndexUid]) -> Result<ReadResponse, ApiError> {
    let all = try_join_all(indexes.iter().map(|index| of_index(cluster, index))).await?;
    let mut sum = IndexStats::default();
    let mut missing: Vec<Degraded> = Vec::new();
    for (stats, degraded) in all {
        sum = sum.and(stats);
        missing.extend(degraded);
    }
    Ok(ReadResponse { body: sum.to_json(), degraded: missing.into_iter().reduce(Degraded::and) })
}

/// `{databaseSize, usedDatabaseSize, lastUpdate, indexes}`. The sizes are those of all nodes together: what the cluster takes
/// of disks.
pub async fn of_cluster(cluster: &Arc<Cluster>, entries: &[IndexEntry]) -> Result<ReadResponse, ApiError> {
    let nodes = ask_every_node(cluster, &NodeRead::AllStats).await;
    let sum = |name: &str| nodes.iter().filter_map(|answer| answer.get(name)?.as_u64()).sum::<u64>();
    // RFC 3339 in UTC orders as text does, down to the second.
    let last_update = nodes.iter().filter_map(|answer| answer.get("lastUpdate")?.as_str()).max();
    let mut indexes = Map::new();
    let mut missing: Vec<Degraded> = Vec::new();
    for some in entries.chunks(AT_ONCE) {
        let counted = try_join_all(some.iter().map(|entry| count_of(cluster, entry))).await?;
        for (entry, (documents, degraded)) in some.iter().zip(counted) {
            let of_nodes = nodes.iter().filter_map(|answer| answer.get("indexes")?.get(entry.uid.as_str()));
            let stats = of_copies(of_nodes, documents).to_json();
            indexes.insert(entry.uid.as_str().to_owned(), stats);
            missing.extend(degraded);
        }
    }
    let body = json!({
        "databaseSize": sum("databaseSize"),
        "usedDatabaseSize": sum("usedDatabaseSize"),
        "lastUpdate": last_update,
        "indexes": indexes,
    });
    Ok(ReadResponse { body, degraded: missing.into_iter().reduce(Degraded::and) })
}

async fn of_index(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
) -> Result<(IndexStats, Option<Degraded>), ApiError> {
    let entry = cluster.known_index(index).await?;
    let read = NodeRead::Stats(index.clone());
    let (counted, nodes) = tokio::join!(count_of(cluster, &entry), ask_every_node(cluster, &read));
    let (documents, degraded) = counted?;
    Ok((of_copies(nodes.iter(), documents), degraded))
}

/// What nodes say of their copies of an index, for an index of so many documents.
fn of_copies<'a>(nodes: impl Iterator<Item = &'a Value>, documents: u64) -> IndexStats {
    nodes.map(IndexStats::of_node).fold(IndexStats::default(), IndexStats::and).scaled_to(documents)
}

/// What the nodes that serve reads answer; those that fail are left out.
async fn ask_every_node(cluster: &Arc<Cluster>, read: &NodeRead) -> Vec<Value> {
    let usable = cluster.topology.nodes().filter(|node| cluster.health.cost(node).is_some());
    let ask = |node: NodeId| async move {
        cluster.nodes.node_read(&node, read.clone(), cluster.timeouts.read).await.ok()
    };
    join_all(usable.cloned().map(ask)).await.into_iter().flatten().collect()
}
