//! Values chosen to break stores.

use miroir_domain::error::ErrorCode;
use miroir_domain::row::MAX_JSON_DEPTH;
use miroir_domain::task::{NewTask, Task, TaskDates, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::outbound::{Advance, Create, StoreError};
use serde_json::{Map, Value, json};

use crate::harness::Harness;
use crate::sample::{any_task, at, create, entry, index, new_task, node, object, physical, put};

const TEXTS: [&str; 14] = [
    "",
    " ",
    "\0",
    "a\0b",
    "miroir:tasks:{1}:_index",
    "{}[]\\\"'`;--",
    "'); DROP TABLE tasks; --",
    "%s %n $1 ?1 :name",
    "\u{feff}\u{202e}rtl",
    "👩‍👩‍👧‍👦🏴‍☠️",
    "e\u{301} is not é",
    "\u{10ffff}\u{fffd}\u{e000}",
    "line\r\nbreak\ttab\u{7f}",
    "null",
];

/// STORE-4.
pub(crate) async fn texts_of_every_kind_read_back<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for text in TEXTS {
        let new = NewTask {
            custom_metadata: Some(text.to_owned()),
            details: Some(object(json!({text: text, "list": [text]}))),
            failure: Some(ErrorCode::Internal.with_message(text)),
            changes: None,
            ..any_task()
        };
        let row = store.task_create(new, at(0)).await.unwrap();
        assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row), "{text:?}");
    }
    let listed = store.task_list(&TaskQuery { reverse: true, ..TaskQuery::default() }).await.unwrap();
    let metadata: Vec<_> = listed.tasks.iter().map(|task| task.custom_metadata.as_deref().unwrap()).collect();
    assert_eq!(metadata, TEXTS);
}

/// STORE-4.
pub(crate) async fn mebibyte_of_json_reads_back<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let long = "é\"\\\u{1}x".repeat(1 << 18);
    assert!(long.len() > 1 << 20);
    let details = object(json!({"long": long, "many": (0..20_000).collect::<Vec<u32>>()}));
    let new = NewTask { details: Some(details), custom_metadata: Some(long), ..any_task() };
    let row = store.task_create(new, at(0)).await.unwrap();
    assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row));
}

/// STORE-4.
pub(crate) async fn numbers_at_their_limits_read_back<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let details = object(json!({
        "integers": [u64::MAX, i64::MAX, i64::MIN, 9_007_199_254_740_993_u64],
        // Readers that round twice return the last ones wrong.
        "floats": [f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2, 1.0, 1e23, 122.416_294_033_786_58],
    }));
    let row = store.task_create(NewTask { details: Some(details), ..any_task() }, at(0)).await.unwrap();
    let row = put(&store, Task { canceled_by: Some(TaskUid(u32::MAX)), ..row }).await;
    assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row.clone()));
    let query = TaskQuery { canceled_by: Some([TaskUid(u32::MAX)].into()), ..TaskQuery::default() };
    assert_eq!(store.task_list(&query).await.unwrap().tasks, [row]);
    for limit in [0, 1, u32::MAX] {
        for from in [0, 1, u32::MAX] {
            let query = TaskQuery { limit, from: Some(TaskUid(from)), ..TaskQuery::default() };
            let page = store.task_list(&query).await.unwrap();
            assert_eq!((page.total, page.tasks.len()), (1, limit.min(1) as usize));
        }
        let unfinished = store.task_list_unfinished(None, limit).await.unwrap();
        assert_eq!(unfinished.len(), limit.min(1) as usize);
    }
    assert!(store.task_list_unfinished(Some(TaskUid(u32::MAX)), 1).await.unwrap().is_empty());
    let mut entry = entry("movies");
    entry.shard_count = u32::MAX;
    store.index_create(&entry).await.unwrap();
    assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry));
}

/// STORE-4, TASK-5.
pub(crate) async fn times_at_their_limits_read_back_and_are_found<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for millis in [i64::MIN, -1, 0, 1, i64::MAX] {
        let task = store.task_create(any_task(), at(millis)).await.unwrap();
        let ended = Task {
            status: TaskStatus::Succeeded,
            started_at: Some(at(millis)),
            finished_at: Some(at(millis)),
            ..task
        };
        let row = put(&store, ended).await;
        assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row));
    }
    let early = TaskDates { after: None, before: Some(at(0)) };
    let late = TaskDates { after: Some(at(0)), before: None };
    let all_but_ends = TaskDates { after: Some(at(i64::MIN)), before: Some(at(i64::MAX)) };
    for (dates, uids) in [(early, vec![1, 0]), (late, vec![4, 3]), (all_but_ends, vec![3, 2, 1])] {
        let any = TaskQuery::default();
        for query in [
            TaskQuery { enqueued: dates, ..any.clone() },
            TaskQuery { started: dates, ..any.clone() },
            TaskQuery { finished: dates, ..any },
        ] {
            let found = store.task_list(&query).await.unwrap();
            assert_eq!(found.tasks.iter().map(|task| task.uid.0).collect::<Vec<_>>(), uids, "{query:?}");
        }
    }
}

/// STORE-4, NODESET-1, INDEX-2.
pub(crate) async fn versions_beyond_63_bits_read_back_and_advance<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let high = i64::MAX as u64;
    let (movies, first) = (physical("movies"), node("n-0"));
    for version in [high - 1, high, high + 1, u64::MAX] {
        let advance = store.node_settings_advance(&movies, &first, version, at(0)).await.unwrap();
        assert_eq!(advance, Advance::Advanced, "{version}");
        let row = store.node_settings_get(&movies, &first).await.unwrap().unwrap();
        assert_eq!(row.version, version);
    }
    let advance = store.node_settings_advance(&movies, &first, high, at(0)).await.unwrap();
    assert_eq!(advance, Advance::Behind(u64::MAX));
    let mut entry = entry("movies");
    (entry.version, entry.settings_version) = (high, u64::MAX);
    store.index_create(&entry).await.unwrap();
    for _ in 0..2 {
        store.index_put(&entry).await.unwrap();
        entry.version += 1;
        assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry.clone()));
    }
}

/// STORE-4, INDEX-1.
pub(crate) async fn names_at_their_limits_are_distinct_keys<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let long = "x".repeat(IndexUid::MAX_BYTES);
    let names = ["a", "A", "-", "_", "--", "0", "00", &long, &long[1..]];
    for name in names {
        assert_eq!(store.index_create(&entry(name)).await.unwrap(), Create::Created, "{name}");
        let created = store.task_create(new_task(TaskKind::IndexCreation, Some(name)), at(0)).await.unwrap();
        let query = TaskQuery { index_uids: Some([index(name)].into()), ..TaskQuery::default() };
        assert_eq!(store.task_list(&query).await.unwrap().tasks, [created]);
    }
    let longest = node(&"n".repeat(NodeId::MAX_BYTES));
    store.node_settings_advance(&physical(&long), &longest, 1, at(0)).await.unwrap();
    assert_eq!(store.node_settings_list(&physical(&long)).await.unwrap()[0].node_id, longest);
    assert!(store.node_settings_list(&physical(&long[1..])).await.unwrap().is_empty());
    assert_eq!(store.index_list(None, 100).await.unwrap().len(), names.len());
}

/// TASK-11, STORE-4.
pub(crate) async fn json_of_the_greatest_depth_reads_back_and_deeper_is_refused<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    // The object itself is one level.
    let nested = |levels| {
        let inner = (1..levels).fold(Value::Null, |inner, _| json!([inner]));
        Map::from_iter([("deep".to_owned(), inner)])
    };
    let deepest = nested(MAX_JSON_DEPTH);
    let row =
        store.task_create(NewTask { details: Some(deepest.clone()), ..any_task() }, at(0)).await.unwrap();
    let mut row = put(&store, row).await;
    row.node_tasks.values_mut().for_each(|node_task| node_task.details = Some(deepest.clone()));
    let row = put(&store, row).await;
    assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row.clone()));

    let deeper = nested(MAX_JSON_DEPTH + 1);
    let refused = store.task_create(NewTask { details: Some(deeper.clone()), ..any_task() }, at(0)).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    let refused = store.task_put(Task { details: Some(deeper), ..row.clone() }).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row));
    assert_eq!(create(&store, 1).await[0].uid, TaskUid(1), "a refused creation takes no uid");
}
