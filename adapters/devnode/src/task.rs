//! Tasks: their work, status and JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::duration_text;
use crate::document::Document;
use crate::error::ApiError;
use crate::settings::hide_keys;

/// The work of a task.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    AddDocuments { documents: Vec<Document>, primary_key: Option<String>, replace: bool },
    DeleteDocuments(Vec<Value>),
    DeleteByFilter(Value),
    ClearDocuments,
    UpdateSettings { change: Map<String, Value>, is_deletion: bool },
    CreateIndex { primary_key: Option<String> },
    UpdateIndex { primary_key: Option<String>, new_uid: Option<String> },
    DeleteIndex,
    CancelTasks { uids: Vec<u32>, original_filter: String },
    DeleteTasks { uids: Vec<u32>, original_filter: String },
}

impl Work {
    /// Returns the type of the task.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::AddDocuments { .. } => "documentAdditionOrUpdate",
            Self::DeleteDocuments(_) | Self::DeleteByFilter(_) | Self::ClearDocuments => "documentDeletion",
            Self::UpdateSettings { .. } => "settingsUpdate",
            Self::CreateIndex { .. } => "indexCreation",
            Self::UpdateIndex { .. } => "indexUpdate",
            Self::DeleteIndex => "indexDeletion",
            Self::CancelTasks { .. } => "taskCancelation",
            Self::DeleteTasks { .. } => "taskDeletion",
        }
    }

    /// Takes the work out, leaving behind everything but its documents.
    pub(crate) fn take(&mut self) -> Self {
        match self {
            Self::AddDocuments { documents, primary_key, replace } => Self::AddDocuments {
                documents: std::mem::take(documents),
                primary_key: primary_key.clone(),
                replace: *replace,
            },
            other => other.clone(),
        }
    }

    /// Returns the details before the work is done.
    pub(crate) fn initial_details(&self) -> Value {
        match self {
            Self::AddDocuments { documents, .. } => {
                json!({ "receivedDocuments": documents.len(), "indexedDocuments": null })
            }
            Self::DeleteDocuments(ids) => {
                json!({ "providedIds": ids.len(), "deletedDocuments": null, "originalFilter": null })
            }
            Self::DeleteByFilter(filter) => {
                json!({ "providedIds": 0, "deletedDocuments": null, "originalFilter": filter.to_string() })
            }
            Self::ClearDocuments | Self::DeleteIndex => json!({ "deletedDocuments": null }),
            Self::UpdateSettings { change, .. } => {
                let mut details = change.clone();
                hide_keys(&mut details);
                Value::Object(details)
            }
            Self::CreateIndex { primary_key } | Self::UpdateIndex { primary_key, .. } => {
                json!({ "primaryKey": primary_key })
            }
            Self::CancelTasks { uids, original_filter } => {
                json!({ "matchedTasks": uids.len(), "canceledTasks": null, "originalFilter": original_filter })
            }
            Self::DeleteTasks { uids, original_filter } => {
                json!({ "matchedTasks": uids.len(), "deletedTasks": null, "originalFilter": original_filter })
            }
        }
    }
}

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Enqueued,
    Processing,
    Succeeded,
    Failed,
    Canceled,
}

impl Status {
    /// All of them, in the order in which error messages list them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Enqueued, Self::Processing, Self::Succeeded, Self::Failed, Self::Canceled];

    /// Returns its name in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Returns whether the task has reached its final status.
    pub(crate) fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) uid: u32,
    pub(crate) batch_uid: Option<u32>,
    pub(crate) index_uid: Option<String>,
    pub(crate) status: Status,
    pub(crate) work: Work,
    pub(crate) details: Value,
    pub(crate) error: Option<ApiError>,
    pub(crate) canceled_by: Option<u32>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) custom_metadata: Option<String>,
}

impl Task {
    /// Returns the response to an accepted write.
    pub(crate) fn summary(&self) -> Value {
        let mut summary = json!({
            "taskUid": self.uid,
            "indexUid": self.index_uid,
            "status": self.status.name(),
            "type": self.work.kind(),
            "enqueuedAt": self.enqueued_at.to_string(),
        });
        if let Some(metadata) = &self.custom_metadata {
            summary["customMetadata"] = json!(metadata);
        }
        summary
    }

    /// Returns the task as `GET /tasks/{uid}` shows it.
    pub(crate) fn view(&self) -> Value {
        let duration =
            self.started_at.zip(self.finished_at).map(|(start, finish)| duration_text(start, finish));
        let mut view = json!({
            "uid": self.uid,
            "batchUid": self.batch_uid,
            "indexUid": self.index_uid,
            "status": self.status.name(),
            "type": self.work.kind(),
            "canceledBy": self.canceled_by,
            "details": self.details,
            "error": self.error.as_ref().map(ApiError::body),
            "duration": duration,
            "enqueuedAt": self.enqueued_at.to_string(),
            "startedAt": self.started_at.map(|instant| instant.to_string()),
            "finishedAt": self.finished_at.map(|instant| instant.to_string()),
        });
        if let Some(metadata) = &self.custom_metadata {
            view["customMetadata"] = json!(metadata);
        }
        view
    }
}
