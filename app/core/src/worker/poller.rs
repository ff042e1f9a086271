//! Follows unfinished tasks until every node task behind them has ended.
//!
//! One round reads the unfinished tasks from the store, requests from each node all of its node tasks among
//! them in one call, and stores the changes. Rounds follow each other quickly while there is progress, and
//! back off while there is none. A write that has been sent wakes the poller. The cost of a round depends
//! on the unfinished tasks alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use miroir_domain::change::sequences;
use miroir_domain::task::{Event, NodeTaskReport, NodeTaskState, Task, TaskQuery};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{Advance, NodeTaskSelection, StoreError};

use super::held::HeldTasks;
use super::reconciler::{Reconciler, Resolution};
use crate::cluster::Cluster;
use crate::task::unfinished_of_index;
use tokio_util::sync::CancellationToken;

/// The unfinished tasks of one batch.
const BATCH: u32 = 500;
/// The rows stored in parallel, so that the store can commit them together.
const STORES_AT_ONCE: usize = 64;

/// The pauses of the poller.
#[derive(Debug, Clone, Copy)]
pub struct PollerOptions {
    /// The pause after a round that changed something (25 ms).
    pub shortest_pause: Duration,
    /// The longest pause while nothing changes (1 s).
    pub longest_pause: Duration,
    /// The time after which every instance knows a missed write. Zero if the store is not shared.
    pub known_everywhere: Duration,
}

/// Polls until `shutdown`.
pub async fn poll_loop(cluster: Arc<Cluster>, options: PollerOptions, shutdown: CancellationToken) {
    let held = HeldTasks::new(options.known_everywhere);
    let mut poller = Poller { reconciler: Reconciler::new(Arc::clone(&cluster)), cluster, held };
    let mut pause = options.shortest_pause;
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            // A new write is polled soon, even after a long pause.
            () = poller.cluster.order.sent() => pause = options.shortest_pause,
            () = tokio::time::sleep(pause) => {}
        }
        match poller.round().await {
            Ok(true) => pause = options.shortest_pause,
            Ok(false) => pause = (pause * 2).min(options.longest_pause),
            Err(error) => {
                tracing::warn!("cannot follow tasks: {}", miroir_ports::error_chain(&error));
                pause = options.longest_pause;
            }
        }
    }
}

struct Poller {
    cluster: Arc<Cluster>,
    reconciler: Reconciler,
    held: HeldTasks,
}

impl Poller {
    /// Follows every unfinished task once, and returns whether any of them changed.
    async fn round(&mut self) -> Result<bool, StoreError> {
        let mut changed = false;
        let mut after = None;
        self.held.begin_round();
        loop {
            let tasks = self.cluster.tasks.unfinished(after, BATCH).await?;
            let Some(last) = tasks.last() else { break };
            after = Some(last.uid);
            let is_last = tasks.len() < BATCH as usize;
            let mut found = self.reconciler.resolve(&tasks).await;
            for (uid, more) in self.reports(&tasks).await {
                found.entry(uid).or_default().events.extend(more);
            }
            self.held.begin(&self.cluster, &tasks, &mut found);
            changed |= self.store_all(tasks, found).await?;
            if is_last {
                break;
            }
        }
        Ok(changed)
    }

    /// Returns the reports of the nodes on their unfinished tasks among `tasks`.
    async fn reports(&self, tasks: &[Task]) -> HashMap<TaskUid, Vec<Event>> {
        let mut requested: BTreeMap<&NodeId, HashMap<u32, TaskUid>> = BTreeMap::new();
        for task in tasks {
            for (node, node_task) in &task.node_tasks {
                if let (Some(uid), false) = (node_task.uid, node_task.status.is_finished()) {
                    requested.entry(node).or_default().insert(uid, task.uid);
                }
            }
        }
        let calls = requested
            .into_iter()
            // A call to a node that is not usable would only wait for its timeout. Its tasks are followed
            // when it recovers.
            .filter(|(node, _)| self.cluster.nodes.is_usable(node))
            .map(|(node, uids)| self.reports_of(node, uids));
        let mut events: HashMap<TaskUid, Vec<Event>> = HashMap::new();
        for (uid, event) in join_all(calls).await.into_iter().flatten() {
            events.entry(uid).or_default().push(event);
        }
        events
    }

    async fn reports_of(&self, node: &NodeId, uids: HashMap<u32, TaskUid>) -> Vec<(TaskUid, Event)> {
        let selection = NodeTaskSelection::Uids(uids.keys().copied().collect());
        let reports = match self.cluster.nodes.tasks(node, selection).await {
            Ok(reports) => reports,
            Err(error) => {
                tracing::debug!("cannot read the tasks of a node: {}", miroir_ports::error_chain(&error));
                return Vec::new();
            }
        };
        let known: HashSet<u32> = reports.iter().map(|report| report.uid).collect();
        let reported = reports.into_iter().filter_map(|report: NodeTaskReport| {
            let task = *uids.get(&report.uid)?;
            Some((task, Event::NodeReported { node: node.clone(), report }))
        });
        let forgotten = uids
            .iter()
            .filter(|(uid, _)| !known.contains(uid))
            .map(|(_, task)| (*task, Event::NodeForgot { node: node.clone() }));
        reported.chain(forgotten).collect()
    }

    async fn store_all(
        &self,
        tasks: Vec<Task>,
        mut found: HashMap<TaskUid, Resolution>,
    ) -> Result<bool, StoreError> {
        let due = tasks.into_iter().filter_map(|task| {
            let found = found.remove(&task.uid)?;
            Some((task, found))
        });
        let sequences = self.in_sequences(due).into_iter().map(|sequence| self.store_in_turn(sequence));
        let outcomes: Vec<_> = stream::iter(sequences).buffer_unordered(STORES_AT_ONCE).collect().await;
        let mut changed = false;
        for outcome in outcomes {
            changed |= outcome?;
        }
        Ok(changed)
    }

    /// Divides tasks into sequences that are stored in parallel. If there are sinks, tasks that may change
    /// the same document are in one sequence, in the order of their uids: events are numbered as tasks are
    /// stored, and those of a document must keep their order.
    fn in_sequences(&self, due: impl Iterator<Item = (Task, Resolution)>) -> Vec<Vec<(Task, Resolution)>> {
        if !self.cluster.changes.is_on() {
            return due.map(|one| vec![one]).collect();
        }
        sequences(due, |(task, _)| {
            let shards = task.node_tasks.values().flat_map(|part| part.shards.iter());
            shards.map(|shard| (task.index_uid.clone(), shard)).collect()
        })
    }

    async fn store_in_turn(&self, sequence: Vec<(Task, Resolution)>) -> Result<bool, StoreError> {
        let mut changed = false;
        for (task, found) in sequence {
            changed |= self.store_one(task, found).await?;
        }
        Ok(changed)
    }

    async fn store_one(&self, task: Task, found: Resolution) -> Result<bool, StoreError> {
        let version = task.version;
        let in_order = self.cluster.changes.is_on();
        if self.held.must_wait(&self.cluster, &task, &found, in_order).await? {
            return Ok(false);
        }
        let after = self.cluster.tasks.amend_and_mark(task, &found.events, &found.marks).await?;
        if after.version == version {
            return Ok(false);
        }
        if after.status.is_finished() {
            self.conclude(&after).await?;
        }
        Ok(true)
    }

    /// Records the nodes that have the settings of a finished task.
    async fn conclude(&self, task: &Task) -> Result<(), StoreError> {
        let (Some(name), Some(index)) = (&task.index_uid, task.physical_index()) else { return Ok(()) };
        let succeeded = task.node_tasks.iter().filter(|(_, part)| part.status == NodeTaskState::Succeeded);
        for (node, part) in succeeded {
            if let Some(version) = part.settings_version
                && !self.may_lack_earlier(task.uid, name, node).await?
            {
                self.advance_settings(&index, node, version).await?;
            }
        }
        Ok(())
    }

    /// Returns whether it is unknown if `node` accepted an earlier change of the settings of `index` than
    /// task `uid`.
    async fn may_lack_earlier(
        &self,
        uid: TaskUid,
        index: &IndexUid,
        node: &NodeId,
    ) -> Result<bool, StoreError> {
        let query = TaskQuery { reverse: true, ..unfinished_of_index(index) };
        let open = self.cluster.tasks.walk(query, |task| {
            if task.uid >= uid {
                return ControlFlow::Break(false);
            }
            let is_open = task
                .node_tasks
                .get(node)
                .is_some_and(|part| part.settings_version.is_some() && part.status == NodeTaskState::Pending);
            if is_open { ControlFlow::Break(true) } else { ControlFlow::Continue(()) }
        });
        Ok(open.await?.unwrap_or(false))
    }

    /// Records that `node` has the settings of `index` up to `version`. A node works in order, so after the
    /// change to `version` it has all earlier ones, unless it missed one.
    async fn advance_settings(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
    ) -> Result<(), StoreError> {
        if !self.cluster.replicas.state(index, node).has_settings() {
            return Ok(());
        }
        if self.cluster.registry.advance_settings(index, node, version).await? == Advance::Advanced {
            tracing::debug!(%index, %node, version, "node has the settings");
        }
        Ok(())
    }
}
