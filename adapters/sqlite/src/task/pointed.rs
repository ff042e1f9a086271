//! Queries that name uids: each row is read and compared with the filters.

use std::collections::BTreeSet;

use miroir_domain::TaskUid;
use miroir_domain::task::TaskQuery;
use rusqlite::Connection;

use super::row;
use super::window::{Found, Window};
use crate::error::Failure;

/// Finds the tasks that match, among the uids that `query` names. A batch has the uid of its task, so both
/// filters name rows.
pub(super) fn find(snapshot: &Connection, query: &TaskQuery) -> Result<Found, Failure> {
    let window = Window::of(query);
    let mut closing = window;
    let mut found = Found { uids: BTreeSet::new(), total: 0 };
    for uid in named(query) {
        let Some(task) = row::get(snapshot, uid)? else { continue };
        if !query.matches(&task) {
            continue;
        }
        found.total += 1;
        if (window.low..=window.high).contains(&uid.0) {
            closing.offer(&mut found.uids, uid.0);
        }
    }
    Ok(found)
}

fn named(query: &TaskQuery) -> Vec<TaskUid> {
    match (&query.uids, &query.batch_uids) {
        (Some(uids), Some(batches)) => uids.intersection(batches).copied().collect(),
        (Some(uids), None) | (None, Some(uids)) => uids.iter().copied().collect(),
        (None, None) => Vec::new(),
    }
}
