//! The decision about a change of a task: whether its write succeeded, and the replicas that it marks.
//!
//! Both depend on the states of the replicas, which other writes change at the same time. So a decision is
//! made as a whole: its marks are noted in memory before the next decision looks at the states.

use std::borrow::Cow;

use miroir_domain::placement::Placement;
use miroir_domain::quorum::{WriteVerdict, judge_write};
use miroir_domain::replica::{ReplicaMark, marks_of, may_mark, spare_best};
use miroir_domain::standing::Standing;
use miroir_domain::task::{Effect, Event, Task, TaskKind};
use miroir_domain::{NodeId, PhysicalUid, Shard, ShardSet};
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
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// It is only looked at.
    Preview,
    /// It is stored.
    Store,
    /// It is stored, and the client gets the verdict about the shards that its write touches.
    Answer {
        /// The shards.
        touched: &'a ShardSet,
        /// The number of shards of the index.
        shard_count: u32,
    },
}

impl TaskLog {
    /// Decides about the change of `task` by `events`. `marks` follow from the events, but not from the
    /// change. The verdict of [`Event::Dispatched`] is replaced by that of this moment.
    pub(super) async fn decide(
        &self,
        task: &Task,
        events: &[Event],
        marks: &[ReplicaMark],
        purpose: Purpose<'_>,
    ) -> Result<Decision, StoreError> {
        let is_judged = |event: &Event| matches!(event, Event::Dispatched { .. });
        let is_answered = matches!(purpose, Purpose::Answer { .. });
        if !is_answered && marks.is_empty() && !events.iter().any(is_judged) {
            let (next, effects) = self.apply(task, events, |_| WriteVerdict::default())?;
            // Most changes mark nothing, and need no placement.
            if !may_mark(task, &next) {
                return Ok(Decision { next, effects, marks: Vec::new(), verdict: None });
            }
        }
        let (shard_count, touched) = match purpose {
            // A write knows both, and does not wait for the store.
            Purpose::Answer { touched, shard_count } => (shard_count, touched.clone()),
            Purpose::Preview | Purpose::Store => {
                (self.registry.shard_count_of(task).await?, task.touched_shards())
            }
        };
        let placement = self.placements.of(shard_count);
        let _deciding = self.replicas.decide();
        let judge = |task: &Task| self.judge(task, &placement, &touched, &|node| has_accepted(task, node));
        let (mut next, effects) = self.apply(task, events, judge)?;
        let verdict = (is_answered || events.iter().any(is_judged)).then(|| judge(&next));
        let is_written = verdict.as_ref().is_some_and(|verdict| verdict.unwritten.is_empty());
        let mut before = Cow::Borrowed(task);
        if is_written && !task.node_errors.is_empty() && !self.replicas.is_acknowledged(task.uid) {
            // Nodes that missed the write earlier may have been spared then. They must not be spared now.
            before.to_mut().node_errors.clear();
        }
        let mut all = marks_of(&before, &next, self.placements.topology(), &placement, self.clock.now());
        all.extend(marks.iter().cloned());
        let index = next.physical_index();
        let standing = |node: &NodeId, shard| self.standing(&next, index.as_ref(), node, shard);
        let marks = spare_best(all, &next, &placement, &standing);
        if !matches!(purpose, Purpose::Preview) {
            // Before they are stored, so that a reader of the changed task finds them.
            self.replicas.note(&marks);
        }
        if is_answered && is_written {
            next.acknowledge();
            self.replicas.note_unsure(&next);
        }
        Ok(Decision { next, effects, marks, verdict })
    }

    /// Judges the write of `task` to `touched` shards, if the nodes have accepted it for which `accepted` is
    /// true.
    pub fn judge(
        &self,
        task: &Task,
        placement: &Placement,
        touched: &ShardSet,
        accepted: &dyn Fn(&NodeId) -> bool,
    ) -> WriteVerdict {
        let index = task.physical_index();
        let standing = |node: &NodeId, shard| self.standing(task, index.as_ref(), node, shard);
        judge_write(self.placements.topology(), placement, touched, accepted, &standing)
    }

    /// Returns the standing of a replica of `index`, that of `task`, in the decisions about the task. All are
    /// equal for a write that is acknowledged already, and for one that concerns the index itself or its
    /// settings.
    fn standing(&self, task: &Task, index: Option<&PhysicalUid>, node: &NodeId, shard: Shard) -> Standing {
        match index {
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
}

fn has_accepted(task: &Task, node: &NodeId) -> bool {
    task.node_tasks.get(node).is_some_and(|part| part.uid.is_some())
}

fn writes_documents_alone(task: &Task) -> bool {
    let is_of_documents = matches!(
        task.kind,
        TaskKind::DocumentAdditionOrUpdate | TaskKind::DocumentEdition | TaskKind::DocumentDeletion
    );
    is_of_documents && task.settings_version().is_none()
}
