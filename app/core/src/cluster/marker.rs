//! The mark by which a write is found again on its node when its answer was lost.
//!
//! Document routes carry it as `customMetadata`. The other routes take none, so such a write has a *forerunner*: the
//! deletion of no documents, which changes nothing and carries the mark. Writes to an index reach a node one after
//! the other, so the task that follows the forerunner in that index is the write, or another write's, and the types
//! tell them apart: whatever else follows is a document write or again a forerunner.

use miroir_domain::TaskUid;
use miroir_domain::task::{NodeTask, NodeTaskReport, Task, TaskKind};
use miroir_domain::write::WriteOperation;

/// The mark of a task: `miroir:<uid>`.
pub fn metadata_of(uid: TaskUid) -> String {
    format!("miroir:{uid}")
}

/// What goes before `operation` to carry the mark; none for an operation that carries it itself.
pub fn forerunner(operation: &WriteOperation) -> Option<WriteOperation> {
    match operation {
        WriteOperation::DocumentsAdd { .. }
        | WriteOperation::DocumentsDelete(_)
        | WriteOperation::DocumentsDeleteByFilter(_)
        | WriteOperation::DocumentsDeleteAll => None,
        WriteOperation::IndexCreate { .. } | WriteOperation::IndexDelete | WriteOperation::Settings(_) => {
            Some(WriteOperation::DocumentsDelete(Vec::new()))
        }
    }
}

/// A write found on its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The node's uid for it.
    pub uid: u32,
    /// The newest task whose write to the index the node took before it, if any is newer than its own.
    pub overtaken_by: Option<TaskUid>,
}

/// The part of `task` on a node, among the tasks `reports` that the node has of the index.
pub fn find_marked(task: &Task, part: &NodeTask, reports: &[NodeTaskReport]) -> Option<Found> {
    let marked = reports.iter().find(|report| marked_uid(report) == Some(task.uid))?;
    let earlier = reports.iter().filter(|report| report.uid < marked.uid);
    let overtaken_by = earlier.filter_map(marked_uid).filter(|other| *other > task.uid).max();
    let uid = match forerun_kind(task.kind, part) {
        None => marked.uid,
        Some(kind) => {
            let later = reports.iter().filter(|report| report.uid > marked.uid);
            let next = later.min_by_key(|report| report.uid)?;
            (next.kind == kind && next.custom_metadata.is_none()).then_some(next.uid)?
        }
    };
    Some(Found { uid, overtaken_by })
}

/// The task that a node task is marked with.
fn marked_uid(report: &NodeTaskReport) -> Option<TaskUid> {
    report.custom_metadata.as_deref()?.strip_prefix("miroir:")?.parse().ok().map(TaskUid)
}

/// The type that a part has on its node when a forerunner carries its mark. The creation of an index ends in its
/// settings; so does the part of a first document write on a node that keeps none of its documents.
fn forerun_kind(kind: TaskKind, part: &NodeTask) -> Option<&'static str> {
    match kind {
        TaskKind::IndexCreation | TaskKind::SettingsUpdate => Some("settingsUpdate"),
        TaskKind::DocumentAdditionOrUpdate if part.shards.is_empty() => Some("settingsUpdate"),
        TaskKind::IndexDeletion => Some("indexDeletion"),
        _ => None,
    }
}

#[cfg(test)]
#[path = "marker_tests.rs"]
mod tests;
