//! Reads about an index as a whole: its settings and its entry.

use std::collections::BTreeMap;

use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::{NodeId, ShardSet};
use miroir_ports::inbound::{ApiError, ReadResponse};
use miroir_ports::outbound::NodeRead;

use super::first::read_first;
use crate::cluster::{Cluster, SearchPolicy};

/// Reads from a node whose settings are in sync, however stale its documents are. If there is none, the
/// response of another node is marked, or refused if the policy says so.
///
/// # Errors
///
/// Fails as [`read_first`] does.
pub async fn read_whole_index(
    cluster: &Cluster,
    entry: &IndexEntry,
    read: NodeRead,
) -> Result<ReadResponse, ApiError> {
    let index = &entry.physical_uid;
    let nodes = cluster.placements.topology().nodes();
    let (stale, in_sync): (Vec<&NodeId>, Vec<&NodeId>) =
        nodes.partition(|node| cluster.replicas.lacks_settings(index, node));
    // Before the call: a replica may be repaired before its response is here.
    let shards = ShardSet::all(entry.shard_count);
    let doubts: BTreeMap<&NodeId, Option<Degraded>> =
        stale.iter().map(|node| (*node, cluster.doubt(index, node, &shards))).collect();
    let error = match read_first(cluster, Some(entry), in_sync, read.clone()).await {
        Ok((_, body)) => return Ok(ReadResponse { body, degraded: None }),
        Err(error) => error,
    };
    let is_away = matches!(error, ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, .. });
    if !is_away || stale.is_empty() || cluster.search_policy != SearchPolicy::Partial {
        return Err(error);
    }
    let (node, body) = read_first(cluster, Some(entry), stale, read).await?;
    Ok(ReadResponse { body, degraded: doubts.get(&node).cloned().flatten() })
}
