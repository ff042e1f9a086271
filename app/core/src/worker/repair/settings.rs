//! Repairs an index and its settings on a node, or deletes an index there that is gone.

use std::sync::Arc;

use miroir_domain::document::{PrimaryKey, foreign_filter};
use miroir_domain::identity::shards_without_source;
use miroir_domain::index::IndexEntry;
use miroir_domain::replica::Difference;
use miroir_domain::settings::as_change;
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::NodeRead;
use serde_json::Value;

use super::error::RepairError;
use super::read::read_settings;
use super::replay::replay;
use super::wait::{catch_up, drain, execute};
use crate::cluster::Cluster;
use crate::replica::SeenState;

/// Gives `node` the index with the settings of the other nodes.
pub async fn repair(cluster: &Arc<Cluster>, index: &IndexUid, node: &NodeId) -> Result<(), RepairError> {
    let _guard = cluster.order.lock_write(index).await;
    drain(cluster, index, node).await?;
    let seen = cluster.replicas.see(index, node).await?;
    let Some(entry) = cluster.registry.get(index).await? else {
        return remove(cluster, index, node, &seen).await;
    };
    match source(cluster, index, node) {
        Some(source) => {
            catch_up(cluster, index, &source).await?;
            // The outcome of its lost responses is known only now.
            if !has_settings(cluster, index, &source) {
                return Err(RepairError::NotNow(format!("node `{source}` misses settings as well")));
            }
            copy(cluster, &entry, &source, node).await?;
            if seen.is_index_doubtful() {
                remove_foreign(cluster, &entry, node).await?;
            }
        }
        // No node is away, so none can return with the settings.
        None if cluster.placements.topology().nodes().all(|other| cluster.nodes.is_healthy(other)) => {
            replay(cluster, &entry, node).await?;
        }
        None => {
            return Err(RepairError::NotNow("no other node is known to have its settings".to_owned()));
        }
    }
    cluster.registry.advance_settings(index, node, entry.settings_version).await?;
    Ok(cluster.replicas.repaired(&seen.of_settings()).await?)
}

/// Deletes the index on `node`.
async fn remove(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    seen: &SeenState,
) -> Result<(), RepairError> {
    if read_settings(cluster, index, node).await?.is_some() {
        execute(cluster, index, node, vec![WriteOperation::IndexDelete]).await?;
    }
    Ok(cluster.replicas.repaired(seen).await?)
}

/// Returns a node to copy the settings from.
fn source(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Option<NodeId> {
    let complete = |candidate: &&NodeId| {
        *candidate != node && cluster.nodes.is_usable(candidate) && has_settings(cluster, index, candidate)
    };
    cluster.placements.topology().nodes().find(complete).cloned()
}

fn has_settings(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> bool {
    cluster.replicas.state(index, node).has_settings()
}

/// Gives `node` the settings of `source`, and the index if `node` does not have it.
async fn copy(
    cluster: &Cluster,
    entry: &IndexEntry,
    source: &NodeId,
    node: &NodeId,
) -> Result<(), RepairError> {
    let Some(wanted) = read_settings(cluster, &entry.uid, source).await? else {
        return Err(RepairError::NotNow(format!("node `{source}` does not have the index either")));
    };
    let found = read_settings(cluster, &entry.uid, node).await?;
    let is_another = found.is_some() && has_other_key(cluster, entry, node).await?;
    if found.as_ref() == Some(&wanted) && !is_another {
        return Ok(());
    }
    let mut operations = Vec::new();
    if is_another {
        operations.push(WriteOperation::IndexDelete);
    }
    if is_another || found.is_none() {
        let placement = cluster.placements.of(entry.shard_count);
        // Documents that no other node keeps were not written, or their loss is on record already.
        let sourceless = shards_without_source(node, &placement, &|_, _| true);
        let shards = Difference::of_shards(placement.shards_of(node).difference(&sourceless));
        cluster.replicas.differs(&entry.uid, node, shards, "the node gets the index anew").await?;
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    operations.push(WriteOperation::Settings(as_change(wanted.clone())));
    execute(cluster, &entry.uid, node, operations).await?;
    if read_settings(cluster, &entry.uid, node).await?.as_ref() == Some(&wanted) {
        return Ok(());
    }
    Err(RepairError::NotNow(format!(
        "node `{node}` has other settings than node `{source}` after they were copied"
    )))
}

/// Removes the documents of shards that `node` does not keep, and those without a shard: the replica may be
/// of another time, or of unknown origin. The shards that it keeps are replaced one by one.
async fn remove_foreign(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<(), RepairError> {
    let placement = cluster.placements.of(entry.shard_count);
    let filter = foreign_filter(placement.shards_of(node));
    let removal = WriteOperation::DocumentsDeleteByFilter(Value::String(filter));
    execute(cluster, &entry.uid, node, vec![removal]).await
}

/// Returns whether the index of that name on `node` has another primary key. Then it is an index that was
/// deleted while the node was away, and the present one took its name.
async fn has_other_key(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<bool, RepairError> {
    let read = NodeRead::Index(entry.uid.clone());
    let index = cluster.nodes.read(node, read).await?;
    let key = index.get("primaryKey").and_then(Value::as_str);
    Ok(key.is_some() && key != entry.primary_key.as_ref().map(PrimaryKey::as_str))
}
