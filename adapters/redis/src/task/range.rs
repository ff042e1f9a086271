//! Tasks that match a query, found by looking at candidates.
//!
//! Each filter names candidates: the uids it lists, or a range of a sorted set. Those of the filter with the fewest are
//! read, as much of them as filters look at, and [`TaskQuery::matches`] decides. Reading goes in steps, between which
//! others are served: a task that changes meanwhile counts as it was before or after.

use std::collections::BTreeSet;

use miroir_domain::task::{TaskDates, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::StoreError;

use super::row::{HEAD, head};
use crate::call::script;
use crate::keys::{Keys, TASKS};
use crate::row::Values;
use crate::store::RedisStore;
use crate::table::CHUNK;

/// The members of a sorted set between two scores, as Redis writes them.
#[derive(Clone)]
pub(super) struct Range {
    set: String,
    from: String,
    to: String,
}

impl Range {
    fn whole(set: String) -> Self {
        Self { set, from: "-inf".to_owned(), to: "+inf".to_owned() }
    }

    /// The tasks whose date lies strictly within the bounds.
    fn within(set: String, dates: TaskDates) -> Self {
        let bound = |bound: Option<Timestamp>, none: &str| {
            bound.map_or_else(|| none.to_owned(), |bound| format!("({}", bound.as_millis()))
        };
        Self { set, from: bound(dates.after, "-inf"), to: bound(dates.before, "+inf") }
    }
}

impl RedisStore {
    /// The uids of all tasks that match.
    pub(super) async fn matching(&self, query: &TaskQuery) -> Result<BTreeSet<u32>, StoreError> {
        if let Some(uids) = listed(query) {
            let rows = self.rows(&uids.iter().map(|uid| uid.0).collect::<Vec<_>>(), HEAD).await?;
            let mut matching = BTreeSet::new();
            for (uid, values) in rows {
                consider(query, uid, values, &mut matching)?;
            }
            return Ok(matching);
        }
        let mut fewest: Option<(u64, Vec<Range>)> = None;
        for ranges in self.candidates(query) {
            let count = self.count(&ranges).await?;
            if fewest.as_ref().is_none_or(|(least, _)| count < *least) {
                fewest = Some((count, ranges));
            }
        }
        let mut matching = BTreeSet::new();
        for range in fewest.map(|(_, ranges)| ranges).unwrap_or_default() {
            self.walk(query, range, &mut matching).await?;
        }
        Ok(matching)
    }

    /// For each filter of the query the ranges that hold every task it admits.
    fn candidates(&self, query: &TaskQuery) -> Vec<Vec<Range>> {
        let mut all = vec![self.combinations(query).into_iter().map(Range::whole).collect()];
        if let Some(uids) = &query.canceled_by {
            all.push(
                uids.iter()
                    .map(|uid| Range::whole(self.keys.own(TASKS, &format!("_canceled_by:{uid}"))))
                    .collect(),
            );
        }
        all.extend(dated(&self.keys, query).into_iter().map(|range| vec![range]));
        all
    }

    /// How many members lie within `ranges`.
    pub(super) async fn count(&self, ranges: &[Range]) -> Result<u64, StoreError> {
        let mut script = script!("lua/task_count.lua");
        for range in ranges {
            script.key(&range.set).arg(&range.from).arg(&range.to);
        }
        self.look_by(TASKS.name, "of a page", &script).await
    }

    /// Adds the tasks of `range` that match.
    async fn walk(
        &self,
        query: &TaskQuery,
        mut range: Range,
        matching: &mut BTreeSet<u32>,
    ) -> Result<(), StoreError> {
        // How many members of the score at which the next step begins were read already.
        let mut passed = 0_usize;
        loop {
            let mut script = script!("lua/task_range.lua");
            script.key(self.keys.base(TASKS)).key(&range.set).arg(&range.from).arg(&range.to);
            script.arg(passed).arg(CHUNK).arg(HEAD);
            let found: Vec<(u32, String, Values)> = self.look_by(TASKS.name, &range.set, &script).await?;
            let full = found.len() == CHUNK as usize;
            if let Some((_, last, _)) = found.last() {
                let of_last = found.iter().filter(|(_, score, _)| score == last).count();
                passed = if range.from == *last { passed + of_last } else { of_last };
                range.from.clone_from(last);
            }
            for (uid, _, values) in found {
                consider(query, uid, values, matching)?;
            }
            if !full {
                return Ok(());
            }
        }
    }
}

/// The range of each date that the query bounds.
fn dated(keys: &Keys, query: &TaskQuery) -> Vec<Range> {
    [("_enqueued", query.enqueued), ("_started", query.started), ("_finished", query.finished)]
        .into_iter()
        .filter(|(_, dates)| dates.after.is_some() || dates.before.is_some())
        .map(|(set, dates)| Range::within(keys.own(TASKS, set), dates))
        .collect()
}

/// The range of the one date that is all the query filters by: as many tasks match as lie within.
pub(super) fn only_dates(keys: &Keys, query: &TaskQuery) -> Option<Range> {
    let other = query.uids.is_some()
        || query.batch_uids.is_some()
        || query.statuses.is_some()
        || query.kinds.is_some()
        || query.index_uids.is_some()
        || query.canceled_by.is_some();
    let mut ranges = dated(keys, query);
    let range = ranges.pop()?;
    (ranges.is_empty() && !other).then_some(range)
}

/// The uids that the query lists, where it does: a task must be in each of its lists.
fn listed(query: &TaskQuery) -> Option<BTreeSet<TaskUid>> {
    match (&query.uids, &query.batch_uids) {
        (Some(uids), Some(batches)) => Some(uids & batches),
        (Some(uids), None) | (None, Some(uids)) => Some(uids.clone()),
        (None, None) => None,
    }
}

/// Adds `uid` if its row matches. A row that is gone was pruned since it was named.
fn consider(
    query: &TaskQuery,
    uid: u32,
    values: Values,
    matching: &mut BTreeSet<u32>,
) -> Result<(), StoreError> {
    if head(TaskUid(uid), values)?.is_some_and(|task| query.matches(&task)) {
        matching.insert(uid);
    }
    Ok(())
}
