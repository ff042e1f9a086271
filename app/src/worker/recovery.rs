//! What a process that starts must know of the time before it: which nodes lack what.
//!
//! Unfinished tasks need no step of their own: the poller finds them in the store, and its reconciler asks the nodes
//! about those that a crash left pending.

use std::sync::Arc;

use miroir_domain::task::{NodeTaskState, Task, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Rebuilds [`Cluster::stale`] from the store. Reads are served meanwhile; a stale node may then answer one, as a
/// node would that missed its write this very moment.
pub async fn recover(cluster: Arc<Cluster>) {
    if let Err(error) = recall_settings(&cluster).await {
        tracing::warn!("recalling which nodes lack settings: {error}");
    }
    if let Err(error) = recall_misses(&cluster).await {
        tracing::warn!("recalling which nodes missed writes: {error}");
    }
}

async fn recall_settings(cluster: &Cluster) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let entries = cluster.store.index_list(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = Some(last.uid.clone());
        for entry in &entries {
            let rows = cluster.store.node_settings_list(&entry.uid).await?;
            let known = |node: &NodeId| {
                rows.iter().any(|row| row.node_id == *node && row.version >= entry.settings_version)
            };
            let lacking: Vec<&NodeId> = cluster.topology.nodes().filter(|node| !known(node)).collect();
            // When no node is known to have them, the change is still under way, and nobody is behind the others.
            if lacking.len() < cluster.topology.nodes().count() {
                for node in lacking {
                    cluster.stale.missed_settings(&entry.uid, node);
                }
            }
        }
    }
}

async fn recall_misses(cluster: &Cluster) -> Result<(), StoreError> {
    let mut query = TaskQuery { limit: PAGE, ..TaskQuery::default() };
    loop {
        let page = cluster.store.task_list(&query).await?;
        for task in &page.tasks {
            recall_task(cluster, task);
        }
        if page.next.is_none() {
            return Ok(());
        }
        query.from = page.next;
    }
}

fn recall_task(cluster: &Cluster, task: &Task) {
    let Some(index) = &task.index_uid else { return };
    // A write that no node took left no node behind the others.
    if task.node_tasks.is_empty() {
        return;
    }
    for (node, miss) in &task.node_errors {
        cluster.note_miss(task.kind, index, node, Some(&miss.shards));
    }
    if task.status == TaskStatus::Failed {
        recall_split_failure(cluster, task, index);
    }
}

fn recall_split_failure(cluster: &Cluster, task: &Task, index: &IndexUid) {
    let succeeded = |state| state == NodeTaskState::Succeeded;
    if !task.node_tasks.values().any(|node_task| succeeded(node_task.status)) {
        return;
    }
    for (node, node_task) in task.node_tasks.iter().filter(|(_, node_task)| !succeeded(node_task.status)) {
        cluster.note_miss(task.kind, index, node, Some(&node_task.shards));
    }
}
