//! Repairs settings that no single node has, since every node missed some change.
//!
//! The tasks record every change. Replayed in their order, from the first that the node may lack, they give it the
//! settings of a node that missed none.

use std::collections::BTreeSet;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{SettingsChange, as_change, fold, initial_for_nodes};
use miroir_domain::task::{Task, TaskKind, TaskQuery};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::StoreError;

use super::error::RepairError;
use super::read::read_settings;
use super::wait::{catch_up, execute};
use crate::cluster::Cluster;
use crate::task::of_index;

/// Gives `node` the index with all changes that any node accepted.
pub async fn replay(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<(), RepairError> {
    let found = match read_settings(cluster, &entry.uid, node).await? {
        Some(_) => {
            catch_up(cluster, &entry.uid, node).await?;
            read_settings(cluster, &entry.uid, node).await?
        }
        None => None,
    };
    let mut operations = Vec::new();
    if found.is_none() {
        if let Some(other) = other_with_index(cluster, &entry.uid, node).await? {
            return Err(RepairError::NotNow(format!("node `{other}` has the index and goes first")));
        }
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    // The settings of a node always include the filter on shards.
    let base = found.map_or_else(initial_for_nodes, as_change);
    let folded = fold(base, changes(cluster, entry, node).await?);
    operations.extend(folded.into_iter().map(WriteOperation::Settings));
    execute(cluster, &entry.uid, node, operations).await
}

/// Returns another node that has the index.
async fn other_with_index(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
) -> Result<Option<NodeId>, RepairError> {
    for other in cluster.placements.topology().nodes().filter(|other| *other != node) {
        if read_settings(cluster, index, other).await?.is_some() {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}

/// Returns the settings changes after the version that the node is known to have, oldest first, as far as any node
/// accepted them.
async fn changes(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
) -> Result<Vec<SettingsChange>, StoreError> {
    let known = cluster.registry.settings_version(&entry.uid, node).await?;
    let query = TaskQuery {
        kinds: Some(BTreeSet::from([TaskKind::SettingsUpdate])),
        reverse: true,
        ..of_index(&entry.uid)
    };
    // An index of the same name may have existed before.
    let is_later = |task: &Task| {
        task.created_at >= entry.created_at && task.settings_version().is_some_and(|version| version > known)
    };
    let mut changes = Vec::new();
    cluster
        .tasks
        .walk_all(query, |task| {
            let details = task.details.as_ref().filter(|_| is_later(task));
            changes.extend(details.and_then(SettingsChange::of_details));
        })
        .await?;
    Ok(changes)
}
