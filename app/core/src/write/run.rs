//! The run of a write: sent to all its nodes in parallel, then judged.
//!
//! The response does not wait for slow nodes. Once every shard is written, the nodes that have not
//! responded get a short grace. After it they are named in `X-Miroir-Degraded`, and the run goes on without
//! the client. A node whose response was lost stays pending in the row, and the reconciler finds out
//! whether it accepted the write.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::quorum::WriteVerdict;
use miroir_domain::task::{Event, NodeOutcome, Task, WriteOutcomes};
use miroir_ports::error_chain;
use miroir_ports::inbound::{Accepted, ApiError};
use miroir_ports::outbound::StoreError;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::dispatch::Dispatch;
use super::plan::WritePlan;
use super::send::send_in_turn;
use crate::cluster::Cluster;
use crate::order::Sending;

/// The time that a write with a quorum still waits for nodes that have not responded.
const STRAGGLER_GRACE: Duration = Duration::from_millis(500);

/// The result of a write, as soon as it is known.
pub struct Completion {
    /// The result for the client.
    pub result: Result<Accepted, ApiError>,
    /// True if certainly no node accepted any request of the write.
    pub untouched: bool,
}

impl Dispatch {
    /// Sends the write, and returns its result as soon as it is known. The write goes on when the caller is
    /// dropped.
    pub async fn run(self) -> Result<Accepted, ApiError> {
        self.complete().await.result
    }

    /// Does the same as [`Dispatch::run`], and returns as well whether any node was touched.
    pub async fn complete(self) -> Completion {
        let (sender, completion) = oneshot::channel();
        tokio::spawn(Run::start(self, sender).finish());
        completion.await.unwrap_or_else(|_| Completion {
            result: Err(ApiError::Internal("a write ended without a result".to_owned())),
            untouched: false,
        })
    }
}

/// A write that is being sent.
struct Run {
    cluster: Arc<Cluster>,
    plan: Arc<WritePlan>,
    task: Task,
    outcomes: WriteOutcomes,
    waiting: JoinSet<(NodeId, NodeOutcome)>,
    completion: Option<oneshot::Sender<Completion>>,
    _sending: Sending,
}

impl Run {
    /// Starts to send the parts of all nodes, each in its turn.
    fn start(dispatch: Dispatch, completion: oneshot::Sender<Completion>) -> Self {
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
        Self { cluster, plan, task, outcomes, waiting, completion: Some(completion), _sending: sending }
    }

    /// Waits for the outcomes of all nodes, and stores them.
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
            if let Err(error) = self.make_misses_known().await {
                tracing::warn!(task = %self.task.uid, "cannot record missed writes: {}", error_chain(&error));
                // The task stays open with the parts that are pending, as after any lost response.
                return;
            }
        }
        self.settle().await;
    }

    /// Stores the nodes that missed the write, and waits until every instance knows them. The other nodes may
    /// have carried it out since, so the task may end by these outcomes, and clients rely on a task that has
    /// ended.
    async fn make_misses_known(&self) -> Result<(), StoreError> {
        let wait = self.cluster.replicas.known_everywhere();
        let events = self.outcomes.events(&WriteVerdict::default());
        if wait.is_zero() || !events.iter().any(is_miss) {
            return Ok(());
        }
        if let Some(task) = self.cluster.tasks.get(self.task.uid).await? {
            self.cluster.tasks.mark_missed(&task, &events, &[]).await?;
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Returns the next outcome, or `None` if there are no more or the grace is over.
    async fn next(&mut self, grace: Option<Instant>) -> Option<(NodeId, NodeOutcome)> {
        loop {
            let joined = match grace {
                Some(end) => timeout_at(end, self.waiting.join_next()).await.ok()??,
                None => self.waiting.join_next().await?,
            };
            match joined {
                Ok(outcome) => return Some(outcome),
                // The node stays pending in the row, as after any lost response.
                Err(panic) => tracing::error!(task = %self.task.uid, "sending a write panicked: {panic}"),
            }
        }
    }

    /// Stores the outcomes so far and, the first time, sends the result to the client.
    async fn settle(&mut self) {
        // The task log judges the write when it stores the events.
        let events = self.outcomes.events(&WriteVerdict::default());
        let WritePlan { touched, shard_count, .. } = self.plan.as_ref();
        let settled = self.cluster.tasks.settle(self.task.clone(), &events, touched, *shard_count).await;
        let result = match settled {
            Ok((task, verdict)) => {
                self.task = task;
                self.result(verdict)
            }
            Err(error) => Err(error.into()),
        };
        match self.completion.take() {
            // A client that disconnected loses its response; the task is recorded all the same.
            Some(completion) => {
                drop(completion.send(Completion { result, untouched: self.outcomes.is_untouched() }));
            }
            None => {
                if let Err(error) = result {
                    tracing::warn!(
                        task = %self.task.uid,
                        "a write failed after its response was sent: {}",
                        error_chain(&error)
                    );
                }
            }
        }
    }

    /// Returns the verdict as it would be now. Other writes may change it before it is stored.
    fn verdict(&self) -> WriteVerdict {
        let placement = self.cluster.placements.of(self.plan.shard_count);
        let accepted = |node: &NodeId| self.outcomes.has_accepted(node);
        self.cluster.tasks.judge(&self.task, &placement, &self.plan.touched, &accepted)
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
                "Shards {} of index `{}` did not reach a quorum of {} with a replica in sync in any replica group; accepted by: {accepted}. Task {} follows what the nodes do.",
                verdict.unwritten,
                self.plan.index,
                self.cluster.placements.topology().write_quorum(),
                self.task.uid,
            ),
        ))
    }
}

fn is_miss(event: &Event) -> bool {
    !matches!(event, Event::NodeAccepted { .. } | Event::Dispatched { .. })
}
