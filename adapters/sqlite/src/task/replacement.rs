//! A task that replaces its row, alone or together with its consequences.

use miroir_domain::row::next_version;
use miroir_domain::task::Task;
use miroir_ports::outbound::{Put, StoreError};
use rusqlite::Connection;

use super::row::{self, Columns};
use crate::error::Failure;
use crate::statement::change;

/// A task that replaces its row. It is encoded before the writer is called.
pub(super) struct Replacement {
    task: Task,
    columns: Columns,
}

impl Replacement {
    pub(super) fn of(task: Task) -> Result<Self, StoreError> {
        // A version that cannot be raised is refused by `check_task_put`, if the row has that version at all.
        let columns = Columns::of(&task, next_version(task.version).unwrap_or(task.version))?;
        Ok(Self { task, columns })
    }

    pub(super) fn make(&self, connection: &Connection) -> Result<Put, Failure> {
        let Some((version, status)) = row::head(connection, self.task.uid)? else { return Ok(Put::Conflict) };
        if version != self.task.version {
            return Ok(Put::Conflict);
        }
        self.task.check_replaces(status)?;
        self.columns.update(connection, self.task.uid)?;
        if self.task.status.is_finished() {
            change(connection, include_str!("../sql/task_changes_delete.sql"), [self.task.uid.0])?;
        }
        Ok(Put::Stored)
    }
}
