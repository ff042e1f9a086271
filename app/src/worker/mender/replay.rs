//! Brings a node settings that no single node has: every node missed one change or another.
//!
//! The tasks say what each change was. Made again in their order, from the first that the node may lack, they leave it
//! with the settings of a node that missed none.

use std::collections::BTreeSet;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{SettingsChange, as_change, fold, initial_for_nodes};
use miroir_domain::task::{TaskKind, TaskQuery};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::StoreError;

use super::MendError;
use super::settings::read_settings;
use super::wait::{carried_out, caught_up};
use crate::cluster::Cluster;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Makes `node` have the index with all changes that any node took.
pub async fn replay(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<(), MendError> {
    let found = match read_settings(cluster, &entry.uid, node).await? {
        Some(_) => {
            caught_up(cluster, &entry.uid, node).await?;
            read_settings(cluster, &entry.uid, node).await?
        }
        None => None,
    };
    let mut operations = Vec::new();
    if found.is_none() {
        if let Some(other) = other_with_index(cluster, &entry.uid, node).await? {
            return Err(MendError::NotNow(format!("node `{other}` has the index and goes first")));
        }
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    // Whatever else it has, it must have the shard filter.
    let base = found.map_or_else(initial_for_nodes, as_change);
    let folded = fold(base, changes(cluster, entry, node).await?);
    operations.extend(folded.into_iter().map(WriteOperation::Settings));
    carried_out(cluster, &entry.uid, node, operations).await
}

async fn other_with_index(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
) -> Result<Option<NodeId>, MendError> {
    for other in cluster.topology.nodes().filter(|other| *other != node) {
        if read_settings(cluster, index, other).await?.is_some() {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}

/// The changes above the version the node is known to have, oldest first, as far as any node took them.
async fn changes(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
) -> Result<Vec<SettingsChange>, StoreError> {
    let known = cluster.store.node_settings_get(&entry.uid, node).await?.map_or(0, |row| row.version);
    let mut query = TaskQuery {
        index_uids: Some(BTreeSet::from([entry.uid.clone()])),
        kinds: Some(BTreeSet::from([TaskKind::SettingsUpdate])),
        reverse: true,
        limit: PAGE,
        ..TaskQuery::default()
    };
    let mut changes = Vec::new();
    loop {
        let page = cluster.store.task_list(&query).await?;
        let later = page.tasks.iter().filter(|task| {
            // An index of the same name may have been there before.
            task.created_at >= entry.created_at
                && task.settings_version().is_some_and(|version| version > known)
        });
        changes.extend(later.filter_map(|task| SettingsChange::of_details(task.details.as_ref()?)));
        if page.next.is_none() {
            return Ok(changes);
        }
        query.from = page.next;
    }
}
