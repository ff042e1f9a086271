//! Listing tasks: which of three ways answers a query, and the page made from it.
//!
//! - A query that names uids reads those rows ([`super::pointed`]).
//! - One that filters by status, type and index reads runs of an index, and the kept counts ([`super::counted`]): it costs
//!   the same however many tasks there are.
//! - One that also filters by dates, or by who canceled, reads the narrowest index over the matching tasks
//!   ([`super::ranged`]): it costs as much as that index holds between the bounds, because they must be counted.

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskDates, TaskQuery};
use miroir_ports::outbound::{StoreError, TaskPage};
use rusqlite::Connection;

use super::{counted, pointed, ranged, row};
use crate::error::Failure;

/// The page `query` asks for.
pub(crate) fn page(connection: &Connection, query: &TaskQuery) -> Result<TaskPage, Failure> {
    // One snapshot, so that page and total are of one moment. Dropping it ends it.
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

/// Unfinished tasks after `after`, oldest first.
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
            // Index and table disagree: the index was damaged.
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
