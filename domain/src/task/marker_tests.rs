use std::collections::BTreeMap;

use super::super::{NewTask, TaskStatus};
use super::*;
use crate::{Shard, ShardSet, Timestamp};

const UID: TaskUid = TaskUid(7);

fn found(kind: TaskKind, shards: &[u32], on_node: &[(u32, &str, Option<&str>)]) -> Option<u32> {
    found_on(kind, shards, on_node).map(|found| found.uid)
}

fn found_on(kind: TaskKind, shards: &[u32], on_node: &[(u32, &str, Option<&str>)]) -> Option<Found> {
    let part = NodeTask::pending(shards.iter().copied().map(Shard).collect::<ShardSet>());
    let task = NewTask {
        kind,
        index_uid: None,
        physical_uid: None,
        node_tasks: BTreeMap::new(),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    };
    let reports: Vec<NodeTaskReport> = on_node
        .iter()
        .map(|(uid, kind, marker)| NodeTaskReport {
            uid: *uid,
            status: TaskStatus::Succeeded,
            kind: (*kind).to_owned(),
            index_uid: None,
            error: None,
            details: None,
            enqueued_at: Timestamp::from_millis(0),
            started_at: None,
            finished_at: None,
            custom_metadata: marker.map(str::to_owned),
        })
        .collect();
    let task = task.into_task(UID, Timestamp::from_millis(0));
    find_marked(&task, &part, &reports)
}

#[test]
fn find_takes_the_task_that_carries_the_marker() {
    let on_node = [
        (3, "documentAdditionOrUpdate", Some("miroir:70")),
        (4, "documentAdditionOrUpdate", None),
        (5, "documentAdditionOrUpdate", Some("miroir:7")),
    ];
    assert_eq!(found(TaskKind::DocumentAdditionOrUpdate, &[1], &on_node), Some(5));
    assert_eq!(found(TaskKind::DocumentAdditionOrUpdate, &[1], &on_node[..2]), None);
}

#[test]
fn find_takes_the_task_after_the_marker_task_in_any_order_of_the_reports() {
    let on_node = [
        (9, "settingsUpdate", None),
        (6, "settingsUpdate", None),
        (5, "documentDeletion", Some("miroir:7")),
        (4, "settingsUpdate", None),
    ];
    for kind in [TaskKind::SettingsUpdate, TaskKind::IndexCreation] {
        assert_eq!(found(kind, &[1], &on_node), Some(6));
    }
    assert_eq!(found(TaskKind::DocumentAdditionOrUpdate, &[], &on_node), Some(6));
}

#[test]
fn find_refuses_the_tasks_of_another_write() {
    let without_marker_task = [(4, "settingsUpdate", None), (5, "documentDeletion", Some("miroir:8"))];
    assert_eq!(found(TaskKind::SettingsUpdate, &[1], &without_marker_task), None);
    let alone = [(4, "settingsUpdate", None), (5, "documentDeletion", Some("miroir:7"))];
    assert_eq!(found(TaskKind::SettingsUpdate, &[1], &alone), None);
    let overtaken = [
        (5, "documentDeletion", Some("miroir:7")),
        (6, "documentDeletion", Some("miroir:8")),
        (7, "settingsUpdate", None),
    ];
    assert_eq!(found(TaskKind::SettingsUpdate, &[1], &overtaken), None);
    let other_type = [(5, "documentDeletion", Some("miroir:7")), (6, "settingsUpdate", None)];
    assert_eq!(found(TaskKind::IndexDeletion, &[1], &other_type), None);
}

#[test]
fn find_names_the_newer_task_that_the_node_took_first() {
    let write = |uid: u32, metadata: &'static str| (uid, "documentDeletion", Some(metadata));
    let on_node = [write(3, "miroir:6"), write(4, "miroir:9"), write(5, "miroir:8"), write(6, "miroir:7")];
    let overtaken_by =
        |on_node: &[_]| found_on(TaskKind::DocumentDeletion, &[1], on_node).unwrap().overtaken_by;
    assert_eq!(overtaken_by(&on_node), Some(TaskUid(9)));
    assert_eq!(overtaken_by(&on_node[3..]), None);
}

#[test]
fn marker_task_goes_before_operations_that_carry_no_metadata() {
    let documents = [WriteOperation::DocumentsDelete(Vec::new()), WriteOperation::DocumentsDeleteAll];
    assert!(documents.iter().all(|operation| marker_task(operation).is_none()));
    for operation in [WriteOperation::IndexCreate { primary_key: None }, WriteOperation::IndexDelete] {
        let marker = marker_task(&operation);
        assert!(matches!(marker, Some(WriteOperation::DocumentsDelete(ids)) if ids.is_empty()));
    }
    assert_eq!(marker_of(UID), "miroir:7");
}
