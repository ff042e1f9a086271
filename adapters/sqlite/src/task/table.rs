//! Creating, reading, replacing and pruning of tasks.

use async_trait::async_trait;
use miroir_domain::change::PendingChanges;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{Consequences, Put, StoreError, TaskPage, TaskTable};

use super::replacement::Replacement;
use super::row::Columns;
use super::{list, row};
use crate::change_outbox::{append_all, encode_all};
use crate::committed_settings;
use crate::replica::mark_all;
use crate::row::{Column, Reader, to_json};
use crate::statement::{change, value};
use crate::store::SqliteStore;

/// The column of `task_changes_get.sql`.
const CHANGES: Column = Column(0, "changes");

#[async_trait]
impl TaskTable for SqliteStore {
    async fn task_create(&self, task: NewTask, now: Timestamp) -> Result<Task, StoreError> {
        task.check()?;
        // Only the writer knows the uid. The rest of the row is encoded before the writer is called.
        let changes = task.changes.as_ref().map(to_json).transpose()?;
        let task = task.into_task(TaskUid(0), now);
        let changes = changes.filter(|_| !task.status.is_finished());
        let columns = Columns::of(&task, task.version)?;
        let uid = self
            .write(move |connection| {
                let uid = row::next_uid(connection)?
                    .ok_or_else(|| StoreError::not_applied("all task uids are used up"))?;
                columns.insert(connection, uid)?;
                if let Some(changes) = &changes {
                    let params = (uid.0, changes.as_str());
                    change(connection, include_str!("../sql/task_changes_insert.sql"), params)?;
                }
                Ok(uid)
            })
            .await?;
        Ok(Task { uid, ..task })
    }

    async fn task_next_uid(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(include_str!("../sql/task_sequence_get.sql"))?;
            // The schema has no negative uids.
            let next: i64 = select.query_row([], |row| row.get(0))?;
            Ok(next.unsigned_abs())
        })
        .await
    }

    async fn task_skip_to(&self, uid: TaskUid) -> Result<(), StoreError> {
        self.write(move |connection| {
            change(connection, include_str!("../sql/task_skip.sql"), [uid.0])?;
            Ok(())
        })
        .await
    }

    async fn task_changes(&self, uid: TaskUid) -> Result<Option<PendingChanges>, StoreError> {
        self.read(move |connection| {
            value(connection, include_str!("../sql/task_changes_get.sql"), [uid.0], |row| {
                let reader = Reader { table: "task_changes", key: &uid.to_string(), row };
                reader.json_always(CHANGES)
            })
        })
        .await
    }

    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError> {
        self.read(move |connection| row::get(connection, uid)).await
    }

    async fn task_put(&self, task: Task) -> Result<Put, StoreError> {
        let replacement = Replacement::of(task)?;
        self.write(move |connection| replacement.make(connection)).await
    }

    async fn task_put_with(&self, task: Task, consequences: Consequences) -> Result<Put, StoreError> {
        let Consequences { marks, changes, budget_bytes, settings } = consequences;
        settings.as_ref().map_or(Ok(()), CommittedSettings::check)?;
        let changes = encode_all(changes)?;
        let replacement = Replacement::of(task)?;
        self.write(move |connection| {
            // A conflict is not an error, so nothing would be rolled back: the settings are compared first.
            if let Some(settings) = &settings
                && !committed_settings::has_version(connection, settings)?
            {
                return Ok(Put::Conflict);
            }
            if replacement.make(connection)? == Put::Conflict {
                return Ok(Put::Conflict);
            }
            if let Some(settings) = &settings {
                committed_settings::put(connection, settings)?;
            }
            mark_all(connection, &marks)?;
            append_all(connection, &changes, budget_bytes)?;
            Ok(Put::Stored)
        })
        .await
    }

    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        let query = query.clone();
        self.read(move |connection| list::page(connection, &query)).await
    }

    async fn task_list_unfinished(
        &self,
        after: Option<TaskUid>,
        limit: u32,
    ) -> Result<Vec<Task>, StoreError> {
        self.read(move |connection| list::unfinished(connection, after, limit)).await
    }

    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let deleted = self
            .write(move |connection| {
                let mut delete = connection.prepare_cached(include_str!("../sql/task_prune.sql"))?;
                Ok(delete.execute((before.as_millis(), limit))?)
            })
            .await?;
        Ok(deleted as u64)
    }
}
