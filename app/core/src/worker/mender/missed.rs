//! Which tasks say that a node missed them, and that it has been given what it missed.
//!
//! Without the second, a process that starts would take every node for behind in all it ever missed; then no node is
//! left from which the others could be mended.

use std::collections::BTreeSet;

use miroir_domain::task::{Event, TaskQuery};
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// The finished tasks of `index` that `node` missed and still lacks.
pub async fn tasks(cluster: &Cluster, index: &IndexUid, node: &NodeId) -> Result<Vec<TaskUid>, StoreError> {
    let mut query =
        TaskQuery { index_uids: Some(BTreeSet::from([index.clone()])), limit: PAGE, ..TaskQuery::default() };
    let mut missed = Vec::new();
    loop {
        let page = cluster.store.task_list(&query).await?;
        let lacks = page.tasks.iter().filter(|task| {
            task.status.is_finished()
                && task.node_errors.get(node).is_some_and(|miss| !miss.shards.is_empty())
        });
        missed.extend(lacks.map(|task| task.uid));
        if page.next.is_none() {
            return Ok(missed);
        }
        query.from = page.next;
    }
}

/// Records that `node` has what these tasks brought to others.
pub async fn made_up(cluster: &Cluster, node: &NodeId, missed: Vec<TaskUid>) -> Result<(), StoreError> {
    for uid in missed {
        // A task that is gone says nothing any more.
        let Some(task) = cluster.store.task_get(uid).await? else { continue };
        let events = [Event::NodeRepaired { node: node.clone() }];
        cluster.amend_task(task, &events).await?;
    }
    Ok(())
}
