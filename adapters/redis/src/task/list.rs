//! Pages of tasks.
//!
//! For filters by status, type and index there are sets that hold the tasks of one combination each. Their
//! sizes add up to the total, and one call merges the page from their ends. For other filters candidates are
//! read: see [`super::range`].

use std::collections::BTreeSet;

use miroir_domain::TaskUid;
use miroir_domain::task::{TaskKind, TaskQuery, TaskStatus};
use miroir_ports::outbound::{StoreError, TaskPage};

use super::range::only_dates;
use super::row::{FIELDS, task};
use crate::call::script;
use crate::keys::TASKS;
use crate::row::Values;
use crate::store::RedisStore;
use crate::table::CHUNK;

/// A uid and its row.
pub(super) type Found = (u32, Values);

impl RedisStore {
    /// Returns the page that `query` requests.
    pub(super) async fn list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        if let Some(range) = only_dates(&self.keys, query) {
            let total = self.count(&[range]).await?;
            if total > u64::from(CHUNK) {
                return self.page_among_all(query, total).await;
            }
        }
        if needs_candidates(query) {
            let matching = self.matching(query).await?;
            return self.page_of(&matching, query).await;
        }
        let sets = self.combinations(query);
        let mut page = self.page(&sets, query.from, query.reverse, query.limit.min(CHUNK)).await?;
        // A page that is too long for one call is read in several.
        while let Some(next) = page.next
            && let missing @ 1.. = query.limit - u32::try_from(page.tasks.len()).unwrap_or(query.limit)
        {
            let more = self.page(&sets, Some(next), query.reverse, missing.min(CHUNK)).await?;
            page.tasks.extend(more.tasks);
            page.next = more.next;
        }
        Ok(page)
    }

    /// Returns the sets that together hold, each task once, the tasks whose status, type and index match the
    /// query.
    pub(super) fn combinations(&self, query: &TaskQuery) -> Vec<String> {
        if query.statuses.is_none() && query.kinds.is_none() && query.index_uids.is_none() {
            return vec![self.keys.own(TASKS, "_index")];
        }
        let statuses = query.statuses.clone().unwrap_or_else(|| TaskStatus::ALL.into());
        let kinds = query.kinds.clone().unwrap_or_else(|| TaskKind::ALL.iter().copied().collect());
        let scopes: Vec<String> = match &query.index_uids {
            None => vec!["_by".to_owned()],
            Some(uids) => uids.iter().map(|uid| format!("_of:{}", uid.as_str())).collect(),
        };
        let mut sets = Vec::new();
        for scope in &scopes {
            for status in &statuses {
                for kind in &kinds {
                    let name = format!("{scope}:{}:{}", status.as_str(), kind.as_str());
                    sets.push(self.keys.own(TASKS, &name));
                }
            }
        }
        sets
    }

    /// Returns up to `limit` tasks of `sets` from the uid `from` on.
    pub(super) async fn page(
        &self,
        sets: &[String],
        from: Option<TaskUid>,
        reverse: bool,
        limit: u32,
    ) -> Result<TaskPage, StoreError> {
        let mut script = script!("lua/task_page.lua");
        script.key(self.keys.base(TASKS)).key(sets);
        script.arg(from.map(|uid| uid.to_string()).unwrap_or_default());
        script.arg(i32::from(reverse)).arg(limit).arg(FIELDS);
        let (total, rows, next): (u64, Vec<Found>, Option<u32>) =
            self.read_by(TASKS.name, "of a page", &script).await?;
        let tasks = rows.into_iter().map(|(uid, values)| {
            let missing =
                || StoreError::corrupt(TASKS.name, uid.to_string(), "the row that a set names is missing");
            task(TaskUid(uid), values)?.ok_or_else(missing)
        });
        Ok(TaskPage { tasks: tasks.collect::<Result<_, _>>()?, total, next: next.map(TaskUid) })
    }

    /// Returns the page of `query`, which `total` tasks match, by reading all tasks in order from the
    /// beginning of the page. It is fast for filters that many tasks match, because the page is soon full.
    async fn page_among_all(&self, query: &TaskQuery, total: u64) -> Result<TaskPage, StoreError> {
        let all = [self.keys.own(TASKS, "_index")];
        let mut page = TaskPage { tasks: Vec::new(), total, next: None };
        let (mut from, mut step) = (query.from, query.limit.saturating_add(1).min(CHUNK));
        loop {
            let some = self.page(&all, from, query.reverse, step).await?;
            for task in some.tasks.into_iter().filter(|task| query.matches(task)) {
                if page.tasks.len() == query.limit as usize {
                    page.next = Some(task.uid);
                    return Ok(page);
                }
                page.tasks.push(task);
            }
            if some.next.is_none() {
                return Ok(page);
            }
            (from, step) = (some.next, (step * 2).min(CHUNK));
        }
    }

    /// Returns the page of `query` among the tasks that match it.
    async fn page_of(&self, matching: &BTreeSet<u32>, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        let from = query.from.map(|uid| uid.0);
        let mut uids: Vec<u32> = match (query.reverse, from) {
            (true, from) => matching.range(from.unwrap_or(0)..).copied().collect(),
            (false, from) => matching.range(..=from.unwrap_or(u32::MAX)).rev().copied().collect(),
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let next = uids.get(limit).copied().map(TaskUid);
        uids.truncate(limit);
        let mut tasks = Vec::with_capacity(uids.len());
        for found in self.rows(&uids, FIELDS).await? {
            // A missing row was pruned since it was read.
            tasks.extend(task(TaskUid(found.0), found.1)?);
        }
        Ok(TaskPage { tasks, total: matching.len() as u64, next })
    }

    /// Returns the rows of `uids`, in their order.
    pub(super) async fn rows(
        &self,
        uids: &[u32],
        fields: &'static [&'static str],
    ) -> Result<Vec<Found>, StoreError> {
        let mut rows = Vec::with_capacity(uids.len());
        for some in uids.chunks(CHUNK as usize) {
            let mut script = script!("lua/task_rows.lua");
            script.key(self.keys.base(TASKS)).arg(fields.len()).arg(fields).arg(some);
            let found: Vec<Found> = self.read_by(TASKS.name, "of a page", &script).await?;
            rows.extend(found);
        }
        Ok(rows)
    }
}

/// Returns whether the query has a filter for which there are no sets.
fn needs_candidates(query: &TaskQuery) -> bool {
    let dates = [query.enqueued, query.started, query.finished];
    query.uids.is_some()
        || query.batch_uids.is_some()
        || query.canceled_by.is_some()
        || dates.iter().any(|dates| dates.after.is_some() || dates.before.is_some())
}
