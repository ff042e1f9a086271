//! The data of the node: indexes, tasks and API keys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::documents::Documents;
use crate::error::ApiError;
use crate::key::Keys;
use crate::settings::Settings;
use crate::task::{Status, Task, Work};

/// One index.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) primary_key: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) documents: Documents,
}

impl Index {
    /// Creates an empty index.
    pub(crate) fn new(primary_key: Option<String>, now: Timestamp) -> Self {
        Self {
            created_at: now,
            updated_at: now,
            primary_key,
            settings: Settings::default(),
            documents: Documents::default(),
        }
    }

    /// Returns the index as `GET /indexes/{uid}` shows it.
    pub(crate) fn view(&self, uid: &str) -> Value {
        json!({
            "uid": uid,
            "createdAt": self.created_at.to_string(),
            "updatedAt": self.updated_at.to_string(),
            "primaryKey": self.primary_key,
        })
    }

    /// Returns the statistics of the index. Sizes are those of the documents as JSON text.
    pub(crate) fn stats(&self, is_indexing: bool) -> Value {
        let mut distribution: BTreeMap<&str, u64> = BTreeMap::new();
        let mut size = 0;
        for stored in self.documents.iter() {
            size += serde_json::to_vec(&stored.document).map_or(0, |text| text.len());
            for (name, _) in stored.document.iter() {
                *distribution.entry(name).or_default() += 1;
            }
        }
        let count = self.documents.len();
        json!({
            "numberOfDocuments": count,
            "rawDocumentDbSize": size,
            "avgDocumentSize": size.checked_div(count).unwrap_or(0),
            "isIndexing": is_indexing,
            "numberOfEmbeddings": 0,
            "numberOfEmbeddedDocuments": 0,
            "fieldDistribution": distribution,
        })
    }
}

/// All data of the node.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) indexes: BTreeMap<String, Index>,
    pub(crate) tasks: BTreeMap<u32, Task>,
    pub(crate) keys: Keys,
    pub(crate) next_task: u32,
    pub(crate) next_batch: u32,
}

impl State {
    /// Returns the index. Refuses a uid that does not exist.
    pub(crate) fn index(&self, uid: &str) -> Result<&Index, ApiError> {
        self.indexes.get(uid).ok_or_else(|| ApiError::index_not_found(uid))
    }

    /// Accepts work as a task with the uid `wanted`, or the next free one.
    pub(crate) fn enqueue(
        &mut self,
        index_uid: Option<&str>,
        work: Work,
        custom_metadata: Option<String>,
        wanted: Option<u32>,
        now: Timestamp,
    ) -> Result<&Task, ApiError> {
        let next = self.next_task;
        let uid = wanted.unwrap_or(next);
        if uid < next {
            let message = format!("Received bad task id: {uid} should be >= to {next}.");
            return Err(ApiError::invalid("bad_request", message));
        }
        self.next_task = uid + 1;
        let task = Task {
            uid,
            batch_uid: None,
            index_uid: index_uid.map(str::to_owned),
            status: Status::Enqueued,
            details: work.initial_details(),
            work,
            error: None,
            canceled_by: None,
            enqueued_at: now,
            started_at: None,
            finished_at: None,
            custom_metadata,
        };
        Ok(self.tasks.entry(uid).or_insert(task))
    }

    /// Returns whether an index has a task that is processing.
    pub(crate) fn is_indexing(&self, uid: &str) -> bool {
        self.tasks
            .values()
            .any(|task| task.status == Status::Processing && task.index_uid.as_deref() == Some(uid))
    }

    /// Enqueues tasks again that a crash interrupted.
    pub(crate) fn requeue_interrupted(&mut self) {
        for task in self.tasks.values_mut().filter(|task| task.status == Status::Processing) {
            task.status = Status::Enqueued;
            task.started_at = None;
            task.batch_uid = None;
        }
    }
}
