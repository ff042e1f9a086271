//! Queries by status, type and index, in any combination.
//!
//! `task_counts` lists the combinations that exist and the number of tasks of each. Their sum is the total.
//! Each combination is one run of an index in the order of uids, and only the page's part of it is read. So
//! the cost depends on the number of combinations and the size of the page, and not on the number of tasks.

use std::collections::BTreeSet;

use miroir_domain::IndexUid;
use miroir_domain::task::{TaskKind, TaskQuery, TaskStatus};
use rusqlite::{Connection, Row};

use super::window::{Found, Window};
use crate::error::Failure;
use crate::row::to_json;

/// The name under which `task_counts` counts all tasks, with an index or without.
const EVERY_INDEX: &str = "*";

/// Tasks of one status and type, of one index or of all.
struct Combination {
    index_uid: String,
    status: String,
    task_type: String,
    count: u64,
}

/// Finds the tasks that match `query` by status, type and index. Other filters are ignored.
pub(super) fn find(snapshot: &Connection, query: &TaskQuery) -> Result<Found, Failure> {
    let combinations = combinations(snapshot, query)?;
    let total = sum(&combinations);
    let mut window = Window::of(query);
    let mut uids = BTreeSet::new();
    if query.statuses.is_none() && query.kinds.is_none() && query.index_uids.is_none() {
        run(snapshot, None, &mut window, &mut uids)?;
    } else {
        for combination in &combinations {
            run(snapshot, Some(combination), &mut window, &mut uids)?;
        }
    }
    Ok(Found { uids, total })
}

/// Returns the number of tasks that match `query` by status, type and index. Other filters are ignored.
pub(super) fn total(snapshot: &Connection, query: &TaskQuery) -> Result<u64, Failure> {
    Ok(sum(&combinations(snapshot, query)?))
}

fn sum(combinations: &[Combination]) -> u64 {
    combinations.iter().map(|combination| combination.count).sum()
}

fn combinations(snapshot: &Connection, query: &TaskQuery) -> Result<Vec<Combination>, Failure> {
    let indexes = match &query.index_uids {
        Some(uids) => to_json(&uids.iter().map(IndexUid::as_str).collect::<Vec<_>>())?,
        None => to_json(&[EVERY_INDEX])?,
    };
    let statuses = query.statuses.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    let kinds = query.kinds.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    let mut select = snapshot.prepare_cached(include_str!("../sql/task_counts.sql"))?;
    let rows = select.query_map([indexes], combination)?;
    let admitted = rows.filter(|row| match row {
        Ok(row) => admits(statuses.as_ref(), &row.status) && admits(kinds.as_ref(), &row.task_type),
        Err(_) => true,
    });
    Ok(admitted.collect::<Result<_, _>>()?)
}

fn combination(row: &Row<'_>) -> rusqlite::Result<Combination> {
    Ok(Combination {
        index_uid: row.get(0)?,
        status: row.get(1)?,
        task_type: row.get(2)?,
        count: row.get::<_, i64>(3)?.cast_unsigned(),
    })
}

fn admits(filter: Option<&BTreeSet<&'static str>>, word: &str) -> bool {
    filter.is_none_or(|words| words.contains(word))
}

/// Offers the page's part of one combination, or of all tasks, to the best uids found so far.
fn run(
    snapshot: &Connection,
    combination: Option<&Combination>,
    window: &mut Window,
    uids: &mut BTreeSet<u32>,
) -> Result<(), Failure> {
    let sql = match combination {
        None => include_str!("../sql/task_run_all.sql"),
        Some(one) if one.index_uid == EVERY_INDEX => include_str!("../sql/task_run_status_type.sql"),
        Some(_) => include_str!("../sql/task_run_index_status_type.sql"),
    };
    let mut select = snapshot.prepare_cached(&sql.replace("{direction}", window.direction()))?;
    let bounds = (window.low, window.high, window.wanted.cast_signed());
    let parameters: [&dyn rusqlite::ToSql; 3] = [&bounds.0, &bounds.1, &bounds.2];
    let mut parameters = parameters.to_vec();
    if let Some(one) = combination {
        parameters.extend([&one.status as &dyn rusqlite::ToSql, &one.task_type]);
        if one.index_uid != EVERY_INDEX {
            parameters.push(&one.index_uid);
        }
    }
    let mut rows = select.query(parameters.as_slice())?;
    while let Some(row) = rows.next()? {
        window.offer(uids, row.get(0)?);
    }
    Ok(())
}

/// Returns the words of the statuses: those of the query, or all if it does not filter by them.
pub(super) fn status_words(query: &TaskQuery) -> Vec<&'static str> {
    match &query.statuses {
        Some(statuses) => statuses.iter().map(|status| status.as_str()).collect(),
        None => TaskStatus::ALL.iter().map(|status| status.as_str()).collect(),
    }
}

/// Returns the words of the types, if the query filters by them.
pub(super) fn kind_words(query: &TaskQuery) -> Option<Vec<&'static str>> {
    query.kinds.as_ref().map(|kinds: &BTreeSet<TaskKind>| kinds.iter().map(|kind| kind.as_str()).collect())
}
