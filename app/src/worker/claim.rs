//! Which task of a node is the one of a write whose answer was lost.
//!
//! Document routes carry `customMetadata=miroir:<uid>`, and that decides. The other routes carry nothing, so the node
//! task is told by its type and its place: writes of that kind have an index to themselves while they take their
//! place in the lanes, so on every node they stand after all earlier writes to the index and before all later ones.
//! One outside that window is another's, or came too late to count: then the node is taken to have missed the write,
//! and is mended.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use miroir_domain::task::{NodeTaskReport, NodeTaskState, Task, TaskKind, TaskQuery};
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::outbound::StoreError;

use crate::cluster::{Cluster, metadata_of};

/// Tasks of an index that are looked at to either side of one.
const NEIGHBOURS: u32 = 1_000;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The node task has this uid.
    Uid(u32),
    /// The node task has this uid, and the node took a later write to the index before it.
    Overtaken(u32),
    /// The node does not have it.
    Nothing,
    /// It cannot be told before an earlier write to the index is accounted for.
    TooEarly,
}

/// What one round of reconciling has found so far, and the store does not know yet.
#[derive(Debug, Default)]
pub struct Claims {
    taken: HashSet<(NodeId, u32)>,
    settled: HashSet<(TaskUid, NodeId)>,
}

/// The node tasks that others claim around a write: it lies between them.
#[derive(Debug, Default)]
struct Window {
    after: Option<u32>,
    before: Option<u32>,
    is_undecided: bool,
}

impl Claims {
    /// Looks for the node task of `task` on `node` among what the node `reports`.
    pub async fn find(
        &self,
        cluster: &Cluster,
        task: &Task,
        index: &IndexUid,
        node: &NodeId,
        mut reports: Vec<NodeTaskReport>,
    ) -> Result<Found, StoreError> {
        let mark = metadata_of(task.uid);
        if let Some(marked) = reports.iter().find(|report| report.custom_metadata.as_deref() == Some(&mark)) {
            let window = self.window(cluster, task, index, node).await?;
            let is_overtaken = window.before.is_some_and(|before| before < marked.uid);
            return Ok(if is_overtaken { Found::Overtaken(marked.uid) } else { Found::Uid(marked.uid) });
        }
        let Some(kind) = unmarked_kind(task.kind) else { return Ok(Found::Nothing) };
        reports.retain(|report| report.custom_metadata.is_none() && report.kind == kind);
        if reports.is_empty() {
            return Ok(Found::Nothing);
        }
        let window = self.window(cluster, task, index, node).await?;
        if window.is_undecided {
            return Ok(Found::TooEarly);
        }
        let fits = |uid: u32| {
            window.after.is_none_or(|after| uid > after)
                && window.before.is_none_or(|before| uid < before)
                && !self.taken.contains(&(node.clone(), uid))
        };
        let first = reports.iter().map(|report| report.uid).filter(|uid| fits(*uid)).min();
        Ok(first.map_or(Found::Nothing, Found::Uid))
    }

    /// Remembers what became of `task` on `node`: accepted under a uid, or missed.
    pub fn settle(&mut self, task: &Task, node: &NodeId, uid: Option<u32>) {
        self.settled.insert((task.uid, node.clone()));
        self.taken.extend(uid.map(|uid| (node.clone(), uid)));
    }

    async fn window(
        &self,
        cluster: &Cluster,
        task: &Task,
        index: &IndexUid,
        node: &NodeId,
    ) -> Result<Window, StoreError> {
        let mut query = TaskQuery {
            index_uids: Some(BTreeSet::from([index.clone()])),
            from: Some(task.uid),
            limit: NEIGHBOURS,
            ..TaskQuery::default()
        };
        let earlier = cluster.store.task_list(&query).await?.tasks;
        query.reverse = true;
        let later = cluster.store.task_list(&query).await?.tasks;
        let others = |tasks: Vec<Task>| -> BTreeMap<TaskUid, Task> {
            tasks.into_iter().filter(|other| other.uid != task.uid).map(|other| (other.uid, other)).collect()
        };
        let (earlier, later) = (others(earlier), others(later));
        let uid_of = |other: &Task| other.node_tasks.get(node).and_then(|node_task| node_task.uid);
        let is_undecided = |other: &Task| {
            unmarked_kind(other.kind).is_some()
                && other.node_tasks.get(node).is_some_and(|part| part.status == NodeTaskState::Pending)
                && !self.settled.contains(&(other.uid, node.clone()))
        };
        Ok(Window {
            after: earlier.values().filter_map(uid_of).chain(cluster.own_work.newest(index, node)).max(),
            before: later.values().filter_map(uid_of).min(),
            is_undecided: earlier.values().any(is_undecided),
        })
    }
}

/// The type a task has on a node when its route takes no metadata. The creation of an index ends in its settings.
fn unmarked_kind(kind: TaskKind) -> Option<&'static str> {
    match kind {
        TaskKind::IndexCreation | TaskKind::SettingsUpdate => Some("settingsUpdate"),
        TaskKind::IndexDeletion => Some("indexDeletion"),
        _ => None,
    }
}
