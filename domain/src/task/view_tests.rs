use serde_json::json;

use super::super::fixture::*;
use super::*;

#[test]
fn durations_print_as_a_server_prints_them() {
    for (millis, text) in [
        (0, "PT0S"),
        (520, "PT0.520S"),
        (1_000, "PT1S"),
        (201_260, "PT201.260S"),
        (86_399_999, "PT86399.999S"),
        (86_400_000, "P1D"),
        (90_061_007, "P1DT3661.007S"),
    ] {
        assert_eq!(iso_8601(Duration::from_millis(millis)), text);
    }
}

#[test]
fn enqueued_task_shows_null_for_unknown_values() {
    let text = serde_json::to_string(&task(&["a"]).view()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"uid":7,"batchUid":null,"indexUid":"movies","status":"enqueued","#,
            r#""type":"documentAdditionOrUpdate","canceledBy":null,"#,
            r#""details":{"receivedDocuments":3,"indexedDocuments":null},"error":null,"duration":null,"#,
            r#""enqueuedAt":"2023-11-14T22:13:20.000Z","startedAt":null,"finishedAt":null}"#
        )
    );
}

#[test]
fn finished_task_shows_batch_times_and_metadata() {
    let mut task = task(&["a"]);
    task.custom_metadata = Some("mine".to_owned());
    let task = after(task, [accepted("a"), dispatched(&[]), reported("a", TaskStatus::Succeeded)]);
    let view = serde_json::to_value(task.view()).unwrap();
    assert_eq!(view["batchUid"], json!(7));
    assert_eq!(view["duration"], json!("PT0.010S"));
    assert_eq!(view["startedAt"], json!("2023-11-14T22:13:20.010Z"));
    assert_eq!(view["finishedAt"], json!("2023-11-14T22:13:20.020Z"));
    assert_eq!(view["customMetadata"], json!("mine"));
}

#[test]
fn duration_of_an_unfinished_task_is_null() {
    let task = after(task(&["a"]), [accepted("a"), reported("a", TaskStatus::Processing)]);
    let view = task.view();
    assert_eq!((view.duration, view.started_at, view.batch_uid), (None, Some(at(10)), Some(task.uid)));
}

#[test]
fn detail_view_adds_node_tasks_and_misses() {
    let task = after(task(&["a", "b"]), [accepted("a"), missed("b"), dispatched(&[])]);
    let view = serde_json::to_value(task.detail_view()).unwrap();
    assert_eq!(view["uid"], json!(7));
    assert_eq!(view["nodeTasks"]["a"], json!({"uid": 1, "status": "enqueued", "shards": [0]}));
    assert_eq!(view["nodeErrors"]["b"]["error"]["message"], json!("connection refused"));
}

#[test]
fn summary_is_always_enqueued() {
    let task = after(task(&["a"]), [missed("a"), dispatched(&[0])]);
    assert_eq!(
        serde_json::to_value(task.summary()).unwrap(),
        json!({
            "taskUid": 7, "indexUid": "movies", "status": "enqueued", "type": "documentAdditionOrUpdate",
            "enqueuedAt": "2023-11-14T22:13:20.000Z"
        })
    );
}
