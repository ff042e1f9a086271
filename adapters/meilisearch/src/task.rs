//! The tasks of a node, listed to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use miroir_domain::task::{NodeTaskReport, TaskStatus};
use miroir_domain::{NodeId, Timestamp};
use miroir_ports::outbound::{NodeError, NodeTaskSelection};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::call::Call;
use crate::client::NodeClient;
use crate::error::response_error;

/// The number of uids in one request: with ten digits and a separator each, the URL stays well below the 8
/// KiB that servers accept.
const UIDS_PER_CALL: usize = 200;

/// The number of tasks in one page if the total is not known.
const TASKS_PER_PAGE: u32 = 1000;

/// The pause between two reads of a task that is waited for.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// One page of `GET /tasks`.
#[derive(Deserialize)]
struct Page {
    results: Vec<TaskObject>,
    next: Option<u32>,
}

/// The fields of a task that are needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskObject {
    uid: u32,
    status: TaskStatus,
    #[serde(rename = "type")]
    kind: String,
    index_uid: Option<String>,
    error: Option<Value>,
    details: Option<Map<String, Value>>,
    enqueued_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    custom_metadata: Option<String>,
}

impl From<TaskObject> for NodeTaskReport {
    fn from(task: TaskObject) -> Self {
        Self {
            uid: task.uid,
            status: task.status,
            kind: task.kind,
            index_uid: task.index_uid,
            error: task.error.as_ref().and_then(response_error),
            details: task.details,
            enqueued_at: task.enqueued_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
            custom_metadata: task.custom_metadata,
        }
    }
}

/// Returns the tasks of `node` that `selection` names, each once.
pub(crate) async fn list(
    nodes: &NodeClient,
    node: &NodeId,
    selection: NodeTaskSelection,
    deadline: Instant,
) -> Result<Vec<NodeTaskReport>, NodeError> {
    let mut found = BTreeMap::new();
    for (filter, limit) in filters(selection) {
        list_pages(nodes, node, &filter, limit, deadline, &mut found).await?;
    }
    Ok(found.into_values().collect())
}

/// Waits until a task of `node` has succeeded.
pub(crate) async fn succeeded(
    nodes: &NodeClient,
    node: &NodeId,
    uid: u32,
    deadline: Instant,
) -> Result<(), NodeError> {
    loop {
        let task: TaskObject =
            nodes.send(node, Call::new(Method::GET, format!("/tasks/{uid}")), deadline).await?;
        if task.status == TaskStatus::Succeeded {
            return Ok(());
        }
        if task.status.is_finished() {
            let error = task.error.as_ref().and_then(response_error).map(|error| error.message);
            let reason = error.unwrap_or_else(|| "it was canceled".to_owned());
            return Err(NodeError::unknown(node, format!("its task {uid} did not succeed: {reason}")));
        }
        if Instant::now() + POLL_PAUSE >= deadline {
            return Err(NodeError::unknown(node, format!("its task {uid} is not done yet")));
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

/// Returns the queries that cover the selection together, each with the tasks of a page. There are none for
/// no uids, because a query without a filter would list all tasks.
fn filters(selection: NodeTaskSelection) -> Vec<(Vec<(&'static str, String)>, u32)> {
    match selection {
        NodeTaskSelection::Uids(mut uids) => {
            uids.sort_unstable();
            uids.dedup();
            uids.chunks(UIDS_PER_CALL)
                .map(|uids| {
                    let list: Vec<String> = uids.iter().map(u32::to_string).collect();
                    (vec![("uids", list.join(","))], u32::try_from(uids.len()).unwrap_or(TASKS_PER_PAGE))
                })
                .collect()
        }
        NodeTaskSelection::IndexSince(index, after) => {
            let filter = vec![("indexUids", index.to_string()), ("afterEnqueuedAt", after.to_string())];
            vec![(filter, TASKS_PER_PAGE)]
        }
    }
}

async fn list_pages(
    nodes: &NodeClient,
    node: &NodeId,
    filter: &[(&'static str, String)],
    mut limit: u32,
    deadline: Instant,
    found: &mut BTreeMap<u32, NodeTaskReport>,
) -> Result<(), NodeError> {
    let mut from: Option<u32> = None;
    loop {
        let mut call = Call::new(Method::GET, "/tasks").with_query("limit", limit.to_string());
        for (name, value) in filter {
            call = call.with_query(*name, value);
        }
        if let Some(from) = from {
            call = call.with_query("from", from.to_string());
        }
        let page: Page = match nodes.send(node, call, deadline).await {
            // Tasks show whole settings.
            Err(NodeError::TooLong { .. }) if limit > 1 => {
                limit /= 2;
                continue;
            }
            page => page?,
        };
        found.extend(page.results.into_iter().map(|task| (task.uid, task.into())));
        match (from, page.next) {
            (_, None) => return Ok(()),
            // Tasks are listed newest first, so the next page starts at a lower uid. Anything else would
            // never end.
            (Some(from), Some(next)) if next >= from => {
                return Err(NodeError::unknown(
                    node,
                    format!("its task list does not advance: {next} after {from}"),
                ));
            }
            (_, next) => from = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_requested_once_each_in_urls_of_bounded_length() {
        let uids = (0..450).chain(0..450).map(|uid| u32::MAX - uid).collect();
        let filters = filters(NodeTaskSelection::Uids(uids));
        let limits: Vec<u32> = filters.iter().map(|(_, limit)| *limit).collect();
        assert_eq!(limits, [200, 200, 50]);
        assert!(filters.iter().all(|(filter, _)| filter[0].1.len() < 3000));
    }

    #[test]
    fn no_uids_need_no_call() {
        assert!(filters(NodeTaskSelection::Uids(Vec::new())).is_empty());
    }
}
