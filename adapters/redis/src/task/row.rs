//! Encoding and decoding of tasks.

use std::collections::BTreeMap;

use miroir_domain::task::Task;
use miroir_domain::{IndexUid, PhysicalUid, TaskUid};
use miroir_ports::outbound::StoreError;

use crate::keys::TASKS;
use crate::row::{Columns, Reader, Values};

/// The fields that filters use.
pub(super) const HEAD: &[&str] = &[
    "status",
    "task_type",
    "index_uid",
    "canceled_by",
    "created_at",
    "started_at",
    "finished_at",
    "version",
];

/// All fields.
pub(super) const FIELDS: &[&str] = &[
    "status",
    "task_type",
    "index_uid",
    "canceled_by",
    "created_at",
    "started_at",
    "finished_at",
    "version",
    "node_tasks",
    "node_errors",
    "error",
    "details",
    "custom_metadata",
    "physical_uid",
];

/// Encodes the columns of `task` under `version`.
pub(super) fn columns(task: &Task, version: u64) -> Result<Columns, StoreError> {
    Columns::default()
        .with("status", task.status.as_str())
        .with("task_type", task.kind.as_str())
        .maybe("index_uid", task.index_uid.as_ref().map(IndexUid::as_str))
        .maybe("physical_uid", task.physical_uid.as_ref().map(PhysicalUid::as_str))
        .maybe("canceled_by", task.canceled_by)
        .time("created_at", task.created_at)
        .maybe_time("started_at", task.started_at)
        .maybe_time("finished_at", task.finished_at)
        .with("version", version)
        .maybe("custom_metadata", task.custom_metadata.as_ref())
        .json("node_tasks", &task.node_tasks)?
        .json("node_errors", &task.node_errors)?
        .maybe_json("error", task.error.as_ref())?
        .maybe_json("details", task.details.as_ref())
}

/// Decodes the task of `uid`. Returns `None` if there is no row.
pub(super) fn task(uid: TaskUid, values: Values) -> Result<Option<Task>, StoreError> {
    let key = uid.to_string();
    let Some(reader) = Reader::of(TASKS, &key, FIELDS, values)? else { return Ok(None) };
    Ok(Some(Task {
        node_tasks: reader.json_always("node_tasks")?,
        node_errors: reader.json_always("node_errors")?,
        error: reader.json("error")?,
        details: reader.json("details")?,
        custom_metadata: reader.text("custom_metadata")?.map(str::to_owned),
        physical_uid: reader.parsed("physical_uid")?,
        ..from_head(uid, &reader)?
    }))
}

/// Decodes the fields of the task of `uid` that filters use, read by [`HEAD`].
pub(super) fn head(uid: TaskUid, values: Values) -> Result<Option<Task>, StoreError> {
    let key = uid.to_string();
    let reader = Reader::of(TASKS, &key, HEAD, values)?;
    reader.map(|reader| from_head(uid, &reader)).transpose()
}

fn from_head(uid: TaskUid, reader: &Reader<'_>) -> Result<Task, StoreError> {
    Ok(Task {
        uid,
        version: reader.parsed_always("version")?,
        created_at: reader.time_always("created_at")?,
        status: reader.parsed_always("status")?,
        kind: reader.parsed_always("task_type")?,
        index_uid: reader.parsed("index_uid")?,
        physical_uid: None,
        started_at: reader.time("started_at")?,
        finished_at: reader.time("finished_at")?,
        canceled_by: reader.parsed("canceled_by")?.map(TaskUid),
        node_tasks: BTreeMap::new(),
        node_errors: BTreeMap::new(),
        error: None,
        details: None,
        custom_metadata: None,
    })
}
