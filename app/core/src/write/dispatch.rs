//! A write that is recorded and has its place in the write queues.
//!
//! ```text
//! begin: task row (durable, every node pending) -> a ticket of every write queue
//! run:   each node in its turn -> accepted | missed | unknown
//! judge: every touched shard has a quorum in some group -> 202, else 503 miroir_no_quorum
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{Event, Task};
use miroir_ports::inbound::{Accepted, ApiError};
use tokio::sync::oneshot;

use super::WritePlan;
use super::run::Run;
use crate::cluster::Cluster;
use crate::order::{Sending, Ticket};

/// A write that is recorded and has its place in the write queues. It is sent even if the client disconnects.
pub struct Dispatch {
    pub(super) cluster: Arc<Cluster>,
    pub(super) plan: WritePlan,
    pub(super) task: Task,
    pub(super) tickets: HashMap<NodeId, Ticket>,
    pub(super) sending: Sending,
}

/// The result of a write, as soon as it is known.
pub struct Completion {
    /// The result for the client.
    pub result: Result<Accepted, ApiError>,
    /// True if certainly no node accepted any request of the write.
    pub untouched: bool,
}

impl Dispatch {
    /// Records the task of `plan` and takes its place in the write queues.
    pub async fn begin(cluster: &Arc<Cluster>, mut plan: WritePlan) -> Result<Self, ApiError> {
        let task = cluster.tasks.create(plan.new_task()).await?;
        let sending = cluster.order.begin_sending(task.uid);
        let tickets = cluster.order.enqueue(&plan.index, plan.targets.keys());
        Ok(Self { cluster: Arc::clone(cluster), plan, task, tickets, sending })
    }

    /// Sends the write, and returns its result as soon as it is known. The write goes on when the caller is dropped.
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

    /// Ends a task that was sent to no node. If the store cannot record the end, the reconciler ends the task.
    pub(super) async fn give_up(self, reason: &ApiError) {
        let error = ErrorCode::MiroirStoreUnavailable
            .with_message(format!("The write was not sent to any node: {reason}"));
        let missed = self
            .plan
            .targets
            .keys()
            .map(|node| Event::NodeMissed { node: node.clone(), error: error.clone() });
        let events: Vec<Event> = missed.chain([Event::Refused { error: error.clone() }]).collect();
        let Self { cluster, task, .. } = self;
        if let Err(error) = cluster.tasks.amend(task, &events).await {
            tracing::warn!(
                "cannot end the task of a write that was not sent: {}",
                miroir_ports::error_chain(&error)
            );
        }
    }
}
