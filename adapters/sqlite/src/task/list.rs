//! Listing of tasks, in one of three ways.
//!
//! - A query that names uids reads those rows ([`super::pointed`]).
//! - A query by status, type and index reads runs of an index and the stored counts ([`super::counted`]). Its
//!   cost does not depend on the number of tasks.
//! - A query that also filters by dates or by the canceling task reads the narrowest index over the matching
//!   tasks ([`super::ranged`]). Its cost is proportional to the entries of that index between the bounds,
//!   because they must be counted.

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskDates, TaskQuery};
use miroir_ports::outbound::{StoreError, TaskPage};
use rusqlite::Connection;

use super::{counted, pointed, ranged, row};
use crate::error::Failure;

/// Returns the page that `query` requests.
pub(crate) fn page(connection: &Connection, query: &TaskQuery) -> Result<TaskPage, Failure> {
    // Page and total are read in one snapshot. Dropping it ends it.
    let snapshot = connection.unchecked_transaction()?;
    let found = if query.uids.is_some() || query.batch_uids.is_some() {
        pointed::find(&snapshot, query)?
    } else if has_ranges(query) {
        ranged::find(&snapshot, query)?
    } else {
        counted::find(&snapshot, query)?
    };
    let mut order: Vec<u32> = found.uids.into_iter().collect();
    if !query.reverse {
        order.reverse();
    }
    let next = order.get(query.limit as usize).copied().map(TaskUid);
    order.truncate(query.limit as usize);
    Ok(TaskPage { tasks: tasks(&snapshot, &order)?, total: found.total, next })
}

/// Returns unfinished tasks after `after`, oldest first.
pub(crate) fn unfinished(
    connection: &Connection,
    after: Option<TaskUid>,
    limit: u32,
) -> Result<Vec<Task>, Failure> {
    let snapshot = connection.unchecked_transaction()?;
    let after = after.map_or(-1, |uid| i64::from(uid.0));
    let uids: Vec<u32> = snapshot
        .prepare_cached(include_str!("../sql/task_unfinished.sql"))?
        .query_map((after, limit), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    tasks(&snapshot, &uids)
}

fn tasks(snapshot: &Connection, uids: &[u32]) -> Result<Vec<Task>, Failure> {
    uids.iter()
        .map(|uid| {
            // Index and table disagree, so the index is damaged.
            let missing = || {
                StoreError::corrupt("tasks", uid.to_string(), "an index lists it, but there is no such row")
            };
            row::get(snapshot, TaskUid(*uid))?.ok_or_else(|| missing().into())
        })
        .collect()
}

fn has_ranges(query: &TaskQuery) -> bool {
    let open = TaskDates::default();
    query.canceled_by.is_some()
        || [query.enqueued, query.started, query.finished].into_iter().any(|dates| dates != open)
}
