//! The queue: one task after another, in order of their uids.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::document::Document;
use crate::engine::filter;
use crate::error::ApiError;
use crate::payload::{canonical_id, document_id, infer_primary_key};
use crate::shared::Shared;
use crate::state::{Index, State};
use crate::task::{Status, Task, Work};

/// Processes tasks until it is dropped, which loses nothing between two tasks or while one waits.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut paused = shared.control.paused();
    loop {
        if paused.wait_for(|paused| !paused).await.is_err() {
            return;
        }
        let now = shared.now();
        let Some(uid) = shared.state().begin_next(now) else {
            shared.work_arrived.notified().await;
            continue;
        };
        if !shared.options.task_delay.is_zero() {
            tokio::time::sleep(shared.options.task_delay).await;
        }
        let now = shared.now();
        shared.state().finish(uid, now);
    }
}

impl State {
    /// Marks the next task as processing.
    fn begin_next(&mut self, now: Timestamp) -> Option<u32> {
        let batch = self.next_batch;
        // A cancelation goes first, because it would otherwise wait behind the tasks that it cancels.
        let enqueued = |task: &&mut Task| task.status == Status::Enqueued;
        let is_cancelation = |task: &&mut Task| matches!(task.work, Work::CancelTasks { .. });
        let urgent = self.tasks.values_mut().filter(enqueued).find(is_cancelation).map(|task| task.uid);
        let uid = match urgent {
            Some(uid) => uid,
            None => self.tasks.values_mut().find(enqueued)?.uid,
        };
        let task = self.tasks.get_mut(&uid)?;
        task.status = Status::Processing;
        task.started_at = Some(now);
        task.batch_uid = Some(batch);
        self.next_batch += 1;
        Some(task.uid)
    }

    /// Does the work of a task and finishes it.
    fn finish(&mut self, uid: u32, now: Timestamp) {
        let is_processing = |task: &&mut Task| task.status == Status::Processing;
        let Some(task) = self.tasks.get_mut(&uid).filter(is_processing) else { return };
        let (index_uid, work) = (task.index_uid.clone().unwrap_or_default(), task.work.take());
        let (details, result) = self.perform(uid, &index_uid, work, now);
        if let Some(index) = self.indexes.get_mut(&index_uid).filter(|_| result.is_ok()) {
            index.updated_at = now;
        }
        if let Some(task) = self.tasks.get_mut(&uid) {
            for (key, value) in details {
                task.details[key] = value;
            }
            task.status = if result.is_ok() { Status::Succeeded } else { Status::Failed };
            task.error = result.err();
            task.finished_at = Some(now);
        }
    }

    /// Does the work. Returns the changed details, and whether it succeeded.
    fn perform(
        &mut self,
        uid: u32,
        index_uid: &str,
        work: Work,
        now: Timestamp,
    ) -> (Vec<(&'static str, Value)>, Result<(), ApiError>) {
        let counted = |key, result: Result<usize, ApiError>| match result {
            Ok(count) => (vec![(key, json!(count))], Ok(())),
            Err(error) => (vec![(key, json!(0))], Err(error)),
        };
        match work {
            Work::AddDocuments { documents, primary_key, replace } => counted(
                "indexedDocuments",
                self.add_documents(index_uid, documents, primary_key, replace, now),
            ),
            Work::DeleteDocuments(ids) => counted("deletedDocuments", self.delete_documents(index_uid, &ids)),
            Work::DeleteByFilter(filter) => {
                counted("deletedDocuments", self.delete_by_filter(index_uid, &filter))
            }
            Work::ClearDocuments => {
                let cleared =
                    self.index_mut(index_uid).map(|index| std::mem::take(&mut index.documents).len());
                counted("deletedDocuments", cleared)
            }
            Work::UpdateSettings { change, is_deletion } => {
                let result = if is_deletion {
                    self.index_mut(index_uid)
                } else {
                    Ok(self.index_or_new(index_uid, now))
                };
                (Vec::new(), result.map(|index| index.settings.apply(&change)))
            }
            Work::CreateIndex { primary_key } => (Vec::new(), self.create_index(index_uid, primary_key, now)),
            Work::UpdateIndex { primary_key, new_uid } => self.update_index(index_uid, primary_key, new_uid),
            Work::DeleteIndex => {
                let removed = self.indexes.remove(index_uid).map(|index| index.documents.len());
                counted("deletedDocuments", removed.ok_or_else(|| ApiError::index_not_found(index_uid)))
            }
            Work::CancelTasks { uids, .. } => {
                counted("canceledTasks", Ok(self.cancel_tasks(uid, &uids, now)))
            }
            Work::DeleteTasks { uids, .. } => {
                let before = self.tasks.len();
                self.tasks.retain(|uid, task| !(uids.contains(uid) && task.status.is_finished()));
                counted("deletedTasks", Ok(before - self.tasks.len()))
            }
        }
    }

    fn index_mut(&mut self, uid: &str) -> Result<&mut Index, ApiError> {
        self.indexes.get_mut(uid).ok_or_else(|| ApiError::index_not_found(uid))
    }

    fn index_or_new(&mut self, uid: &str, now: Timestamp) -> &mut Index {
        self.indexes.entry(uid.to_owned()).or_insert_with(|| Index::new(None, now))
    }

    fn create_index(
        &mut self,
        uid: &str,
        primary_key: Option<String>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if self.indexes.contains_key(uid) {
            let message = format!("Index `{uid}` already exists.");
            return Err(ApiError::invalid("index_already_exists", message));
        }
        self.indexes.insert(uid.to_owned(), Index::new(primary_key, now));
        Ok(())
    }

    fn update_index(
        &mut self,
        uid: &str,
        primary_key: Option<String>,
        new_uid: Option<String>,
    ) -> (Vec<(&'static str, Value)>, Result<(), ApiError>) {
        let mut details = Vec::new();
        let result = self.change_primary_key(uid, primary_key);
        let Some(new_uid) = new_uid else { return (details, result) };
        details.push(("oldIndexUid", json!(uid)));
        details.push(("newIndexUid", json!(new_uid)));
        (details, result.and_then(|()| self.rename_index(uid, &new_uid)))
    }

    fn change_primary_key(&mut self, uid: &str, primary_key: Option<String>) -> Result<(), ApiError> {
        let index = self.index_mut(uid)?;
        let Some(wanted) = primary_key else { return Ok(()) };
        match &index.primary_key {
            Some(current) if *current != wanted && index.documents.len() > 0 => {
                Err(primary_key_exists(current).in_index(uid))
            }
            _ => {
                index.primary_key = Some(wanted);
                Ok(())
            }
        }
    }

    fn rename_index(&mut self, uid: &str, new_uid: &str) -> Result<(), ApiError> {
        if self.indexes.contains_key(new_uid) {
            let message = format!("Index `{new_uid}` already exists.");
            return Err(ApiError::invalid("index_already_exists", message));
        }
        if let Some(index) = self.indexes.remove(uid) {
            self.indexes.insert(new_uid.to_owned(), index);
        }
        for task in self.tasks.values_mut() {
            if task.status.is_finished() && task.index_uid.as_deref() == Some(uid) {
                task.index_uid = Some(new_uid.to_owned());
            }
        }
        Ok(())
    }

    /// Adds all documents or none. Returns the number of distinct ids. The index exists afterwards in any
    /// case.
    fn add_documents(
        &mut self,
        index_uid: &str,
        documents: Vec<Document>,
        primary_key: Option<String>,
        replace: bool,
        now: Timestamp,
    ) -> Result<usize, ApiError> {
        let index = self.index_or_new(index_uid, now);
        let primary_key = match (&index.primary_key, primary_key) {
            (Some(current), Some(wanted)) if *current != wanted => return Err(primary_key_exists(current)),
            (Some(current), _) => current.clone(),
            (None, Some(wanted)) => wanted,
            (None, None) => match documents.first() {
                None => return Ok(0),
                Some(first) => infer_primary_key(first)?,
            },
        };
        let with_ids = documents
            .into_iter()
            .map(|document| document_id(&document, &primary_key).map(|id| (id, document)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut ids: Vec<&String> = with_ids.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        let distinct = ids.len();
        for (id, document) in with_ids {
            index.documents.put(&id, document, replace);
        }
        index.primary_key = Some(primary_key);
        Ok(distinct)
    }

    fn delete_documents(&mut self, index_uid: &str, ids: &[Value]) -> Result<usize, ApiError> {
        let index = self.index_mut(index_uid)?;
        let removed = ids.iter().filter_map(canonical_id).filter(|id| index.documents.remove(id));
        Ok(removed.count())
    }

    fn delete_by_filter(&mut self, index_uid: &str, filter: &Value) -> Result<usize, ApiError> {
        const CODE: &str = "invalid_document_filter";
        let index = self.index_mut(index_uid)?;
        let Some(filter) = filter::parse(filter, CODE)? else { return Ok(0) };
        filter.check(&index.settings, CODE).map_err(|error| error.in_index(index_uid))?;
        let matching: Vec<String> = index
            .documents
            .iter()
            .filter(|stored| filter.matches(&stored.document))
            .map(|stored| stored.id.clone())
            .collect();
        Ok(matching.iter().filter(|id| index.documents.remove(id)).count())
    }

    fn cancel_tasks(&mut self, by: u32, uids: &[u32], now: Timestamp) -> usize {
        let mut canceled = 0;
        for uid in uids {
            let Some(task) = self.tasks.get_mut(uid).filter(|task| task.status == Status::Enqueued) else {
                continue;
            };
            task.status = Status::Canceled;
            task.canceled_by = Some(by);
            task.finished_at = Some(now);
            canceled += 1;
        }
        canceled
    }
}

fn primary_key_exists(current: &str) -> ApiError {
    let message = format!("Index already has a primary key: `{current}`.");
    ApiError::invalid("index_primary_key_already_exists", message)
}
