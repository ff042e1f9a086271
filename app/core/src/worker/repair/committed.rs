//! The committed settings for a repair: brought up to date with the tasks and, for an index of an older
//! Miroir, read from a node once.

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{CommittedSettings, canonical_of_node};
use miroir_domain::task::{NodeTaskState, Task, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::error_chain;
use miroir_ports::outbound::StoreError;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::error::RepairError;
use super::read::read_settings;
use crate::cluster::Cluster;
use crate::task::unfinished_of_index;

/// The pause between two attempts to read the settings of indexes of an older Miroir.
const PAUSE: Duration = Duration::from_secs(10);

/// The indexes whose committed settings are not known yet.
#[derive(Debug, Default)]
pub(super) struct Unfilled {
    /// `None` until the registry was read.
    indexes: Option<BTreeSet<IndexUid>>,
    next: Option<Instant>,
}

impl Unfilled {
    /// Tries to read the settings of the indexes that are left, if it is time.
    pub(super) async fn round(&mut self, cluster: &Cluster) {
        let is_done = self.indexes.as_ref().is_some_and(BTreeSet::is_empty);
        if is_done || self.next.is_some_and(|next| Instant::now() < next) {
            return;
        }
        self.next = Some(Instant::now() + PAUSE);
        if let Err(error) = self.fill(cluster).await {
            tracing::debug!("cannot look for settings that are not recorded: {}", error_chain(&error));
        }
    }

    async fn fill(&mut self, cluster: &Cluster) -> Result<(), StoreError> {
        let mut left = BTreeSet::new();
        for entry in cluster.registry.all().await? {
            if self.indexes.as_ref().is_some_and(|indexes| !indexes.contains(&entry.uid)) {
                continue;
            }
            if let Err(error) = complete_row(cluster, &entry).await {
                tracing::debug!(index = %entry.uid, "the settings are not recorded yet: {}", error_chain(&error));
                left.insert(entry.uid);
            }
        }
        self.indexes = Some(left);
        Ok(())
    }
}

/// Returns the row of the index of `entry` with the settings of every change that has ended.
pub(super) async fn complete_row(
    cluster: &Cluster,
    entry: &IndexEntry,
) -> Result<CommittedSettings, RepairError> {
    let row = match cluster.settings.get(&entry.physical_uid).await? {
        Some(row) => ended(cluster, row).await?,
        None => CommittedSettings::unknown(entry.physical_uid.clone(), 0, cluster.clock.now()),
    };
    if row.is_complete(entry.settings_version) {
        return Ok(row);
    }
    fill(cluster, entry, row).await
}

/// Returns the row after the changes whose tasks have ended without it: an older Miroir has ended them, or
/// they are gone.
async fn ended(cluster: &Cluster, row: CommittedSettings) -> Result<CommittedSettings, RepairError> {
    let mut current = row.clone();
    for uid in row.open() {
        let task = cluster.tasks.get(uid).await?;
        if task.as_ref().is_none_or(|task| task.status.is_finished()) {
            let succeeded = task.is_some_and(|task| task.status == TaskStatus::Succeeded);
            let now = cluster.clock.now();
            current = current.clone().ended(uid, succeeded, now).unwrap_or(current);
        }
    }
    if current == row {
        return Ok(row);
    }
    stored(cluster, current).await
}

/// Stores a row in place of the one that was read.
async fn stored(cluster: &Cluster, row: CommittedSettings) -> Result<CommittedSettings, RepairError> {
    if cluster.settings.put(&row).await? {
        return Ok(CommittedSettings { version: row.version + 1, ..row });
    }
    Err(RepairError::NotNow("its settings have just been changed".to_owned()))
}

/// Reads the settings from a node. It has them all, if no change is under way before and after.
async fn fill(
    cluster: &Cluster,
    entry: &IndexEntry,
    row: CommittedSettings,
) -> Result<CommittedSettings, RepairError> {
    refuse_while_changing(cluster, &entry.uid).await?;
    let (source, found) = match source(cluster, entry).await? {
        Some((source, settings)) => (Some(source), canonical_of_node(&settings)),
        // No node has the index: it is made anew.
        None => (None, Map::new()),
    };
    let _guard = cluster.order.lock_write(&entry.uid).await;
    let current = cluster.registry.get(&entry.uid).await?;
    if current.is_none_or(|current| current.settings_version != entry.settings_version) {
        return Err(RepairError::NotNow("its settings have just been changed".to_owned()));
    }
    let is_new = cluster.settings.get(&entry.physical_uid).await?.is_none();
    let row = row.filled(found, entry.settings_version, cluster.clock.now());
    let missing =
        row.settings.as_ref().map(miroir_domain::settings::SealedSettings::missing).unwrap_or_default();
    let row = if is_new {
        cluster.settings.restore(&row).await?;
        row
    } else {
        stored(cluster, row).await?
    };
    let source = source.as_ref().map_or("no node", NodeId::as_str);
    tracing::info!(index = %entry.uid, source, "recorded the settings of an index of an older Miroir");
    if !missing.is_empty() {
        tracing::warn!(
            index = %entry.uid,
            "nodes do not show these keys in full, so a node that loses them cannot be given them again until they are \
             sent again: {}",
            missing.join(", ")
        );
    }
    Ok(row)
}

async fn refuse_while_changing(cluster: &Cluster, index: &IndexUid) -> Result<(), RepairError> {
    let kinds = Some(BTreeSet::from([TaskKind::SettingsUpdate]));
    let query = TaskQuery { kinds, limit: 1, ..unfinished_of_index(index) };
    match cluster.store.task_list(&query).await?.tasks.first() {
        Some(task) => Err(still_changing(task.uid)),
        None => Ok(()),
    }
}

fn still_changing(task: TaskUid) -> RepairError {
    RepairError::NotNow(format!("task {task}, which changes its settings, has not ended"))
}

/// Returns a node with the settings of the index, and its settings. A node in sync is preferred. If none is,
/// and all are healthy, so that none can return with more, it is the one with the newest settings.
async fn source(cluster: &Cluster, entry: &IndexEntry) -> Result<Option<(NodeId, Value)>, RepairError> {
    let nodes = || cluster.placements.topology().nodes();
    let in_sync = |node: &&NodeId| {
        cluster.nodes.is_usable(node) && cluster.replicas.state(&entry.physical_uid, node).has_settings()
    };
    if let Some(node) = nodes().find(in_sync) {
        if let Some(settings) = read_settings(cluster, &entry.physical_uid, node).await? {
            return Ok(Some((node.clone(), settings)));
        }
        return Err(RepairError::NotNow(format!("node `{node}` does not have the index")));
    }
    if !nodes().all(|node| cluster.nodes.is_healthy(node)) {
        return Err(RepairError::NotNow("no node is known to have its settings".to_owned()));
    }
    let mut newest: Option<(u64, NodeId, Value)> = None;
    for node in nodes() {
        let Some(settings) = read_settings(cluster, &entry.physical_uid, node).await? else { continue };
        let version = cluster.registry.settings_version(&entry.physical_uid, node).await?;
        if newest.as_ref().is_none_or(|(known, ..)| *known < version) {
            newest = Some((version, node.clone(), settings));
        }
    }
    Ok(newest.map(|(_, node, settings)| (node, settings)))
}

/// Returns the tasks of the open changes of `row` that take effect although they have not ended: every node
/// whose response is known has carried the change out.
pub(super) async fn taking_effect(
    cluster: &Cluster,
    row: &CommittedSettings,
) -> Result<BTreeSet<TaskUid>, RepairError> {
    let mut taking = BTreeSet::new();
    for uid in row.open() {
        match cluster.tasks.get(uid).await? {
            Some(task) if takes_effect(cluster, &task) => drop(taking.insert(uid)),
            _ => return Err(still_changing(uid)),
        }
    }
    Ok(taking)
}

/// Returns whether only nodes that are away keep the task from its end, and a node has succeeded.
fn takes_effect(cluster: &Cluster, task: &Task) -> bool {
    let mut parts = task.node_tasks.iter();
    let has_success = task.node_tasks.values().any(|part| part.status == NodeTaskState::Succeeded);
    has_success
        && parts.all(|(node, part)| match part.status {
            NodeTaskState::Succeeded => true,
            NodeTaskState::Pending => !cluster.nodes.is_usable(node),
            _ => false,
        })
}
