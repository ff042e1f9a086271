//! Tasks, reports and verdicts for tests.

use serde_json::{Map, Value, json};

use super::{Event, NewTask, NodeTask, NodeTaskReport, Task, TaskKind, TaskStatus};
use crate::error::{ErrorCode, ResponseError};
use crate::quorum::WriteVerdict;
use crate::{NodeId, Shard, ShardSet, TaskUid, Timestamp};

pub(crate) const CREATED: i64 = 1_700_000_000_000;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(CREATED + millis)
}

/// An instant after every node time of a test.
pub(crate) fn later() -> Timestamp {
    at(1_000_000)
}

pub(crate) fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

pub(crate) fn shards(numbers: &[u32]) -> ShardSet {
    numbers.iter().copied().map(Shard).collect()
}

/// A task of `kind` for `nodes`, all pending.
pub(crate) fn task_of(kind: TaskKind, details: Map<String, Value>, nodes: &[(&str, &[u32])]) -> Task {
    let new = NewTask {
        kind,
        index_uid: Some("movies".parse().unwrap()),
        physical_uid: None,
        node_tasks: nodes
            .iter()
            .map(|(name, numbers)| (node(name), NodeTask::pending(shards(numbers))))
            .collect(),
        details: Some(details),
        custom_metadata: None,
        failure: None,
        changes: None,
    };
    new.into_task(TaskUid(7), at(0))
}

/// An addition of documents to shard 0 on each of `nodes`, all pending.
pub(crate) fn task(nodes: &[&str]) -> Task {
    let nodes: Vec<(&str, &[u32])> = nodes.iter().map(|name| (*name, &[0_u32][..])).collect();
    task_of(TaskKind::DocumentAdditionOrUpdate, super::details::documents_added(3, 2), &nodes)
}

pub(crate) fn error(message: &str) -> ResponseError {
    ErrorCode::InvalidDocumentId.with_message(message)
}

/// The report of node task 1 in `status`: begun at 10 and finished at 20 if it has.
pub(crate) fn report(status: TaskStatus) -> NodeTaskReport {
    NodeTaskReport {
        uid: 1,
        status,
        kind: "documentAdditionOrUpdate".to_owned(),
        index_uid: Some("movies".to_owned()),
        error: (status == TaskStatus::Failed).then(|| error("bad id")),
        details: None,
        enqueued_at: at(5),
        started_at: (status != TaskStatus::Enqueued).then(|| at(10)),
        finished_at: status.is_finished().then(|| at(20)),
        custom_metadata: None,
    }
}

pub(crate) fn reported(name: &str, status: TaskStatus) -> Event {
    Event::NodeReported { node: node(name), report: report(status) }
}

/// A report of success that counts `deleted` documents.
pub(crate) fn deleted(name: &str, deleted: u64) -> Event {
    let details = json!({"deletedDocuments": deleted}).as_object().cloned();
    Event::NodeReported {
        node: node(name),
        report: NodeTaskReport { details, ..report(TaskStatus::Succeeded) },
    }
}

pub(crate) fn accepted(name: &str) -> Event {
    Event::NodeAccepted { node: node(name), uid: 1 }
}

pub(crate) fn missed(name: &str) -> Event {
    let error = ErrorCode::MiroirNodeUnavailable.with_message("connection refused");
    Event::NodeMissed { node: node(name), error }
}

pub(crate) fn dispatched(unwritten: &[u32]) -> Event {
    Event::Dispatched { verdict: WriteVerdict { unwritten: shards(unwritten), degraded: None } }
}

/// The task after all of `events`, each of which must be valid.
pub(crate) fn after(task: Task, events: impl IntoIterator<Item = Event>) -> Task {
    events.into_iter().fold(task, |task, event| task.apply(event, later()).unwrap().0)
}
