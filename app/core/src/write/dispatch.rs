//! A write that is recorded and has its place in the write queues.
//!
//! ```text
//! begin: task row (durable, every node pending) -> a ticket in the queue of each target node
//! run:   each node in its turn -> accepted | missed | unknown
//! judge: every touched shard has a quorum in some group -> 202, else 503 miroir_no_quorum
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{Event, Task};
use miroir_ports::inbound::ApiError;

use super::WritePlan;
use crate::cluster::Cluster;
use crate::order::{Sending, Ticket};

/// A write that is recorded and has its place in the write queues. It is sent even if the client disconnects.
pub struct Dispatch {
    pub(super) cluster: Arc<Cluster>,
    pub(super) plan: WritePlan,
    pub(super) task: Task,
    pub(super) tickets: BTreeMap<NodeId, Ticket>,
    pub(super) sending: Sending,
}

impl Dispatch {
    /// Records the task of `plan` and takes its place in the write queues.
    pub async fn begin(cluster: &Arc<Cluster>, mut plan: WritePlan) -> Result<Self, ApiError> {
        let reach = plan.reach(&cluster.order).await;
        // Before the task exists, so that its place is not far behind that of its uid.
        cluster.order.released(&plan.index, &reach).await;
        let task = cluster.tasks.create(plan.new_task()).await?;
        let sending = cluster.order.begin_sending(task.uid);
        let tickets = cluster.order.enqueue(&plan.index, plan.targets.keys(), &reach).await;
        Ok(Self { cluster: Arc::clone(cluster), plan, task, tickets, sending })
    }

    /// Ends a task that was sent to no node. If the store cannot record the end, the reconciler ends the
    /// task.
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
