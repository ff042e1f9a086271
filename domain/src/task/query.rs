//! A client's query of tasks: the filters of `GET /tasks`, as a predicate.

use std::collections::BTreeSet;

use super::{Task, TaskKind, TaskStatus};
use crate::{IndexUid, TaskUid, Timestamp};

/// Exclusive bounds on one date of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskDates {
    /// Only tasks whose date is later than this.
    pub after: Option<Timestamp>,
    /// Only tasks whose date is earlier than this.
    pub before: Option<Timestamp>,
}

impl TaskDates {
    /// Returns whether `date` is strictly within the bounds. A task without the date passes only if there is
    /// no bound.
    fn admit(self, date: Option<Timestamp>) -> bool {
        let after = self.after.is_none_or(|bound| date.is_some_and(|date| date > bound));
        let before = self.before.is_none_or(|bound| date.is_some_and(|date| date < bound));
        after && before
    }
}

/// Filters, order and page of a task listing. An unset filter admits every task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    /// Only these uids.
    pub uids: Option<BTreeSet<TaskUid>>,
    /// Only these batches. A Miroir task that has begun is a batch of its own, with its own uid.
    pub batch_uids: Option<BTreeSet<TaskUid>>,
    /// Only these statuses.
    pub statuses: Option<BTreeSet<TaskStatus>>,
    /// Only these types.
    pub kinds: Option<BTreeSet<TaskKind>>,
    /// Only tasks of these indexes; leaves out global tasks.
    pub index_uids: Option<BTreeSet<IndexUid>>,
    /// Only tasks canceled by these.
    pub canceled_by: Option<BTreeSet<TaskUid>>,
    /// Bounds on `enqueuedAt`.
    pub enqueued: TaskDates,
    /// Bounds on `startedAt`; a bound leaves out tasks that have not begun.
    pub started: TaskDates,
    /// Bounds on `finishedAt`; a bound leaves out tasks that have not finished.
    pub finished: TaskDates,
    /// The first uid of the page, inclusive.
    pub from: Option<TaskUid>,
    /// Oldest first.
    pub reverse: bool,
    /// The maximum number of tasks on a page.
    pub limit: u32,
}

impl Default for TaskQuery {
    fn default() -> Self {
        Self {
            uids: None,
            batch_uids: None,
            statuses: None,
            kinds: None,
            index_uids: None,
            canceled_by: None,
            enqueued: TaskDates::default(),
            started: TaskDates::default(),
            finished: TaskDates::default(),
            from: None,
            reverse: false,
            limit: 20,
        }
    }
}

impl TaskQuery {
    /// Returns whether `task` passes the filters, page and order apart. Every store must agree with this
    /// definition.
    pub fn matches(&self, task: &Task) -> bool {
        let has_begun = task.status != TaskStatus::Enqueued;
        admits(self.uids.as_ref(), Some(&task.uid))
            && admits(self.batch_uids.as_ref(), has_begun.then_some(&task.uid))
            && admits(self.statuses.as_ref(), Some(&task.status))
            && admits(self.kinds.as_ref(), Some(&task.kind))
            && admits(self.index_uids.as_ref(), task.index_uid.as_ref())
            && admits(self.canceled_by.as_ref(), task.canceled_by.as_ref())
            && self.enqueued.admit(Some(task.created_at))
            && self.started.admit(task.started_at)
            && self.finished.admit(task.finished_at)
    }
}

/// Returns whether a filter admits a property of a task. A task without the property passes only an unset
/// filter.
fn admits<T: Ord>(filter: Option<&BTreeSet<T>>, property: Option<&T>) -> bool {
    filter.is_none_or(|wanted| property.is_some_and(|property| wanted.contains(property)))
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
