//! A task that replaces its row, alone or together with its consequences.

use miroir_domain::row::next_version;
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::{Put, StoreError};
use redis::ScriptInvocation;

use super::row::columns;
use crate::keys::{Keys, TASKS};
use crate::replica::damaged;
use crate::row::Columns;
use crate::store::RedisStore;

/// The arguments of `lua/task_replace.lua`.
pub(super) struct Replacement<'a> {
    task: &'a Task,
    columns: Columns,
    /// The statuses that the row may have, each between spaces.
    statuses: String,
}

impl<'a> Replacement<'a> {
    pub(super) fn of(task: &'a Task) -> Result<Self, StoreError> {
        let allowed = TaskStatus::ALL.into_iter().filter(|status| task.check_replaces(*status).is_ok());
        let statuses = allowed.fold(" ".to_owned(), |words, status| words + status.as_str() + " ");
        // A version that cannot be raised is refused by `check_task_put`, and then no status is allowed.
        let version = next_version(task.version).unwrap_or_default();
        Ok(Self { task, columns: columns(task, version)?, statuses })
    }

    pub(super) fn push_to(&self, keys: &Keys, script: &mut ScriptInvocation<'_>) {
        let uid = self.task.uid.to_string();
        script.key(keys.row(TASKS, &uid)).key(keys.base(TASKS));
        script.arg(&uid).arg(self.task.version).arg(&self.statuses);
        self.columns.push_to(script);
    }
}

impl RedisStore {
    /// Runs a script that replaces a task.
    pub(super) async fn replace(
        &self,
        replacement: &Replacement<'_>,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<Put, StoreError> {
        let key = replacement.task.uid.to_string();
        let (word, detail): (String, String) = self.change_by(TASKS, &key, script).await?;
        match word.as_str() {
            "stored" => Ok(Put::Stored),
            "conflict" => Ok(Put::Conflict),
            "damaged" => Err(damaged(&detail)),
            _ => {
                let status: TaskStatus = detail.parse().map_err(|error| {
                    StoreError::corrupt(TASKS.name, &key, "field `status` cannot be decoded")
                        .with_source(error)
                })?;
                replacement.task.check_replaces(status)?;
                Err(StoreError::corrupt(TASKS.name, &key, "its status was refused without a reason"))
            }
        }
    }
}
