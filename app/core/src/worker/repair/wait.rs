//! Waiting for nodes to finish tasks.

use std::ops::ControlFlow;
use std::time::Duration;

use miroir_domain::task::TaskStatus;
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::{NodeTaskSelection, NodeWrite};
use tokio::time::Instant;

use super::error::RepairError;
use crate::cluster::Cluster;
use crate::task::unfinished_of_index;

/// The time for which a repair waits until the tasks of an index have ended, before it gives way to them.
const DRAIN: Duration = Duration::from_secs(10);
/// The time that a node may take for one part of a repair.
const PART: Duration = Duration::from_mins(2);
/// The pause between two polls.
const POLL: Duration = Duration::from_millis(50);

/// Waits until every task of `index` has ended on `node`. The caller holds the write lock of the index, so
/// there are no new ones.
pub async fn drain(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<(), RepairError> {
    let deadline = Instant::now() + DRAIN;
    loop {
        let busy = cluster.tasks.walk(unfinished_of_index(index), |task| {
            let is_busy = task.node_tasks.get(node).is_some_and(|part| !part.status.is_finished());
            if is_busy { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if busy.await?.is_none() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(RepairError::NotNow(format!("node `{node}` is still busy with index `{index}`")));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until `source` has finished every write of `index` that it accepted. The tasks of Miroir do not
/// show that: a task without quorum has ended while a node that accepted it still has it in its queue. A
/// node works in order, so after a deletion of no documents it has finished all earlier writes.
pub async fn catch_up(cluster: &Cluster, index: &IndexUid, source: &NodeId) -> Result<(), RepairError> {
    drain(cluster, index, source).await?;
    execute(cluster, index, source, vec![WriteOperation::DocumentsDelete(Vec::new())]).await
}

/// Sends `operations` to `node`, one after the other, and waits until all of them have succeeded there.
pub async fn execute(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    operations: Vec<WriteOperation>,
) -> Result<(), RepairError> {
    let sent = send(cluster, index, node, operations).await?;
    wait_for_success(cluster, node, sent).await
}

/// Sends `operations` to `node`, one after the other, and returns their tasks there.
pub async fn send(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    operations: Vec<WriteOperation>,
) -> Result<Vec<u32>, RepairError> {
    let mut sent = Vec::new();
    for operation in operations {
        let write = NodeWrite { index: index.clone(), operation, custom_metadata: None };
        let uid = cluster.nodes.write(node, write).await?;
        sent.push(uid);
    }
    Ok(sent)
}

/// Waits until the tasks `open` of `node` have succeeded.
pub async fn wait_for_success(
    cluster: &Cluster,
    node: &NodeId,
    mut open: Vec<u32>,
) -> Result<(), RepairError> {
    let deadline = Instant::now() + PART;
    while !open.is_empty() {
        let selection = NodeTaskSelection::Uids(open.clone());
        let reports = cluster.nodes.tasks(node, selection).await?;
        let mut unfinished = Vec::new();
        for uid in open {
            let report = reports.iter().find(|report| report.uid == uid);
            let Some(report) = report else {
                return Err(RepairError::NotNow(format!("node `{node}` forgot its task {uid}")));
            };
            if !report.status.is_finished() {
                unfinished.push(uid);
            } else if report.status != TaskStatus::Succeeded {
                let reason = report.error.as_ref().map_or("it gave no reason", |error| &error.message);
                return Err(RepairError::NotNow(format!("task {uid} of node `{node}` failed: {reason}")));
            }
        }
        open = unfinished;
        if open.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            return Err(RepairError::NotNow(format!("tasks {open:?} of node `{node}` are not done yet")));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
