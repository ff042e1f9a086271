//! Queries that filter by dates or by the canceling task.
//!
//! The matching tasks must be counted, so the work is proportional to the entries that are read. Of several
//! possible indexes, the one with the fewest entries between its bounds is searched, and the other conditions
//! are checked row by row.

use std::fmt::Write as _;

use miroir_domain::IndexUid;
use miroir_domain::task::{TaskDates, TaskQuery};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::counted;
use super::window::{Found, Window};
use crate::error::Failure;
use crate::row::to_json;

/// One condition on one column.
struct Condition {
    column: &'static str,
    /// The index that can be searched for the tasks that meet the condition.
    index: Option<&'static str>,
    bounds: Bounds,
}

enum Bounds {
    /// A value of this JSON array.
    Among(String),
    /// Between two values, both excluded.
    Between(i64, i64),
}

impl Condition {
    /// Writes the condition as SQL. A `+` keeps SQLite from using an index: only the condition that is
    /// searched by should use one.
    fn write(&self, sql: &mut String, searched: bool) {
        let column = self.column;
        let plus = if searched { "" } else { "+" };
        // Writing to a string cannot fail.
        let _ = match self.bounds {
            Bounds::Among(_) => write!(sql, " AND {plus}{column} IN (SELECT value FROM json_each(?))"),
            Bounds::Between(..) => write!(sql, " AND {plus}{column} > ? AND {plus}{column} < ?"),
        };
        if searched {
            // Tells SQLite that the partial indexes apply.
            let _ = write!(sql, " AND {column} IS NOT NULL");
        }
    }

    fn parameters(&self) -> Vec<&dyn ToSql> {
        match &self.bounds {
            Bounds::Among(json) => vec![json],
            Bounds::Between(after, before) => vec![after, before],
        }
    }
}

/// Finds the tasks that match `query`, which must not name uids.
pub(super) fn find(snapshot: &Connection, query: &TaskQuery) -> Result<Found, Failure> {
    let conditions = conditions(query)?;
    let search = narrowest(snapshot, query, &conditions)?;
    let body = body(&conditions, &search);
    let parameters: Vec<&dyn ToSql> = conditions.iter().flat_map(Condition::parameters).collect();
    let total: i64 = snapshot
        .prepare_cached(&format!("SELECT count(*) {body}"))?
        .query_row(params_from_iter(&parameters), |row| row.get(0))?;
    let window = Window::of(query);
    let wanted = window.wanted.cast_signed();
    let mut page_parameters = parameters;
    page_parameters.extend([&window.low as &dyn ToSql, &window.high, &wanted]);
    let sql = format!(
        "SELECT miroir_id {body} AND +miroir_id BETWEEN ? AND ? ORDER BY +miroir_id {} LIMIT ?",
        window.direction()
    );
    let uids = snapshot
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&page_parameters), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(Found { uids, total: total.cast_unsigned() })
}

fn conditions(query: &TaskQuery) -> Result<Vec<Condition>, Failure> {
    let mut all = Vec::new();
    if let Some(uids) = &query.index_uids {
        let words: Vec<_> = uids.iter().map(IndexUid::as_str).collect();
        all.push(among("index_uid", None, &words)?);
    }
    if query.statuses.is_some() || query.kinds.is_some() {
        // All statuses if none are named: in every index the type comes after the status.
        all.push(among("status", None, &counted::status_words(query))?);
    }
    if let Some(words) = counted::kind_words(query) {
        all.push(among("task_type", None, &words)?);
    }
    if let Some(uids) = &query.canceled_by {
        let uids: Vec<_> = uids.iter().map(|uid| uid.0).collect();
        all.push(among("canceled_by", Some("tasks_by_canceled_by"), &uids)?);
    }
    let dates = [
        ("created_at", "tasks_by_created_at", query.enqueued),
        ("started_at", "tasks_by_started_at", query.started),
        ("finished_at", "tasks_by_finished_at", query.finished),
    ];
    for (column, index, dates) in dates {
        if dates != TaskDates::default() {
            // Stored times are clamped to the years that can be printed, so the extremes exclude none.
            let after = dates.after.map_or(i64::MIN, miroir_domain::Timestamp::as_millis);
            let before = dates.before.map_or(i64::MAX, miroir_domain::Timestamp::as_millis);
            all.push(Condition { column, index: Some(index), bounds: Bounds::Between(after, before) });
        }
    }
    Ok(all)
}

fn among(
    column: &'static str,
    index: Option<&'static str>,
    values: &impl serde::Serialize,
) -> Result<Condition, Failure> {
    Ok(Condition { column, index, bounds: Bounds::Among(to_json(values)?) })
}

/// An index to search, and the columns by which it may be searched.
struct SearchIndex {
    index: &'static str,
    columns: Vec<&'static str>,
}

/// Returns the index with the fewest entries to read.
fn narrowest(
    snapshot: &Connection,
    query: &TaskQuery,
    conditions: &[Condition],
) -> Result<SearchIndex, Failure> {
    let combined = query.statuses.is_some() || query.kinds.is_some() || query.index_uids.is_some();
    let mut best: Option<(u64, SearchIndex)> = None;
    if combined {
        let index =
            if query.index_uids.is_some() { "tasks_by_index_status_type" } else { "tasks_by_status_type" };
        let columns = vec!["index_uid", "status", "task_type"];
        best = Some((counted::total(snapshot, query)?, SearchIndex { index, columns }));
    }
    for condition in conditions {
        let Some(index) = condition.index else { continue };
        let search = SearchIndex { index, columns: vec![condition.column] };
        // Counting stops at the best count so far, because an index with more entries cannot win.
        let most = best.as_ref().map_or(u64::MAX, |(count, _)| *count);
        let count = entries(snapshot, condition, &search, most)?;
        if best.is_none() || count < most {
            best = Some((count, search));
        }
    }
    // A query of this module has a condition with an index.
    Ok(best.map_or(SearchIndex { index: "tasks_by_created_at", columns: Vec::new() }, |(_, search)| search))
}

fn entries(
    snapshot: &Connection,
    condition: &Condition,
    search: &SearchIndex,
    most: u64,
) -> Result<u64, Failure> {
    let body = body(std::slice::from_ref(condition), search);
    let sql = format!("SELECT count(*) FROM (SELECT 1 {body} LIMIT ?)");
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut parameters = condition.parameters();
    parameters.push(&most);
    let count: i64 =
        snapshot.prepare_cached(&sql)?.query_row(params_from_iter(&parameters), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

fn body(conditions: &[Condition], search: &SearchIndex) -> String {
    let mut sql = format!("FROM tasks INDEXED BY {} WHERE true", search.index);
    for condition in conditions {
        condition.write(&mut sql, search.columns.contains(&condition.column));
    }
    sql
}
