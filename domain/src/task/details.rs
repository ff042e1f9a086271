//! The `details` of a task: those known when it is enqueued, and those that a client sees.
//!
//! The row of a task keeps the details that the services know from the start. The view hides the numbers that
//! a server reports only at the end, and computes those that only the nodes know.

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

/// Returns the details of a new `documentAdditionOrUpdate`: the number of documents in the payload, and of
/// distinct ids among them. The view hides the second number until the task succeeds.
pub fn documents_added(received: usize, distinct: usize) -> Map<String, Value> {
    object([(RECEIVED, received.into()), (INDEXED, distinct.into())])
}

/// Returns the details of a new `documentDeletion` by ids: the number of ids that the client sent, with
/// repetitions.
pub fn documents_deleted_by_ids(provided: usize) -> Map<String, Value> {
    object([(PROVIDED, provided.into()), (DELETED, Value::Null), (FILTER, Value::Null)])
}

/// Returns the details of a new `documentDeletion` by filter.
pub fn documents_deleted_by_filter(filter: &Value) -> Map<String, Value> {
    object([(PROVIDED, 0.into()), (DELETED, Value::Null), (FILTER, filter.to_string().into())])
}

/// Returns the details of a new deletion of all documents, or of an index.
pub fn everything_deleted() -> Map<String, Value> {
    object([(DELETED, Value::Null)])
}

/// Returns the details of a new `indexCreation`.
pub fn index_created(primary_key: Option<&str>) -> Map<String, Value> {
    object([("primaryKey", primary_key.into())])
}

/// Returns the details that a client sees: counts are null until the task is over, and 0 if it did nothing.
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

/// Returns the number of deleted documents. Each node counts its own copies, so their sum counts a document
/// once per copy: it is scaled by shards over placements, where placements are the shards of every node that
/// took part. If all nodes took part this divides by the number of copies, exactly; if some missed the write
/// it estimates the counts they would have had.
fn deleted_documents(task: &Task) -> u64 {
    let mut copies: u128 = 0;
    let mut placements: u128 = 0;
    for node_task in task.node_tasks.values().filter(|part| part.status == NodeTaskState::Succeeded) {
        let reported = node_task.details.as_ref().and_then(|details| details.get(DELETED)?.as_u64());
        copies += u128::from(reported.unwrap_or(0));
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
