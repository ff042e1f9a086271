use serde_json::Map;

use super::*;
use crate::ShardSet;
use crate::task::Task;
use crate::task::fixture::{accepted, after, dispatched, missed, node, reported, shards, task, task_of};

fn films() -> PhysicalUid {
    "films".parse().unwrap()
}

/// The nodes that missed a write of `task` with their shards, and those of `a` to `d` that have it.
fn misses(task: &Task, known: Option<&KnownIndex>) -> Vec<(String, ShardSet, String)> {
    let index = films();
    let all = missed_writes(task, &index, 4, known).into_iter().map(|(write, taken_by)| {
        let having = ["a", "b", "c", "d"].into_iter().filter(|name| taken_by.contains(&node(name)));
        (write.node.to_string(), write.shards.clone(), having.collect())
    });
    all.collect()
}

fn known(settings: &[(&str, u64)]) -> KnownIndex {
    let settings = settings.iter().map(|(name, version)| (node(name), *version));
    KnownIndex { shard_count: 4, settings: settings.collect() }
}

#[test]
fn missed_writes_are_the_node_errors_with_shards() {
    let written = task_of(
        TaskKind::DocumentDeletion,
        Map::new(),
        &[("a", &[0, 1]), ("b", &[2]), ("c", &[0, 2]), ("d", &[1])],
    );
    let written = after(written, [accepted("a"), missed("b"), accepted("c"), accepted("d"), dispatched(&[])]);
    assert_eq!(misses(&written, None), [("b".to_owned(), shards(&[2]), "acd".to_owned())]);
    // An older Miroir recorded a repair by removing the shards of the error.
    let mut repaired = written;
    repaired.node_errors.get_mut(&node("b")).unwrap().shards = ShardSet::default();
    assert_eq!(misses(&repaired, None), []);
}

#[test]
fn missed_writes_include_the_nodes_on_which_a_task_failed() {
    let dispatched =
        after(task(&["a", "b", "c"]), [accepted("a"), accepted("b"), missed("c"), dispatched(&[])]);
    let failed = after(dispatched, [reported("a", TaskStatus::Succeeded), reported("b", TaskStatus::Failed)]);
    let expected =
        [("c".to_owned(), shards(&[0]), "ab".to_owned()), ("b".to_owned(), shards(&[0]), "a".to_owned())];
    assert_eq!(misses(&failed, None), expected);
}

#[test]
fn missed_settings_of_a_first_write_count_until_the_node_has_their_version() {
    let mut written = task_of(TaskKind::DocumentAdditionOrUpdate, Map::new(), &[("a", &[0]), ("b", &[])]);
    written.node_tasks.get_mut(&node("a")).unwrap().settings_version = Some(3);
    let mut written = after(written, [accepted("a"), missed("b"), dispatched(&[])]);
    for (known, count) in [
        (Some(known(&[("a", 3), ("b", 2)])), 1),
        (Some(known(&[("a", 3)])), 1),
        (Some(known(&[("b", 3)])), 0),
        (None, 0),
    ] {
        let found = misses(&written, known.as_ref());
        assert_eq!(found.len(), count, "{known:?}");
    }
    written.kind = TaskKind::SettingsUpdate;
    assert_eq!(misses(&written, Some(&known(&[]))), []);
}

#[test]
fn missed_write_brings_settings_where_a_part_has_a_settings_version() {
    let (index, mut written) = (films(), after(task(&["a", "b"]), [accepted("a"), missed("b")]));
    assert!(missed_writes(&written, &index, 4, None)[0].0.settings_version.is_none());
    written.node_tasks.get_mut(&node("a")).unwrap().settings_version = Some(1);
    assert!(missed_writes(&written, &index, 4, None)[0].0.settings_version.is_some());
}

#[test]
fn missed_deletion_names_nodes_only_where_no_node_took_it_and_the_entry_is_gone() {
    let deletion = task_of(TaskKind::IndexDeletion, Map::new(), &[("a", &[0]), ("b", &[1])]);
    let missed_by_all = after(deletion.clone(), [missed("a"), missed("b")]);
    let names = |task: &Task, known: Option<&KnownIndex>| {
        missed_deletion(task, known).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&missed_by_all, None), ["a", "b"]);
    assert!(names(&missed_by_all, Some(&known(&[]))).is_empty());
    assert!(names(&after(deletion, [accepted("a"), missed("b")]), None).is_empty());
    let documents = after(task(&["a", "b"]), [missed("a"), missed("b")]);
    assert!(names(&documents, None).is_empty());
}

#[test]
fn deletions_hold_the_nodes_on_which_an_index_was_deleted() {
    let deletion = task_of(TaskKind::IndexDeletion, Map::new(), &[("a", &[0]), ("b", &[0]), ("c", &[0])]);
    let deletion = after(deletion, [accepted("a"), accepted("b"), missed("c"), dispatched(&[])]);
    let deletion = after(deletion, [reported("a", TaskStatus::Succeeded)]);
    let mut deletions = Deletions::default();
    deletions.observe(&deletion);
    let written = after(task(&["d"]), [accepted("d"), dispatched(&[]), reported("d", TaskStatus::Succeeded)]);
    deletions.observe(&written);
    let index = deletion.physical_index().unwrap();
    let held = ["a", "b", "c", "d"].map(|name| deletions.contains(&index, &node(name)));
    assert_eq!(held, [true, false, false, false]);
    assert!(!deletions.contains(&films(), &node("a")));
}
