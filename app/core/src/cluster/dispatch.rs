//! Sending one write to all its nodes: recorded first, then sent in parallel, then judged.
//!
//! ```text
//! begin: task row (durable, every node pending) -> a place in every lane
//! run:   each node in its turn -> accepted | missed | unknown
//! judge: every touched shard quorate in some group -> 202, else 503 miroir_no_quorum
//! ```
//!
//! The answer does not wait for stragglers: once every shard is written, nodes that have not answered get a short
//! grace; after it they are named in `X-Miroir-Degraded` and followed in the background. A node that gave no usable
//! answer stays pending in the row, and the reconciler finds out what it did.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::quorum::{WriteVerdict, judge_write};
use miroir_domain::replica::MissedWrite;
use miroir_domain::task::{Event, NodeOutcome, Task, WriteOutcomes};
use miroir_ports::inbound::{Accepted, ApiError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::send::send_in_turn;
use super::{Cluster, Sending, Ticket, WritePlan};

/// How long a write that has taken still waits for the nodes that have not answered.
const STRAGGLER_GRACE: Duration = Duration::from_millis(500);

/// A write that is recorded and has its place in the lanes.
pub struct Dispatch {
    cluster: Arc<Cluster>,
    plan: WritePlan,
    task: Task,
    tickets: HashMap<NodeId, Ticket>,
    sending: Sending,
}

/// What the client is told, and what its service must know beside it.
pub struct Answered {
    /// The answer for the client.
    pub result: Result<Accepted, ApiError>,
    /// Certainly no node took any request of the write.
    pub untouched: bool,
}

impl Cluster {
    /// Records the task of `plan` and takes its place in the lanes. From here on the write will be sent, whoever
    /// hangs up.
    pub async fn begin(self: &Arc<Self>, mut plan: WritePlan) -> Result<Dispatch, ApiError> {
        let task = self.store.task_create(plan.new_task(), self.clock.now()).await?;
        let sending = self.open_tasks.sending(task.uid);
        let tickets = self.queues.enqueue(&plan.index, plan.targets.keys());
        Ok(Dispatch { cluster: Arc::clone(self), plan, task, tickets, sending })
    }
}

impl Dispatch {
    /// Sends the write and answers as soon as it is known whether it took. Runs on when the caller is dropped.
    pub async fn run(self) -> Result<Accepted, ApiError> {
        self.answered().await.result
    }

    /// [`Dispatch::run`], for those who must know whether any node was touched.
    pub async fn answered(self) -> Answered {
        let (answer, answered) = oneshot::channel();
        tokio::spawn(Run::start(self, answer).finish());
        answered.await.unwrap_or_else(|_| Answered {
            result: Err(ApiError::Internal("a write ended without an answer".to_owned())),
            untouched: false,
        })
    }

    /// Ends a task of which no node has been told. When even that cannot be stored, the reconciler ends it.
    pub(super) async fn give_up(self, why: &ApiError) {
        let error = ErrorCode::MiroirStoreUnavailable
            .with_message(format!("The write was not sent to any node: {why}"));
        let missed = self
            .plan
            .targets
            .keys()
            .map(|node| Event::NodeMissed { node: node.clone(), error: error.clone() });
        let events: Vec<Event> = missed.chain([Event::Refused { error: error.clone() }]).collect();
        let Self { cluster, task, .. } = self;
        if let Err(error) = cluster.amend_task(task, &events).await {
            tracing::warn!("giving up a write that was not sent: {}", miroir_ports::error_chain(&error));
        }
    }
}

/// A write on its way.
struct Run {
    cluster: Arc<Cluster>,
    plan: Arc<WritePlan>,
    task: Task,
    outcomes: WriteOutcomes,
    waiting: JoinSet<(NodeId, NodeOutcome)>,
    answer: Option<oneshot::Sender<Answered>>,
    /// Nodes whose miss has been noted: the mender may have made up for it since.
    noted: BTreeSet<NodeId>,
    _sending: Sending,
}

impl Run {
    fn start(dispatch: Dispatch, answer: oneshot::Sender<Answered>) -> Self {
        let Dispatch { cluster, plan, task, tickets, sending } = dispatch;
        let plan = Arc::new(plan);
        let outcomes = WriteOutcomes::new(plan.targets.len());
        let mut waiting = JoinSet::new();
        for (node, ticket) in tickets {
            let (cluster, plan, uid) = (Arc::clone(&cluster), Arc::clone(&plan), task.uid);
            waiting.spawn(async move {
                let outcome = match plan.targets.get(&node) {
                    Some(target) => send_in_turn(&cluster, &plan, &node, target, ticket, uid).await,
                    // Tickets are taken for the plan's targets, so each has one.
                    None => NodeOutcome::Unknown,
                };
                (node, outcome)
            });
        }
        Self {
            cluster,
            plan,
            task,
            outcomes,
            waiting,
            answer: Some(answer),
            noted: BTreeSet::new(),
            _sending: sending,
        }
    }

    async fn finish(mut self) {
        let mut grace: Option<Instant> = None;
        while let Some((node, outcome)) = self.next(grace).await {
            self.outcomes.insert(node, outcome);
            if grace.is_none() && self.verdict().unwritten.is_empty() {
                grace = Some(Instant::now() + STRAGGLER_GRACE);
            }
        }
        if !self.waiting.is_empty() {
            self.settle().await;
            while let Some((node, outcome)) = self.next(None).await {
                self.outcomes.insert(node, outcome);
            }
        }
        self.settle().await;
    }

    /// The next outcome; none when all have come, or when the grace is over.
    async fn next(&mut self, grace: Option<Instant>) -> Option<(NodeId, NodeOutcome)> {
        loop {
            let joined = match grace {
                Some(end) => timeout_at(end, self.waiting.join_next()).await.ok()??,
                None => self.waiting.join_next().await?,
            };
            match joined {
                Ok(outcome) => return Some(outcome),
                // The node stays pending in the row, as after any lost answer.
                Err(panic) => tracing::error!(task = %self.task.uid, "sending a write panicked: {panic}"),
            }
        }
    }

    /// Stores what is known and, the first time, answers the client.
    async fn settle(&mut self) {
        let verdict = self.verdict();
        let events = self.outcomes.events(&verdict);
        // Before they are stored: whoever finds the task settled must find its misses noted.
        self.note_misses();
        let cluster = &self.cluster;
        let amended = cluster.amend_task(self.task.clone(), &events).await;
        let result = match amended {
            Ok(task) => {
                self.task = task;
                self.result(verdict)
            }
            Err(error) => Err(error.into()),
        };
        match self.answer.take() {
            // A client that hung up loses its answer; the task is recorded all the same.
            Some(answer) => drop(answer.send(Answered { result, untouched: self.outcomes.is_untouched() })),
            None => {
                if let Err(error) = result {
                    tracing::warn!(task = %self.task.uid, "a write ended badly after its answer: {}", miroir_ports::error_chain(&error));
                }
            }
        }
    }

    fn verdict(&self) -> WriteVerdict {
        let placement = self.cluster.placement(self.plan.shard_count);
        judge_write(&self.cluster.topology, &placement, &self.plan.touched, &|node| {
            self.outcomes.has_accepted(node)
        })
    }

    /// Tells readers which nodes now lack something, unless the request itself was at fault.
    fn note_misses(&mut self) {
        if self.outcomes.agreed_refusal().is_some() || self.outcomes.is_untouched() {
            return;
        }
        let may_have = |node: &NodeId| self.outcomes.may_have(node);
        for (node, target) in &self.plan.targets {
            if may_have(node) || !self.noted.insert(node.clone()) {
                continue;
            }
            let miss = MissedWrite {
                kind: self.plan.kind,
                index: &self.plan.index,
                shard_count: self.plan.shard_count,
                node,
                shards: &target.shards,
                brings_settings: self.plan.settings_version.is_some(),
            };
            self.cluster.note_miss(&miss, &may_have);
        }
    }

    fn result(&self, verdict: WriteVerdict) -> Result<Accepted, ApiError> {
        if let Some((status, error)) = self.outcomes.agreed_refusal() {
            return Err(ApiError::Node { status, error });
        }
        if verdict.unwritten.is_empty() {
            return Ok(Accepted { summary: self.task.summary(), degraded: verdict.degraded });
        }
        let accepted: Vec<&str> = self.outcomes.accepted().map(NodeId::as_str).collect();
        let accepted = if accepted.is_empty() { "no node".to_owned() } else { accepted.join(", ") };
        Err(ApiError::refused(
            ErrorCode::MiroirNoQuorum,
            format!(
                "Shards {} of index `{}` did not reach a quorum of {} in any replica group; accepted by: {accepted}. Task {} follows what the nodes do.",
                verdict.unwritten,
                self.plan.index,
                self.cluster.topology.write_quorum(),
                self.task.uid,
            ),
        ))
    }
}
