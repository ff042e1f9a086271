//! The tasks that name a missed write of a node, and the record that the node has been repaired.
//!
//! Without that record, a process that starts would take every node for stale in all writes that it ever missed. Then no
//! replica in sync would be left to copy from.

use miroir_domain::task::{Event, Task};
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;
use crate::task::of_index;

/// Returns the finished tasks of `index` that `node` missed and that are not recorded as repaired.
pub async fn tasks(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<Vec<TaskUid>, StoreError> {
    let mut missed = Vec::new();
    cluster
        .tasks
        .walk_all(of_index(index), |task| missed.extend(names_miss(task, node).then_some(task.uid)))
        .await?;
    Ok(missed)
}

fn names_miss(task: &Task, node: &NodeId) -> bool {
    task.status.is_finished() && task.node_errors.get(node).is_some_and(|miss| !miss.shards.is_empty())
}

/// Records that `node` has the writes of these tasks.
pub async fn record_repaired(
    cluster: &Cluster,
    node: &NodeId,
    missed: Vec<TaskUid>,
) -> Result<(), StoreError> {
    for uid in missed {
        // A task that was pruned in between names no miss any more.
        let Some(task) = cluster.tasks.get(uid).await? else { continue };
        let events = [Event::NodeRepaired { node: node.clone() }];
        cluster.tasks.amend(task, &events).await?;
    }
    Ok(())
}
