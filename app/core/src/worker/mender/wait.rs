//! Waiting for nodes to be done with what they were given.

use std::collections::BTreeSet;
use std::time::Duration;

use miroir_domain::task::{TaskQuery, TaskStatus};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::{NodeTaskSelection, NodeWrite};
use tokio::time::Instant;

use super::MendError;
use crate::cluster::Cluster;

/// How long the tasks of an index may take to end before mending gives way to them.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a node may take over one part that it is brought.
const PART: Duration = Duration::from_mins(2);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until every task of `index` has ended on `node`. The caller holds the index's gate, so no new ones come.
pub async fn drained(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<(), MendError> {
    let query = TaskQuery {
        index_uids: Some(BTreeSet::from([index.clone()])),
        statuses: Some(BTreeSet::from([TaskStatus::Enqueued, TaskStatus::Processing])),
        limit: 1_000,
        ..TaskQuery::default()
    };
    let deadline = Instant::now() + DRAIN;
    loop {
        let page = cluster.store.task_list(&query).await?;
        let busy = page
            .tasks
            .iter()
            .any(|task| task.node_tasks.get(node).is_some_and(|node_task| !node_task.status.is_finished()));
        if !busy && page.next.is_none() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(MendError::NotNow(format!("node `{node}` is still busy with index `{index}`")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until `reference` shows everything that it has accepted for `index`. The tasks of Miroir do not tell: one
/// without quorum is over while a node that accepted it still has it in its queue. A node works in order, so a
/// deletion of nothing that it is done with says that it is done with all before.
pub async fn caught_up(cluster: &Cluster, index: &IndexUid, reference: &NodeId) -> Result<(), MendError> {
    drained(cluster, index, reference).await?;
    carried_out(cluster, index, reference, vec![WriteOperation::DocumentsDelete(Vec::new())]).await
}

/// Sends `operations` to `node`, one after the other, and waits until all of them have succeeded there.
pub async fn carried_out(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    operations: Vec<WriteOperation>,
) -> Result<(), MendError> {
    let mut sent = Vec::new();
    for operation in operations {
        let write = NodeWrite { index: index.clone(), operation, custom_metadata: None };
        let uid = cluster.nodes.node_write(node, write, cluster.timeouts.write).await?;
        sent.push(uid);
    }
    succeeded(cluster, node, sent).await
}

async fn succeeded(cluster: &Cluster, node: &NodeId, mut open: Vec<u32>) -> Result<(), MendError> {
    let deadline = Instant::now() + PART;
    while !open.is_empty() {
        let selection = NodeTaskSelection::Uids(open.clone());
        let reports = cluster.nodes.node_tasks(node, selection, cluster.timeouts.read).await?;
        let mut unfinished = Vec::new();
        for uid in open {
            let report = reports.iter().find(|report| report.uid == uid);
            let Some(report) = report else {
                return Err(MendError::NotNow(format!("node `{node}` forgot its task {uid}")));
            };
            if !report.status.is_finished() {
                unfinished.push(uid);
            } else if report.status != TaskStatus::Succeeded {
                let why = report.error.as_ref().map_or("no reason given", |error| &error.message);
                return Err(MendError::NotNow(format!("task {uid} of node `{node}` failed: {why}")));
            }
        }
        open = unfinished;
        if open.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            return Err(MendError::NotNow(format!("tasks {open:?} of node `{node}` are not done yet")));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
