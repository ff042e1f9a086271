//! Tasks that match a query, found among candidates.
//!
//! Each filter has candidates: the uids it lists, or a range of a sorted set. The filter with the fewest is
//! chosen, and the fields of its candidates that filters use are read and compared ([`TaskQuery::matches`]).
//! Reading takes several steps, between which the server responds to others: a task that changes meanwhile
//! counts as before or as after.

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

    /// Returns the range of the tasks whose date lies strictly within the bounds.
    fn within(set: String, dates: TaskDates) -> Self {
        let bound = |bound: Option<Timestamp>, none: &str| {
            bound.map_or_else(|| none.to_owned(), |bound| format!("({}", bound.as_millis()))
        };
        Self { set, from: bound(dates.after, "-inf"), to: bound(dates.before, "+inf") }
    }
}

impl RedisStore {
    /// Returns the uids of all tasks that match.
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

    /// Returns, for each filter of the query, the ranges that hold every task that matches it.
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

    /// Returns the number of members within `ranges`.
    pub(super) async fn count(&self, ranges: &[Range]) -> Result<u64, StoreError> {
        let mut script = script!("lua/task_count.lua");
        for range in ranges {
            script.key(&range.set).arg(&range.from).arg(&range.to);
        }
        self.read_by(TASKS.name, "of a page", &script).await
    }

    /// Adds the tasks of `range` that match.
    async fn walk(
        &self,
        query: &TaskQuery,
        mut range: Range,
        matching: &mut BTreeSet<u32>,
    ) -> Result<(), StoreError> {
        // The number of members, of the score at which the next step begins, that were read already.
        let mut passed = 0_usize;
        loop {
            let mut script = script!("lua/task_range.lua");
            script.key(self.keys.base(TASKS)).key(&range.set).arg(&range.from).arg(&range.to);
            script.arg(passed).arg(CHUNK).arg(HEAD);
            let found: Vec<(u32, String, Values)> = self.read_by(TASKS.name, &range.set, &script).await?;
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

/// Returns the range of each date that the query bounds.
fn dated(keys: &Keys, query: &TaskQuery) -> Vec<Range> {
    [("_enqueued", query.enqueued), ("_started", query.started), ("_finished", query.finished)]
        .into_iter()
        .filter(|(_, dates)| dates.after.is_some() || dates.before.is_some())
        .map(|(set, dates)| Range::within(keys.own(TASKS, set), dates))
        .collect()
}

/// Returns the range of the date if the query filters by one date alone, so that all tasks within it match.
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

/// Returns the uids that the query lists, if it lists any. A task must be in each of its lists.
fn listed(query: &TaskQuery) -> Option<BTreeSet<TaskUid>> {
    match (&query.uids, &query.batch_uids) {
        (Some(uids), Some(batches)) => Some(uids & batches),
        (Some(uids), None) | (None, Some(uids)) => Some(uids.clone()),
        (None, None) => None,
    }
}

/// Adds `uid` if its row matches. A missing row was pruned since its uid was read.
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
