use serde_json::json;

use super::super::fixture::*;
use super::super::{Event, TaskStatus};
use super::*;

fn text(task: &Task) -> String {
    serde_json::to_string(&shown(task)).unwrap()
}

#[test]
fn additions_show_their_count_only_after_success() {
    let enqueued = task(&["a"]);
    assert_eq!(text(&enqueued), r#"{"receivedDocuments":3,"indexedDocuments":null}"#);
    let dispatched = after(enqueued, [accepted("a"), dispatched(&[])]);
    for (status, indexed) in [
        (TaskStatus::Processing, "null"),
        (TaskStatus::Succeeded, "2"),
        (TaskStatus::Failed, "0"),
        (TaskStatus::Canceled, "0"),
    ] {
        let task = after(dispatched.clone(), [reported("a", status)]);
        assert_eq!(text(&task), format!(r#"{{"receivedDocuments":3,"indexedDocuments":{indexed}}}"#));
    }
}

#[test]
fn deletions_have_the_shapes_of_a_server() {
    let by_ids = task_of(TaskKind::DocumentDeletion, documents_deleted_by_ids(4), &[("a", &[0])]);
    assert_eq!(text(&by_ids), r#"{"providedIds":4,"deletedDocuments":null,"originalFilter":null}"#);
    let filter = json!([["id = 2", "id=3"], "id = 4"]);
    let by_filter = task_of(TaskKind::DocumentDeletion, documents_deleted_by_filter(&filter), &[("a", &[0])]);
    assert_eq!(
        text(&by_filter),
        r#"{"providedIds":0,"deletedDocuments":null,"originalFilter":"[[\"id = 2\",\"id=3\"],\"id = 4\"]"}"#
    );
    let all = task_of(TaskKind::IndexDeletion, everything_deleted(), &[("a", &[0])]);
    assert_eq!(text(&all), r#"{"deletedDocuments":null}"#);
    let failed = after(all, [accepted("a"), dispatched(&[]), reported("a", TaskStatus::Failed)]);
    assert_eq!(text(&failed), r#"{"deletedDocuments":0}"#);
}

#[test]
fn index_creation_shows_the_key_or_null() {
    let task = task_of(TaskKind::IndexCreation, index_created(Some("id")), &[("a", &[0])]);
    assert_eq!(text(&task), r#"{"primaryKey":"id"}"#);
    assert_eq!(json!(index_created(None)), json!({"primaryKey": null}));
}

#[test]
fn deleted_documents_count_each_document_once() {
    // Three shards in two copies; the shards hold 5, 7 and 1 of the deleted documents.
    let nodes: &[(&str, &[u32])] = &[("a", &[0, 1]), ("b", &[1, 2]), ("c", &[0, 2])];
    let task = task_of(TaskKind::DocumentDeletion, documents_deleted_by_ids(13), nodes);
    let task = after(task, ["a", "b", "c"].map(accepted));
    let task = after(task, [dispatched(&[]), deleted("a", 12), deleted("b", 8), deleted("c", 6)]);
    assert_eq!(shown(&task).unwrap()["deletedDocuments"], json!(13));
}

#[test]
fn deleted_documents_are_estimated_if_a_node_missed_the_write() {
    let nodes: &[(&str, &[u32])] = &[("a", &[0, 1, 2]), ("b", &[0, 1]), ("c", &[2])];
    let task = task_of(TaskKind::DocumentDeletion, everything_deleted(), nodes);
    let task = after(task, [accepted("a"), accepted("b"), missed("c"), dispatched(&[])]);
    let task = after(task, [deleted("a", 13), deleted("b", 12)]);
    // 25 copies on 5 of 6 placements of 3 shards.
    assert_eq!(shown(&task).unwrap()["deletedDocuments"], json!(15));
}

#[test]
fn deleted_documents_accept_any_number_of_a_node() {
    let task = task_of(TaskKind::IndexDeletion, everything_deleted(), &[("a", &[]), ("b", &[])]);
    let task = after(task, [accepted("a"), accepted("b"), dispatched(&[])]);
    let task = after(task, [deleted("a", u64::MAX), deleted("b", u64::MAX)]);
    assert_eq!(shown(&task).unwrap()["deletedDocuments"], json!(u64::MAX));
}

#[test]
fn deletion_of_no_ids_deletes_no_documents() {
    let task = task_of(TaskKind::DocumentDeletion, documents_deleted_by_ids(0), &[]);
    let (task, _) = task.apply(dispatched(&[]), later()).unwrap();
    assert_eq!(text(&task), r#"{"providedIds":0,"deletedDocuments":0,"originalFilter":null}"#);
}

#[test]
fn details_other_than_counts_stay_as_they_are() {
    let details = json!({"synonyms": {"a": ["b"]}}).as_object().cloned().unwrap();
    let task = task_of(TaskKind::SettingsUpdate, details.clone(), &[("a", &[0])]);
    let event = Event::Refused { error: error("no") };
    assert_eq!(shown(&task.apply(event, later()).unwrap().0), Some(details));
}
