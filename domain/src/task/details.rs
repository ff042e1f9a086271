//! The `details` of a task: what is known when it is enqueued, and what a client is shown of it.
//!
//! A task keeps in its row what the services know of it from the start. The view hides numbers that a server tells
//! only at the end, and computes those that only the nodes can tell.

use serde_json::{Map, Value};

use super::{NodeTaskState, Task, TaskKind, TaskStatus};

const RECEIVED: &str = "receivedDocuments";
const INDEXED: &str = "indexedDocuments";
const PROVIDED: &str = "providedIds";
const DELETED: &str = "deletedDocuments";
const FILTER: &str = "originalFilter";

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// `details` to enqueue a `documentAdditionOrUpdate` with: how many documents the payload holds, and how many
/// distinct ids they have. The view keeps the second back until the task succeeds.
pub fn documents_added(received: usize, distinct: usize) -> Map<String, Value> {
    object([(RECEIVED, received.into()), (INDEXED, distinct.into())])
}

/// `details` to enqueue a `documentDeletion` by ids with: how many ids the client sent, repeated ones counted.
pub fn documents_deleted_by_ids(provided: usize) -> Map<String, Value> {
    object([(PROVIDED, provided.into()), (DELETED, Value::Null), (FILTER, Value::Null)])
}

/// `details` to enqueue a `documentDeletion` by filter with.
pub fn documents_deleted_by_filter(filter: &Value) -> Map<String, Value> {
    object([(PROVIDED, 0.into()), (DELETED, Value::Null), (FILTER, filter.to_string().into())])
}

/// `details` to enqueue the deletion of all documents, or of an index, with.
pub fn everything_deleted() -> Map<String, Value> {
    object([(DELETED, Value::Null)])
}

/// `details` to enqueue an `indexCreation` with.
pub fn index_created(primary_key: Option<&str>) -> Map<String, Value> {
    object([("primaryKey", primary_key.into())])
}

/// The details a client is shown: counts are null until the task is over, and 0 when it did nothing.
pub(super) fn shown(task: &Task) -> Option<Map<String, Value>> {
    let mut details = task.details.clone()?;
    match task.kind {
        TaskKind::DocumentAdditionOrUpdate => {
            if let Some(indexed) = details.get_mut(INDEXED) {
                *indexed = count_at_end(task.status, || std::mem::take(indexed));
            }
        }
        TaskKind::DocumentDeletion | TaskKind::IndexDeletion => {
            if let Some(deleted) = details.get_mut(DELETED) {
                *deleted = count_at_end(task.status, || deleted_documents(task).into());
            }
        }
        _ => {}
    }
    Some(details)
}

fn count_at_end(status: TaskStatus, count: impl FnOnce() -> Value) -> Value {
    match status {
        TaskStatus::Enqueued | TaskStatus::Processing => Value::Null,
        TaskStatus::Succeeded => count(),
        TaskStatus::Failed | TaskStatus::Canceled => 0.into(),
    }
}

/// How many documents were deleted. Each node counts its own copies, so their sum counts a document once per copy:
/// it is scaled by shards over placements, where placements are the shards of every node that took part. When all
/// nodes took part this divides by the number of copies, exactly; when some missed the write it estimates what they
/// would have counted.
fn deleted_documents(task: &Task) -> u64 {
    let mut copies: u128 = 0;
    let mut placements: u128 = 0;
    for node_task in task.node_tasks.values().filter(|part| part.status == NodeTaskState::Succeeded) {
        let told = node_task.details.as_ref().and_then(|details| details.get(DELETED)?.as_u64());
        copies += u128::from(told.unwrap_or(0));
        placements += node_task.shards.len() as u128;
    }
    if placements == 0 {
        return u64::try_from(copies).unwrap_or(u64::MAX);
    }
    let shards = task.touched_shards().len() as u128;
    let rounded = (2 * copies * shards + placements) / (2 * placements);
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "details_tests.rs"]
mod tests;
