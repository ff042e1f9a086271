//! The decision about a change of a task: whether its write succeeded, and the replicas that it marks.
//!
//! Both depend on the states of the replicas, which other writes change at the same time. So a decision is
//! made as a whole: its marks are noted in memory before the next decision looks at the states.

use std::sync::Arc;

use miroir_domain::placement::Placement;
use miroir_domain::quorum::{WriteVerdict, judge_write};
use miroir_domain::replica::{ReplicaMark, Standing, marks_of, may_mark, spare_best};
use miroir_domain::task::{Effect, Event, Task, TaskKind};
use miroir_domain::{NodeId, Shard};
use miroir_ports::outbound::StoreError;

use super::TaskLog;

/// The change of a task by some events.
pub(super) struct Decision {
    /// The task after the events.
    pub(super) next: Task,
    /// The effects.
    pub(super) effects: Vec<Effect>,
    /// The marks that must be stored with the task.
    pub(super) marks: Vec<ReplicaMark>,
    /// The verdict over the nodes that have accepted the write, if it was asked for.
    pub(super) verdict: Option<WriteVerdict>,
}

/// The use of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is only looked at.
    Preview,
    /// It is stored.
    Store,
    /// It is stored, and the client gets its verdict.
    Answer,
}

impl TaskLog {
    /// Decides about the change of `task` by `events`. `marks` follow from the events, but not from the change.
    /// The verdict of [`Event::Dispatched`] is replaced by that of this moment.
    pub(super) async fn decide(
        &self,
        task: &Task,
        events: &[Event],
        marks: &[ReplicaMark],
        purpose: Purpose,
    ) -> Result<Decision, StoreError> {
        let is_judged = |event: &Event| matches!(event, Event::Dispatched { .. });
        if purpose != Purpose::Answer && marks.is_empty() && !events.iter().any(is_judged) {
            let (next, effects) = self.apply(task, events, |_| WriteVerdict::default())?;
            // Most changes mark nothing, and need no placement.
            if !may_mark(task, &next) {
                return Ok(Decision { next, effects, marks: Vec::new(), verdict: None });
            }
        }
        let placement = self.placements.of(self.registry.shard_count_of(task).await?);
        let _deciding = self.replicas.decide();
        let (next, effects) = self.apply(task, events, |task| self.judge(task, &placement))?;
        let mut all = marks_of(task, &next, self.placements.topology(), &placement, self.clock.now());
        all.extend(marks.iter().cloned());
        let standing = |node: &NodeId, shard| self.standing(&next, node, shard);
        let marks = spare_best(all, &next, &placement, &standing);
        let verdict = (purpose == Purpose::Answer).then(|| self.judge(&next, &placement));
        if purpose != Purpose::Preview {
            // Before they are stored, so that a reader of the changed task finds them.
            self.replicas.note(&marks);
        }
        if verdict.as_ref().is_some_and(|verdict| verdict.unwritten.is_empty()) {
            self.replicas.note_acknowledged(&next);
        }
        Ok(Decision { next, effects, marks, verdict })
    }

    /// Judges the write of `task` by the nodes that have accepted it.
    pub fn judge(&self, task: &Task, placement: &Placement) -> WriteVerdict {
        let accepted = |node: &NodeId| task.node_tasks.get(node).is_some_and(|part| part.uid.is_some());
        self.judge_accepted(task, placement, &accepted)
    }

    /// Judges the write of `task` as if the nodes had accepted it for which `accepted` is true.
    pub fn judge_accepted(
        &self,
        task: &Task,
        placement: &Placement,
        accepted: &dyn Fn(&NodeId) -> bool,
    ) -> WriteVerdict {
        let standing = |node: &NodeId, shard| self.standing(task, node, shard);
        judge_write(self.placements.topology(), placement, &task.touched_shards(), accepted, &standing)
    }

    /// Returns the standing of a replica in the decisions about `task`. All are equal for a write that is
    /// acknowledged already, and for one that concerns the index itself or its settings.
    fn standing(&self, task: &Task, node: &NodeId, shard: Shard) -> Standing {
        match &task.index_uid {
            Some(index) if writes_documents_alone(task) && !self.replicas.is_acknowledged(task.uid) => {
                self.replicas.standing(index, node, shard)
            }
            _ => Standing::InSync,
        }
    }

    fn apply(
        &self,
        task: &Task,
        events: &[Event],
        judge: impl Fn(&Task) -> WriteVerdict,
    ) -> Result<(Task, Vec<Effect>), StoreError> {
        let mut task = task.clone();
        let mut effects = Vec::new();
        for event in events {
            let event = match event {
                Event::Dispatched { .. } => Event::Dispatched { verdict: judge(&task) },
                other => other.clone(),
            };
            let applied = task.apply(event, self.clock.now());
            let (next, more) = applied.map_err(|invalid| StoreError::InvalidInput(invalid.to_string()))?;
            task = next;
            effects.extend(more);
        }
        Ok((task, effects))
    }

    /// Returns the placement of the index of `task`.
    pub async fn placement(&self, task: &Task) -> Result<Arc<Placement>, StoreError> {
        Ok(self.placements.of(self.registry.shard_count_of(task).await?))
    }
}

fn writes_documents_alone(task: &Task) -> bool {
    let is_of_documents = matches!(
        task.kind,
        TaskKind::DocumentAdditionOrUpdate | TaskKind::DocumentEdition | TaskKind::DocumentDeletion
    );
    is_of_documents && task.settings_version().is_none()
}
