use super::super::fixture::*;
use super::*;

/// Three tasks: one enqueued, one global and processing, one canceled.
fn tasks() -> [Task; 3] {
    let enqueued = task(&["a"]);
    let mut processing = after(task(&["a"]), [accepted("a"), reported("a", TaskStatus::Processing)]);
    processing.uid = TaskUid(8);
    processing.index_uid = None;
    processing.kind = TaskKind::IndexSwap;
    let events = [accepted("a"), dispatched(&[]), reported("a", TaskStatus::Canceled)];
    let mut canceled = after(task(&["a"]), events);
    canceled.uid = TaskUid(9);
    canceled.canceled_by = Some(TaskUid(20));
    [enqueued, processing, canceled]
}

fn found(query: &TaskQuery) -> Vec<u32> {
    tasks().iter().filter(|task| query.matches(task)).map(|task| task.uid.0).collect()
}

#[test]
fn empty_query_admits_every_task() {
    assert_eq!(found(&TaskQuery::default()), [7, 8, 9]);
}

#[test]
fn each_filter_admits_only_its_tasks() {
    let parse = |name, value| TaskQuery::parse([(name, value)]).unwrap();
    for (name, value, uids) in [
        ("uids", "9,7,100", &[7, 9][..]),
        ("uids", "", &[]),
        ("batchUids", "7,8,9", &[8, 9]),
        ("statuses", "enqueued", &[7]),
        ("statuses", "processing,canceled", &[8, 9]),
        ("statuses", "enqueued,*", &[7, 8, 9]),
        ("types", "indexswap", &[8]),
        ("indexUids", "movies", &[7, 9]),
        ("indexUids", "books", &[]),
        ("canceledBy", "20", &[9]),
        ("canceledBy", "21", &[]),
    ] {
        assert_eq!(found(&parse(name, value)), uids, "{name}={value}");
    }
}

#[test]
fn filters_narrow_each_other() {
    let query = TaskQuery::parse([("indexUids", "movies"), ("statuses", "canceled")]).unwrap();
    assert_eq!(found(&query), [9]);
}

#[test]
fn date_bounds_are_exclusive_and_leave_out_tasks_without_the_date() {
    let bounds =
        |after: Option<i64>, before: Option<i64>| TaskDates { after: after.map(at), before: before.map(at) };
    let by_enqueued = |dates| found(&TaskQuery { enqueued: dates, ..TaskQuery::default() });
    assert_eq!(by_enqueued(bounds(Some(-1), Some(1))), [7, 8, 9]);
    assert!(by_enqueued(bounds(Some(0), None)).is_empty());
    assert!(by_enqueued(bounds(None, Some(0))).is_empty());
    let by_started = |dates| found(&TaskQuery { started: dates, ..TaskQuery::default() });
    assert_eq!(by_started(bounds(Some(9), Some(11))), [8, 9]);
    assert!(by_started(bounds(Some(10), None)).is_empty());
    let by_finished = |dates| found(&TaskQuery { finished: dates, ..TaskQuery::default() });
    assert_eq!(by_finished(bounds(None, Some(21))), [9]);
    assert!(by_finished(bounds(None, Some(20))).is_empty());
}
