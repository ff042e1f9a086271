//! How large indexes are: exact counts of documents from a covering set, the rest from what every node says of itself.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::stats::IndexStats;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{Answer, ApiError};
use miroir_ports::outbound::NodeRead;
use serde_json::{Map, Value, json};

use super::document_read::count_of;
use crate::cluster::Cluster;

/// Indexes looked at at once for the stats of all.
const AT_ONCE: usize = 8;

/// The stats of `indexes` (not empty) as if they were one.
pub async fn of_indexes(cluster: &Arc<Cluster>, indexes: &[IndexUid]) -> Result<Answer, ApiError> {
    let all = try_join_all(indexes.iter().map(|index| of_index(cluster, index))).await?;
    let mut sum = IndexStats::default();
    let mut missing: Vec<Degraded> = Vec::new();
    for (stats, degraded) in all {
        sum = sum.and(stats);
        missing.extend(degraded);
    }
    Ok(Answer { body: sum.to_json(), degraded: missing.into_iter().reduce(Degraded::and) })
}

/// `{databaseSize, usedDatabaseSize, lastUpdate, indexes}`. The sizes are those of all nodes together: what the cluster takes
/// of disks.
pub async fn of_cluster(cluster: &Arc<Cluster>, entries: &[IndexEntry]) -> Result<Answer, ApiError> {
    let nodes = ask_every_node(cluster, &NodeRead::AllStats).await;
    let sum = |name: &str| nodes.iter().filter_map(|answer| answer.get(name)?.as_u64()).sum::<u64>();
    // RFC 3339 in UTC orders as text does, down to the second.
    let last_update = nodes.iter().filter_map(|answer| answer.get("lastUpdate")?.as_str()).max();
    let mut indexes = Map::new();
    let mut missing: Vec<Degraded> = Vec::new();
    for some in entries.chunks(AT_ONCE) {
        let all = join_all(some.iter().map(|entry| of_index(cluster, &entry.uid))).await;
        for (entry, stats) in some.iter().zip(all) {
            let (stats, degraded) = stats?;
            indexes.insert(entry.uid.as_str().to_owned(), stats.to_json());
            missing.extend(degraded);
        }
    }
    let body = json!({
        "databaseSize": sum("databaseSize"),
        "usedDatabaseSize": sum("usedDatabaseSize"),
        "lastUpdate": last_update,
        "indexes": indexes,
    });
    Ok(Answer { body, degraded: missing.into_iter().reduce(Degraded::and) })
}

async fn of_index(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
) -> Result<(IndexStats, Option<Degraded>), ApiError> {
    let read = NodeRead::Stats(index.clone());
    let (counted, nodes) = tokio::join!(count_of(cluster, index), ask_every_node(cluster, &read));
    let (documents, degraded) = counted?;
    let copies = nodes.iter().map(IndexStats::of_node).reduce(IndexStats::and).unwrap_or_default();
    Ok((copies.scaled_to(documents), degraded))
}

/// What the nodes that serve reads answer; those that fail are left out.
async fn ask_every_node(cluster: &Arc<Cluster>, read: &NodeRead) -> Vec<Value> {
    let usable = cluster.topology.nodes().filter(|node| cluster.health.cost(node).is_some());
    let ask = |node: NodeId| async move {
        cluster.nodes.node_read(&node, read.clone(), cluster.timeouts.read).await.ok()
    };
    join_all(usable.cloned().map(ask)).await.into_iter().flatten().collect()
}
