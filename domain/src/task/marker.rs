//! The marker of a task: it finds a write again on its node when the node's response was lost.
//!
//! Document routes carry the marker as `customMetadata`. The other routes take no metadata, so such a write
//! follows a *marker task*: a deletion of no documents, which changes nothing and carries the marker. Writes
//! to an index reach a node one after the other, so the task after the marker task in that index is the
//! write, or another write's. Their types differ: any other write there begins with a document write or with
//! a marker task of its own.

use super::{NodeTask, NodeTaskReport, Task, TaskKind};
use crate::TaskUid;
use crate::write::WriteOperation;

const PREFIX: &str = "miroir:";

/// Returns the marker of a task: `miroir:<uid>`.
pub fn marker_of(uid: TaskUid) -> String {
    format!("{PREFIX}{uid}")
}

/// Returns the marker task that is sent before `operation`. Returns `None` if the operation carries the
/// marker itself.
pub fn marker_task(operation: &WriteOperation) -> Option<WriteOperation> {
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

/// Finds `part`, the part of `task` on a node, among `reports`, the tasks that the node has of the index.
pub fn find_marked(task: &Task, part: &NodeTask, reports: &[NodeTaskReport]) -> Option<Found> {
    let marked = reports.iter().find(|report| marked_uid(report) == Some(task.uid))?;
    let earlier = reports.iter().filter(|report| report.uid < marked.uid);
    let overtaken_by = earlier.filter_map(marked_uid).filter(|other| *other > task.uid).max();
    let uid = match kind_after_marker_task(task.kind, part) {
        None => marked.uid,
        Some(kind) => {
            let later = reports.iter().filter(|report| report.uid > marked.uid);
            let next = later.min_by_key(|report| report.uid)?;
            (next.kind == kind && next.custom_metadata.is_none()).then_some(next.uid)?
        }
    };
    Some(Found { uid, overtaken_by })
}

/// Returns the task whose marker a node task has.
fn marked_uid(report: &NodeTaskReport) -> Option<TaskUid> {
    marked_by(report.custom_metadata.as_deref()?)
}

/// Returns the task whose marker `metadata` is.
pub fn marked_by(metadata: &str) -> Option<TaskUid> {
    metadata.strip_prefix(PREFIX)?.parse().ok().map(TaskUid)
}

/// Returns the type that a part has on its node if a marker task carries its marker. The creation of an index
/// ends with its settings; so does the part of a first document write on a node that keeps none of its
/// documents.
fn kind_after_marker_task(kind: TaskKind, part: &NodeTask) -> Option<&'static str> {
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
