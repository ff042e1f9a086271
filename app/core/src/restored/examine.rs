//! Compares the newest writes of the nodes with the tasks of the store.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use miroir_domain::NodeId;
use miroir_domain::identity::Verdict;
use miroir_ports::error_chain;
use parking_lot::Mutex;

use super::error::ExamineError;
use super::renew::renew;
use crate::cluster::Cluster;
use crate::identity::NodeChecker;

/// The maximum time in which a node lists its newest tasks.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The nodes that were examined in the term of a leader. One that was away is examined when it returns.
#[derive(Debug, Default)]
pub struct Examined(Mutex<BTreeSet<NodeId>>);

/// Examines every node that responds and was not examined yet. Begins a new epoch if a node has a write that
/// the store does not know.
pub async fn examine(
    cluster: &Cluster,
    checker: &NodeChecker,
    examined: &Examined,
) -> Result<(), ExamineError> {
    let due = due(checker, examined).await;
    if due.is_empty() {
        return Ok(());
    }
    let newest = join_all(due.iter().map(async |node| {
        let newest = checker.inspector().node_newest_write(node, TIMEOUT).await;
        newest.inspect_err(|error| tracing::debug!(%node, "cannot examine a node: {}", error_chain(error)))
    }));
    let newest = newest.await;
    // After the nodes: a task is stored before a node gets it.
    let next = cluster.store.task_next_uid().await?;
    if let Some(newest) = newest.iter().flatten().flatten().max()
        && u64::from(newest.0) >= next
    {
        renew(cluster, checker, *newest).await?;
    }
    let responded = due.into_iter().zip(newest).filter_map(|(node, newest)| newest.is_ok().then_some(node));
    examined.0.lock().extend(responded);
    Ok(())
}

/// Returns the nodes to examine: those whose data is of this cluster.
async fn due(checker: &NodeChecker, examined: &Examined) -> Vec<NodeId> {
    let all: Vec<&NodeId> = checker.nodes().filter(|node| !examined.0.lock().contains(*node)).collect();
    let mut due = Vec::new();
    for node in all {
        let verdict = checker.judged(node).await.and_then(|finding| finding.verdict);
        if let Some(Verdict::Trusted | Verdict::RolledBack) = verdict {
            due.push(node.clone());
        }
    }
    due
}
