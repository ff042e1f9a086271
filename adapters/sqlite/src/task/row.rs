//! Encoding and decoding of tasks.

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, to_json};

// The columns of `task_get.sql`.
#[cfg(test)]
const MIROIR_ID: Column = Column(0, "miroir_id");
const CREATED_AT: Column = Column(1, "created_at");
const STATUS: Column = Column(2, "status");
const NODE_TASKS: Column = Column(3, "node_tasks");
const ERROR: Column = Column(4, "error");
const NODE_ERRORS: Column = Column(5, "node_errors");
const INDEX_UID: Column = Column(6, "index_uid");
const TASK_TYPE: Column = Column(7, "task_type");
const DETAILS: Column = Column(8, "details");
const STARTED_AT: Column = Column(9, "started_at");
const FINISHED_AT: Column = Column(10, "finished_at");
const CANCELED_BY: Column = Column(11, "canceled_by");
const CUSTOM_METADATA: Column = Column(12, "custom_metadata");
const VERSION: Column = Column(13, "version");
const PHYSICAL_UID: Column = Column(14, "physical_uid");
// The columns of `task_head.sql`.
const HEAD_VERSION: Column = Column(0, "version");
const HEAD_STATUS: Column = Column(1, "status");

/// The columns of a task without its uid, which may not be known yet. They are encoded before the writer is
/// called, so that encoding JSON does not delay it.
pub(super) struct Columns {
    created_at: i64,
    status: &'static str,
    node_tasks: String,
    error: Option<String>,
    node_errors: String,
    index_uid: Option<String>,
    physical_uid: Option<String>,
    task_type: &'static str,
    details: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    canceled_by: Option<u32>,
    custom_metadata: Option<String>,
    version: i64,
}

impl Columns {
    /// Encodes the columns of `task` under `version`.
    pub(super) fn of(task: &Task, version: u64) -> Result<Self, StoreError> {
        Ok(Self {
            created_at: task.created_at.as_millis(),
            status: task.status.as_str(),
            node_tasks: to_json(&task.node_tasks)?,
            error: task.error.as_ref().map(to_json).transpose()?,
            node_errors: to_json(&task.node_errors)?,
            index_uid: task.index_uid.as_ref().map(|uid| uid.as_str().to_owned()),
            physical_uid: task.physical_uid.as_ref().map(|uid| uid.as_str().to_owned()),
            task_type: task.kind.as_str(),
            details: task.details.as_ref().map(to_json).transpose()?,
            started_at: task.started_at.map(miroir_domain::Timestamp::as_millis),
            finished_at: task.finished_at.map(miroir_domain::Timestamp::as_millis),
            canceled_by: task.canceled_by.map(|uid| uid.0),
            custom_metadata: task.custom_metadata.clone(),
            version: version.cast_signed(),
        })
    }

    /// Inserts them as a new row under `uid`.
    pub(super) fn insert(&self, connection: &Connection, uid: TaskUid) -> Result<(), Failure> {
        self.write(connection, uid, include_str!("../sql/task_insert.sql"))
    }

    /// Replaces the row of `uid` by them.
    pub(super) fn update(&self, connection: &Connection, uid: TaskUid) -> Result<(), Failure> {
        self.write(connection, uid, include_str!("../sql/task_update.sql"))
    }

    fn write(&self, connection: &Connection, uid: TaskUid, sql: &str) -> Result<(), Failure> {
        connection.prepare_cached(sql)?.execute(named_params! {
            ":miroir_id": uid.0,
            ":created_at": self.created_at,
            ":status": self.status,
            ":node_tasks": self.node_tasks,
            ":error": self.error,
            ":node_errors": self.node_errors,
            ":index_uid": self.index_uid,
            ":physical_uid": self.physical_uid,
            ":task_type": self.task_type,
            ":details": self.details,
            ":started_at": self.started_at,
            ":finished_at": self.finished_at,
            ":canceled_by": self.canceled_by,
            ":custom_metadata": self.custom_metadata,
            ":version": self.version,
        })?;
        Ok(())
    }
}

/// Returns the task of `uid`, if there is one.
pub(super) fn get(connection: &Connection, uid: TaskUid) -> Result<Option<Task>, Failure> {
    let mut select = connection.prepare_cached(include_str!("../sql/task_get.sql"))?;
    let mut rows = select.query([uid.0])?;
    rows.next()?.map(|row| decode(uid, row)).transpose()
}

/// Returns the version and status of the row of `uid`, which a conditional write compares.
pub(super) fn head(connection: &Connection, uid: TaskUid) -> Result<Option<(u64, TaskStatus)>, Failure> {
    let mut select = connection.prepare_cached(include_str!("../sql/task_head.sql"))?;
    let mut rows = select.query([uid.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let reader = Reader { table: "tasks", key: &uid, row };
    Ok(Some((reader.counter(HEAD_VERSION)?, reader.name_always(HEAD_STATUS)?)))
}

/// Takes the next uid, in the transaction that uses it, so that a uid is taken if and only if its task is
/// stored.
pub(super) fn next_uid(connection: &Connection) -> Result<Option<TaskUid>, Failure> {
    let mut update = connection.prepare_cached(include_str!("../sql/task_next_uid.sql"))?;
    Ok(update.query_row([], |row| row.get(0).map(TaskUid)).optional()?)
}

fn decode(uid: TaskUid, row: &Row<'_>) -> Result<Task, Failure> {
    let reader = Reader { table: "tasks", key: &uid, row };
    Ok(Task {
        uid,
        version: reader.counter(VERSION)?,
        created_at: reader.time_always(CREATED_AT)?,
        status: reader.name_always(STATUS)?,
        kind: reader.name_always(TASK_TYPE)?,
        index_uid: reader.name(INDEX_UID)?,
        physical_uid: reader.name(PHYSICAL_UID)?,
        node_tasks: reader.json_always(NODE_TASKS)?,
        node_errors: reader.json_always(NODE_ERRORS)?,
        error: reader.json(ERROR)?,
        details: reader.json(DETAILS)?,
        started_at: reader.time(STARTED_AT)?,
        finished_at: reader.time(FINISHED_AT)?,
        canceled_by: reader.get::<Option<u32>>(CANCELED_BY)?.map(TaskUid),
        custom_metadata: reader.get(CUSTOM_METADATA)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let all = [
            MIROIR_ID,
            CREATED_AT,
            STATUS,
            NODE_TASKS,
            ERROR,
            NODE_ERRORS,
            INDEX_UID,
            TASK_TYPE,
            DETAILS,
            STARTED_AT,
            FINISHED_AT,
            CANCELED_BY,
            CUSTOM_METADATA,
            VERSION,
            PHYSICAL_UID,
        ];
        assert_columns(include_str!("../sql/task_get.sql"), &all);
        assert_columns(include_str!("../sql/task_head.sql"), &[HEAD_VERSION, HEAD_STATUS]);
    }
}
