//! The sizes of indexes: exact counts of documents from a covering set, the rest from the statistics of
//! every node.

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

/// The indexes that are counted in parallel.
const AT_ONCE: usize = 8;

/// Returns the stats of `indexes` (not empty) as if they were one.
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

/// Returns `{databaseSize, usedDatabaseSize, lastUpdate, indexes}`. The sizes are the sums over all nodes,
/// which is the disk space that the cluster uses.
pub async fn of_cluster(cluster: &Arc<Cluster>, entries: &[IndexEntry]) -> Result<ReadResponse, ApiError> {
    let nodes = read_every_node(cluster, &NodeRead::AllStats).await;
    let sum = |name: &str| nodes.iter().filter_map(|stats| stats.get(name)?.as_u64()).sum::<u64>();
    // RFC 3339 in UTC orders as text does, down to the second.
    let last_update = nodes.iter().filter_map(|stats| stats.get("lastUpdate")?.as_str()).max();
    let mut indexes = Map::new();
    let mut missing: Vec<Degraded> = Vec::new();
    for some in entries.chunks(AT_ONCE) {
        let counted = try_join_all(some.iter().map(|entry| count_of(cluster, entry))).await?;
        for (entry, (documents, degraded)) in some.iter().zip(counted) {
            let of_nodes =
                nodes.iter().filter_map(|stats| stats.get("indexes")?.get(entry.physical_uid.as_str()));
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
    let entry = cluster.registry.require(index).await?;
    let read = NodeRead::Stats(entry.physical_uid.clone());
    let (counted, nodes) = tokio::join!(count_of(cluster, &entry), read_every_node(cluster, &read));
    let (documents, degraded) = counted?;
    Ok((of_copies(nodes.iter(), documents), degraded))
}

/// Combines the statistics of the nodes' copies of an index of so many documents.
fn of_copies<'a>(nodes: impl Iterator<Item = &'a Value>, documents: u64) -> IndexStats {
    nodes.map(IndexStats::of_node).fold(IndexStats::default(), IndexStats::and).scaled_to(documents)
}

/// Returns the responses of the nodes that serve reads. Leaves out nodes that fail.
async fn read_every_node(cluster: &Arc<Cluster>, read: &NodeRead) -> Vec<Value> {
    let usable = cluster.placements.topology().nodes().filter(|node| cluster.nodes.cost(node).is_some());
    let call = |node: NodeId| async move { cluster.nodes.read(&node, read.clone()).await.ok() };
    join_all(usable.cloned().map(call)).await.into_iter().flatten().collect()
}
