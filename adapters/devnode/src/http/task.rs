//! Routes of tasks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::{Query, invalid_parameter, not_a_number};
use super::request::Request;
use super::response::{Responded, Response, accept, check_index_uid};
use crate::error::ApiError;
use crate::json::quoted;
use crate::shared::Shared;
use crate::task::{Status, Task, Work};

const KINDS: [&str; 18] = [
    "documentAdditionOrUpdate",
    "documentEdition",
    "documentDeletion",
    "settingsUpdate",
    "indexCreation",
    "indexDeletion",
    "indexUpdate",
    "indexSwap",
    "taskCancelation",
    "taskDeletion",
    "dumpCreation",
    "snapshotCreation",
    "export",
    "upgradeDatabase",
    "indexCompaction",
    "networkTopologyChange",
    "dsrUpdate",
    "dsrClear",
];

const PAGE: [&str; 3] = ["limit", "from", "reverse"];

const FILTERS: [&str; 12] = [
    "batchUids",
    "uids",
    "canceledBy",
    "types",
    "statuses",
    "indexUids",
    "afterEnqueuedAt",
    "beforeEnqueuedAt",
    "afterStartedAt",
    "beforeStartedAt",
    "afterFinishedAt",
    "beforeFinishedAt",
];

/// Serves `GET /tasks/{uid}`.
pub(super) fn get(shared: &Shared, uid: &str) -> Responded {
    let invalid = |_| {
        let message = format!("Task uid `{uid}` is invalid. It should only contain numeric characters.");
        ApiError::invalid("invalid_task_uids", message)
    };
    let uid: u32 = uid.parse().map_err(invalid)?;
    let state = shared.state();
    let not_found = || ApiError::with_status(404, "task_not_found", format!("Task `{uid}` not found."));
    Ok(Response::ok(&state.tasks.get(&uid).ok_or_else(not_found)?.view()))
}

/// Serves `GET /tasks`.
pub(super) fn list(shared: &Shared, request: &Request) -> Responded {
    let query = &request.query;
    query.only(&[PAGE.as_slice(), FILTERS.as_slice()].concat())?;
    let limit: usize = query.number("limit", "invalid_task_limit")?.unwrap_or(20);
    let from: Option<u32> = query.number("from", "invalid_task_from")?;
    let reverse = query.boolean("reverse", "invalid_task_reverse")?.unwrap_or(false);
    let filter = TaskFilter::parse(query)?;
    let state = shared.state();
    let matching: Vec<&Task> = state.tasks.values().filter(|task| filter.matches(task)).collect();
    let total = matching.len();
    let in_order: Box<dyn Iterator<Item = &Task>> = if reverse {
        Box::new(matching.into_iter().filter(|task| from.is_none_or(|from| task.uid >= from)))
    } else {
        Box::new(matching.into_iter().rev().filter(|task| from.is_none_or(|from| task.uid <= from)))
    };
    let mut page: Vec<&Task> = in_order.take(limit.saturating_add(1)).collect();
    let next = if page.len() > limit { page.pop().map(|task| task.uid) } else { None };
    Ok(Response::ok(&json!({
        "results": page.iter().map(|task| task.view()).collect::<Vec<Value>>(),
        "total": total,
        "limit": limit,
        "from": page.first().map(|task| task.uid),
        "next": next,
    })))
}

/// Serves `POST /tasks/cancel`.
pub(super) fn cancel(shared: &Shared, request: &Request) -> Responded {
    let uids = selected(shared, request, "cancel")?;
    let work = Work::CancelTasks { uids, original_filter: format!("?{}", request.raw_query()) };
    accept(shared, request, None, work, 200)
}

/// Serves `DELETE /tasks`.
pub(super) fn delete(shared: &Shared, request: &Request) -> Responded {
    let uids = selected(shared, request, "delete")?;
    let work = Work::DeleteTasks { uids, original_filter: format!("?{}", request.raw_query()) };
    accept(shared, request, None, work, 200)
}

fn selected(shared: &Shared, request: &Request, verb: &str) -> Result<Vec<u32>, ApiError> {
    request.query.only(&FILTERS)?;
    if request.query.is_empty() {
        let names = "`uids`, `indexUids`, `statuses`, `types`, `canceledBy`, `beforeEnqueuedAt`, `afterEnqueuedAt`, \
                     `beforeStartedAt`, `afterStartedAt`, `beforeFinishedAt`, `afterFinishedAt`";
        let message = format!(
            "Query parameters to filter the tasks to {verb} are missing. Available query parameters are: {names}."
        );
        return Err(ApiError::invalid("missing_task_filters", message));
    }
    let filter = TaskFilter::parse(&request.query)?;
    let state = shared.state();
    Ok(state.tasks.values().filter(|task| filter.matches(task)).map(|task| task.uid).collect())
}

/// The filters of tasks. An absent filter admits every task.
struct TaskFilter {
    uids: Option<Vec<u32>>,
    batch_uids: Option<Vec<u32>>,
    canceled_by: Option<Vec<u32>>,
    kinds: Option<Vec<&'static str>>,
    statuses: Option<Vec<Status>>,
    index_uids: Option<Vec<String>>,
    bounds: Vec<Bound>,
}

/// An exclusive bound on one of a task's instants.
struct Bound {
    of: fn(&Task) -> Option<Timestamp>,
    is_after: bool,
    instant: Timestamp,
}

impl TaskFilter {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            uids: numbers(query, "uids", "invalid_task_uids")?,
            batch_uids: numbers(query, "batchUids", "invalid_batch_uids")?,
            canceled_by: numbers(query, "canceledBy", "invalid_task_canceled_by")?,
            kinds: parsed(query, "types", |name, text| {
                let found = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(text)).copied();
                found.ok_or_else(|| unknown_word(name, text, "type", &KINDS, "invalid_task_types"))
            })?,
            statuses: parsed(query, "statuses", |name, text| {
                let found = Status::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(text));
                let names = Status::ALL.map(Status::name);
                found.ok_or_else(|| unknown_word(name, text, "status", &names, "invalid_task_statuses"))
            })?,
            index_uids: parsed(query, "indexUids", |name, text| {
                check_index_uid(text, &format!("Invalid value in parameter `{name}`: "))?;
                Ok(text.to_owned())
            })?,
            bounds: bounds(query)?,
        })
    }

    fn matches(&self, task: &Task) -> bool {
        fn within<T: PartialEq>(wanted: Option<&Vec<T>>, given: Option<&T>) -> bool {
            wanted.is_none_or(|wanted| given.is_some_and(|given| wanted.contains(given)))
        }
        within(self.uids.as_ref(), Some(&task.uid))
            && within(self.batch_uids.as_ref(), task.batch_uid.as_ref())
            && within(self.canceled_by.as_ref(), task.canceled_by.as_ref())
            && within(self.kinds.as_ref(), Some(&task.work.kind()))
            && within(self.statuses.as_ref(), Some(&task.status))
            && within(self.index_uids.as_ref(), task.index_uid.as_ref())
            && self.bounds.iter().all(|bound| {
                (bound.of)(task).is_some_and(|instant| {
                    if bound.is_after { instant > bound.instant } else { instant < bound.instant }
                })
            })
    }
}

fn parsed<T>(
    query: &Query,
    name: &str,
    read: impl Fn(&str, &str) -> Result<T, ApiError>,
) -> Result<Option<Vec<T>>, ApiError> {
    let Some(items) = query.list(name) else { return Ok(None) };
    let given = items.iter().filter(|(_, item)| *item != "*");
    let values = given.map(|(label, item)| read(label, item)).collect::<Result<Vec<T>, _>>()?;
    // `*` lifts the restriction, but the other items must still be valid.
    Ok(if items.iter().any(|(_, item)| *item == "*") { None } else { Some(values) })
}

fn numbers(query: &Query, name: &str, code: &str) -> Result<Option<Vec<u32>>, ApiError> {
    parsed(query, name, |label, text| text.parse().map_err(|_| not_a_number(label, text, code)))
}

fn unknown_word(name: &str, text: &str, what: &str, known: &[&str], code: &str) -> ApiError {
    let known = quoted(known);
    let plural = if what == "status" { "statuses" } else { "types" };
    let problem = format!("`{text}` is not a valid task {what}. Available {plural} are {known}.");
    invalid_parameter(name, &problem, code)
}

fn bounds(query: &Query) -> Result<Vec<Bound>, ApiError> {
    type Instant = fn(&Task) -> Option<Timestamp>;
    let instants: [(&str, &str, Instant); 3] = [
        ("EnqueuedAt", "enqueued_at", |task| Some(task.enqueued_at)),
        ("StartedAt", "started_at", |task| task.started_at),
        ("FinishedAt", "finished_at", |task| task.finished_at),
    ];
    let mut bounds = Vec::new();
    for (suffix, code, of) in instants {
        for (prefix, is_after) in [("after", true), ("before", false)] {
            let name = format!("{prefix}{suffix}");
            let Some(text) = query.get(&name).filter(|text| *text != "*") else { continue };
            let instant = read_date(text, is_after).ok_or_else(|| {
                let rule =
                    "is an invalid date-time. It should follow the YYYY-MM-DD or RFC 3339 date-time format.";
                invalid_parameter(
                    &name,
                    &format!("`{text}` {rule}"),
                    &format!("invalid_task_{prefix}_{code}"),
                )
            })?;
            bounds.push(Bound { of, is_after, instant });
        }
    }
    Ok(bounds)
}

/// Reads an instant or a day. "After" a day begins with the next day.
fn read_date(text: &str, is_after: bool) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let day = if is_after { day.tomorrow().ok()? } else { day };
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
