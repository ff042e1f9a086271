//! Waiting for nodes to finish tasks.

use std::ops::ControlFlow;
use std::time::Duration;

use miroir_domain::task::{TaskQuery, TaskStatus};
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{NodeError, NodeTaskSelection, NodeWrite, Occurrence, StoreError};
use tokio::time::{Instant, timeout};

use super::error::RepairError;
use crate::cluster::Cluster;
use crate::order::Ticket;
use crate::task::{of_index, unfinished_of_index};

/// The time for which a repair waits until the tasks of an index have ended, before it gives way to them.
const DRAIN: Duration = Duration::from_secs(10);
/// The time that a node may take for one part of a repair.
const PART: Duration = Duration::from_mins(2);
/// The time for which a repair waits for the outcome of writes whose response was lost. It holds up nobody.
const SETTLE: Duration = Duration::from_mins(1);
/// The longest pause between two polls.
const POLL: Duration = Duration::from_millis(50);
/// The pause before the first polls. It doubles up to the longest one.
const FIRST_POLL: Duration = Duration::from_millis(5);

/// Waits until every task of `index` has ended on `node`. The caller holds the write lock of the index, so
/// there are no new ones.
pub async fn drain(cluster: &Cluster, index: &PhysicalUid, node: &NodeId) -> Result<(), RepairError> {
    let deadline = Instant::now() + DRAIN;
    loop {
        let busy = cluster.tasks.walk(unfinished_of_index(&index.name()), |task| {
            // Those of another index of the name do not concern this one.
            let is_of_index = task.physical_index().as_ref() == Some(index);
            let is_busy =
                is_of_index && task.node_tasks.get(node).is_some_and(|part| !part.status.is_finished());
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

/// Sends `operations` to `node`, one after the other, and waits until all of them have succeeded there.
pub async fn execute(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    operations: Vec<WriteOperation>,
) -> Result<(), RepairError> {
    let sent = send(cluster, index, node, operations).await?;
    wait_for_success(cluster, node, sent).await
}

/// Sends `operations` to `node`, one after the other, and returns their tasks there.
pub async fn send(
    cluster: &Cluster,
    index: &PhysicalUid,
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
    let mut pause = FIRST_POLL;
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
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(POLL);
    }
    Ok(())
}

/// The node tasks of what a repair has sent, and the time for which later writes had to wait for it.
#[derive(Debug)]
pub(super) struct Sent {
    pub uids: Vec<u32>,
    pub held: Duration,
}

/// Sends `operations` to `node` in the turn of `ticket`. The time from the turn to the last response, in
/// which later writes wait, is a hold of the write order.
pub(super) async fn send_in_turn(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    mut ticket: Ticket,
    operations: Vec<WriteOperation>,
) -> Result<Sent, RepairError> {
    if timeout(cluster.nodes.write_timeout(), ticket.turn()).await.is_err() {
        return Err(RepairError::NotNow(format!("node `{node}` has not responded to earlier writes yet")));
    }
    if cluster.replicas.may_lack_index(index, node) {
        return Err(RepairError::NotNow(format!("node `{node}` does not have index `{index}` any more")));
    }
    let begun = Instant::now();
    let mut uids = Vec::new();
    for operation in operations {
        let write = NodeWrite { index: index.clone(), operation, custom_metadata: None };
        let uid = cluster.nodes.write(node, write).await.map_err(|error| match error {
            NodeError::Unknown { .. } => RepairError::Lost(error),
            error => RepairError::Node(error),
        })?;
        uids.push(uid);
    }
    drop(ticket);
    let held = begun.elapsed();
    cluster.observer.observe(Occurrence::RepairHeld { duration: held });
    Ok(Sent { uids, held })
}

/// Waits until `node` has carried out every write of `index` before the place of `ticket`, and their outcomes
/// are known. The caller has taken the place before. A node works in order, so after a deletion of no
/// documents in that place it has finished all earlier writes.
pub(super) async fn pass(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    ticket: Ticket,
) -> Result<(), RepairError> {
    // Every write before the place has its task.
    let newest = newest_task(cluster, index).await?;
    let nothing = vec![WriteOperation::DocumentsDelete(Vec::new())];
    let sent = send_in_turn(cluster, index, node, ticket, nothing).await.map_err(harmless)?.uids;
    let last = sent.last().copied().unwrap_or_default();
    wait_for_success(cluster, node, sent).await?;
    match newest {
        Some(newest) => settle(cluster, index, node, newest, last).await,
        None => Ok(()),
    }
}

/// Returns the error of a write that may arrive at any time.
fn harmless(error: RepairError) -> RepairError {
    match error {
        RepairError::Lost(error) => RepairError::Node(error),
        error => error,
    }
}

async fn newest_task(cluster: &Cluster, index: &PhysicalUid) -> Result<Option<TaskUid>, StoreError> {
    let query = TaskQuery { limit: 1, ..of_index(&index.name()) };
    Ok(cluster.store.task_list(&query).await?.tasks.first().map(|task| task.uid))
}

/// Waits until it is known of every task up to `newest` if `node` has accepted its write, and if it has
/// carried it out if that was before its own task `last`. A write that it has not is on record then.
async fn settle(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    newest: TaskUid,
    last: u32,
) -> Result<(), RepairError> {
    let deadline = Instant::now() + SETTLE;
    let mut pause = FIRST_POLL;
    loop {
        let (mut accepted, mut is_pending) = (Vec::new(), false);
        let query = TaskQuery { from: Some(newest), ..unfinished_of_index(&index.name()) };
        let collect = |task: &miroir_domain::task::Task| {
            let part = task.node_tasks.get(node).filter(|part| !part.status.is_finished());
            match part.map(|part| part.uid) {
                Some(Some(uid)) if uid < last => accepted.push(uid),
                Some(None) => is_pending = true,
                _ => {}
            }
        };
        cluster.tasks.walk_all(query, collect).await?;
        if !is_pending && have_succeeded(cluster, node, accepted).await? {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(RepairError::NotNow(format!("node `{node}` is still busy with index `{index}`")));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(POLL);
    }
}

/// Returns whether all these tasks of `node` have succeeded. Of others, the poller finds out what follows.
async fn have_succeeded(cluster: &Cluster, node: &NodeId, uids: Vec<u32>) -> Result<bool, RepairError> {
    if uids.is_empty() {
        return Ok(true);
    }
    let expected = uids.len();
    let reports = cluster.nodes.tasks(node, NodeTaskSelection::Uids(uids)).await?;
    Ok(reports.len() == expected && reports.iter().all(|report| report.status == TaskStatus::Succeeded))
}
