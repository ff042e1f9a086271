//! Brings a node an index and its settings, or takes from it an index that is gone.

use std::sync::Arc;

use miroir_domain::document::PrimaryKey;
use miroir_domain::health::NodeStatus;
use miroir_domain::index::IndexEntry;
use miroir_domain::settings::as_change;
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::Value;

use super::MendError;
use super::replay::replay;
use super::wait::{carried_out, caught_up, drained};
use crate::cluster::Cluster;

/// Makes `node` have `index` with the settings others have.
pub async fn mend(cluster: &Arc<Cluster>, index: &IndexUid, node: &NodeId) -> Result<(), MendError> {
    let _gate = cluster.locks.write(index).await;
    drained(cluster, index, node).await?;
    let Some(entry) = cluster.store.index_get(index).await? else {
        return remove(cluster, index, node).await;
    };
    match reference(cluster, index, node) {
        Some(reference) => {
            caught_up(cluster, index, &reference).await?;
            // What became of its lost answers is known only now.
            if !has_settings(cluster, index, &reference) {
                return Err(MendError::NotNow(format!("node `{reference}` lacks settings, too")));
            }
            copy(cluster, &entry, &reference, node).await?;
        }
        // Nobody who is away could still come back with them.
        None if cluster.topology.nodes().all(|other| cluster.health.status(other) == NodeStatus::Healthy) => {
            replay(cluster, &entry, node).await?;
        }
        None => {
            return Err(MendError::NotNow("no other node is known to have its settings".to_owned()));
        }
    }
    let now = cluster.clock.now();
    cluster.store.node_settings_advance(index, node, entry.settings_version, now).await?;
    cluster.stale.settings_mended(index, node);
    Ok(())
}

async fn remove(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<(), MendError> {
    if read_settings(cluster, index, node).await?.is_some() {
        carried_out(cluster, index, node, vec![WriteOperation::IndexDelete]).await?;
    }
    cluster.stale.mended(index, node);
    Ok(())
}

/// A node that has the settings.
fn reference(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Option<NodeId> {
    let complete = |candidate: &&NodeId| {
        *candidate != node
            && cluster.health.status(candidate) != NodeStatus::Failed
            && has_settings(cluster, index, candidate)
    };
    cluster.topology.nodes().find(complete).cloned()
}

fn has_settings(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> bool {
    !cluster.stale.lack(index, node).is_some_and(|lack| lack.settings)
}

async fn copy(
    cluster: &Cluster,
    entry: &IndexEntry,
    reference: &NodeId,
    node: &NodeId,
) -> Result<(), MendError> {
    let Some(wanted) = read_settings(cluster, &entry.uid, reference).await? else {
        return Err(MendError::NotNow(format!("node `{reference}` does not have the index either")));
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
        let placement = cluster.placement(entry.shard_count);
        cluster.stale.differs(&entry.uid, node, placement.shards_of(node));
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    operations.push(WriteOperation::Settings(as_change(wanted.clone())));
    carried_out(cluster, &entry.uid, node, operations).await?;
    if read_settings(cluster, &entry.uid, node).await?.as_ref() == Some(&wanted) {
        return Ok(());
    }
    Err(MendError::NotNow(format!(
        "node `{node}` has other settings than node `{reference}` after they were copied"
    )))
}

/// Whether the index of that name on `node` has another primary key: then it is one that was deleted while the node
/// was away, and the present one took its name.
async fn has_other_key(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<bool, MendError> {
    let read = NodeRead::Index(entry.uid.clone());
    let index = cluster.nodes.node_read(node, read, cluster.timeouts.read).await?;
    let key = index.get("primaryKey").and_then(Value::as_str);
    Ok(key.is_some() && key != entry.primary_key.as_ref().map(PrimaryKey::as_str))
}

/// The settings `node` has of `index`; none when it does not have the index.
pub(super) async fn read_settings(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
) -> Result<Option<Value>, MendError> {
    const NOT_FOUND: u16 = 404;
    let read = NodeRead::Settings(index.clone(), None);
    match cluster.nodes.node_read(node, read, cluster.timeouts.read).await {
        Ok(settings) => Ok(Some(settings)),
        Err(NodeError::Refused { status: NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
