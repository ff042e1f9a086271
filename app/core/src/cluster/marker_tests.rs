use std::collections::BTreeMap;

use miroir_domain::task::{NewTask, TaskStatus};
use miroir_domain::{Shard, ShardSet, Timestamp};

use super::*;

const UID: TaskUid = TaskUid(7);

fn found(kind: TaskKind, shards: &[u32], on_node: &[(u32, &str, Option<&str>)]) -> Option<u32> {
    let part = NodeTask::pending(shards.iter().copied().map(Shard).collect::<ShardSet>());
    let task = NewTask {
        kind,
        index_uid: None,
        node_tasks: BTreeMap::new(),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    };
    let reports: Vec<NodeTaskReport> = on_node
        .iter()
        .map(|(uid, kind, mark)| NodeTaskReport {
            uid: *uid,
            status: TaskStatus::Succeeded,
            kind: (*kind).to_owned(),
            index_uid: None,
            error: None,
            details: None,
            enqueued_at: Timestamp::from_millis(0),
            started_at: None,
            finished_at: None,
            custom_metadata: mark.map(str::to_owned),
        })
        .collect();
    let task = task.into_task(UID, Timestamp::from_millis(0));
    find_marked(&task, &part, &reports).map(|found| found.uid)
}

#[test]
fn find_takes_the_task_that_carries_the_mark() {
    let on_node = [
        (3, "documentAdditionOrUpdate", Some("miroir:70")),
        (4, "documentAdditionOrUpdate", None),
        (5, "documentAdditionOrUpdate", Some("miroir:7")),
    ];
    assert_eq!(found(TaskKind::DocumentAdditionOrUpdate, &[1], &on_node), Some(5));
    assert_eq!(found(TaskKind::DocumentAdditionOrUpdate, &[1], &on_node[..2]), None);
}

#[test]
fn find_takes_what_follows_the_forerunner_in_any_listing_order() {
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
fn find_refuses_what_another_write_left() {
    let without_forerunner = [(4, "settingsUpdate", None), (5, "documentDeletion", Some("miroir:8"))];
    assert_eq!(found(TaskKind::SettingsUpdate, &[1], &without_forerunner), None);
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
