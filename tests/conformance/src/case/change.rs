//! Change events: the cursors, `cdc_cursors`, and the outbox, `cdc_outbox`.

use std::sync::{Arc, LazyLock};

use miroir_domain::IndexUid;
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::{
    Advance, Change, ChangeBacklog, Consequences, NewChange, Put, StoreError, TaskStore,
};
use serde_json::json;

use crate::harness::Harness;
use crate::sample::{at, create, index};

/// The index of most events.
pub(super) static FILMS: LazyLock<IndexUid> = LazyLock::new(|| index("films"));

/// An event whose body is a number of eight digits: eight bytes.
pub(super) fn change(sink: &str, uid: &str, body: u32) -> NewChange {
    NewChange { sink_name: sink.to_owned(), index_uid: index(uid), body: json!(body) }
}

/// The consequences of a task that has changes alone.
pub(super) fn events_of(changes: Vec<NewChange>, budget_bytes: u64) -> Consequences {
    Consequences { changes, budget_bytes, ..Consequences::default() }
}

/// Ends a new task with these changes.
async fn append(store: &Arc<dyn TaskStore>, changes: Vec<NewChange>, budget_bytes: u64) {
    let task = Task { status: TaskStatus::Succeeded, ..create(store, 1).await.remove(0) };
    assert_eq!(store.task_put_with(task, events_of(changes, budget_bytes)).await.unwrap(), Put::Stored);
}

pub(super) async fn numbers(store: &Arc<dyn TaskStore>, sink: &str, uid: &str) -> Vec<u64> {
    let page = store.change_peek(sink, &index(uid), 0, u32::MAX).await.unwrap();
    page.changes.iter().map(|change| change.seq).collect()
}

/// CURSOR-1, CURSOR-2, CURSOR-3.
pub(crate) async fn cursor_never_goes_back_unless_rewound<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let advance = |seq, now| store.change_cursor_advance("s:{}", &FILMS, seq, at(now));
    assert_eq!(advance(0, 1).await.unwrap(), Advance::Advanced);
    assert_eq!(advance(0, 2).await.unwrap(), Advance::Behind(0));
    assert_eq!(advance(u64::MAX, 3).await.unwrap(), Advance::Advanced);
    for seq in [0, 5, u64::MAX] {
        assert_eq!(advance(seq, 4).await.unwrap(), Advance::Behind(u64::MAX));
    }
    let row = store.change_cursor_get("s:{}", &FILMS).await.unwrap().unwrap();
    assert_eq!((row.last_event_seq, row.updated_at), (u64::MAX, at(3)));
    store.change_cursor_advance("s:{}", &index("books"), 1, at(5)).await.unwrap();
    store.change_cursor_advance("other", &index("a"), 1, at(5)).await.unwrap();
    let rewind = |seq| store.change_cursor_rewind("s:{}", &FILMS, seq, at(6));
    assert!(!rewind(u64::MAX).await.unwrap(), "CURSOR-3: it is there already");
    assert!(!store.change_cursor_rewind("s:{}", &index("none"), 0, at(6)).await.unwrap());
    assert!(rewind(10).await.unwrap());
    let row = store.change_cursor_get("s:{}", &FILMS).await.unwrap().unwrap();
    assert_eq!((row.last_event_seq, row.updated_at), (10, at(6)));
    assert!(!rewind(11).await.unwrap(), "CURSOR-3: only back");
    let listed = store.change_cursor_list("s:{}").await.unwrap();
    assert_eq!(listed.iter().map(|row| row.index_uid.as_str()).collect::<Vec<_>>(), ["books", "films"]);
}

/// CURSOR-1: of many concurrent advances, the highest stays.
pub(crate) async fn highest_cursor_stays<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let advances = (1..=64).map(|seq| {
        let store = store.clone();
        tokio::spawn(async move { store.change_cursor_advance("s", &FILMS, seq, at(0)).await.unwrap() })
    });
    for advance in advances.collect::<Vec<_>>() {
        advance.await.unwrap();
    }
    assert_eq!(store.change_cursor_get("s", &FILMS).await.unwrap().unwrap().last_event_seq, 64);
}

/// OUTBOX-1: task and events are stored together or not at all.
pub(crate) async fn events_appear_with_the_end_of_their_task_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let stale = Task { version: 9, ..task.clone() };
    let events = || events_of(vec![change("s", "films", 10_000_000)], 100);
    assert_eq!(store.task_put_with(stale, events()).await.unwrap(), Put::Conflict);
    let ended = Task { status: TaskStatus::Succeeded, ..task.clone() };
    assert_eq!(store.task_put_with(ended.clone(), events()).await.unwrap(), Put::Stored);
    let back = Task { version: 2, ..task };
    let refused = store.task_put_with(back, events()).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "TASK-4: {refused:?}");
    assert_eq!(store.task_get(ended.uid).await.unwrap(), Some(Task { version: 2, ..ended }));
    let page = store.change_peek("s", &FILMS, 0, 9).await.unwrap();
    assert_eq!(page.changes, [Change { seq: 1, body: json!(10_000_000) }]);
    assert_eq!((page.last_seq, page.trimmed_to), (1, 0));
}

/// OUTBOX-2, OUTBOX-4, STORE-8.
pub(crate) async fn numbers_grow_by_one_per_sink_and_index<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    let events = ["films", "books", "films"].map(|uid| change("s", uid, 10_000_000));
    append(&store, events.into(), 1_000).await;
    append(&store, vec![change("s", "films", 10_000_001), change("other", "films", 1)], 1_000).await;
    assert_eq!(numbers(&store, "s", "films").await, [1, 2, 3]);
    assert_eq!(numbers(&store, "s", "books").await, [1]);
    assert_eq!(numbers(&store, "other", "films").await, [1]);
    let page = store.change_peek("s", &FILMS, 1, 1).await.unwrap();
    assert_eq!((page.changes[0].seq, page.changes.len(), page.last_seq), (2, 1, 3));
    assert_eq!(store.change_acknowledge("s", &FILMS, 2, 0).await.unwrap(), 2);
    assert_eq!(store.change_acknowledge("s", &FILMS, 2, 0).await.unwrap(), 0);
    assert_eq!(store.change_acknowledge("s", &FILMS, u64::MAX, 0).await.unwrap(), 1);
    let left = ChangeBacklog { events: 1, bytes: 8, lost: 0 };
    assert_eq!(store.change_backlog("s").await.unwrap(), left);
    harness.reopen().await;
    let store = harness.store();
    append(&store, vec![change("s", "films", 5)], 1_000).await;
    assert_eq!(numbers(&store, "s", "films").await, [4]);
    assert_eq!(store.change_backlog("none").await.unwrap(), ChangeBacklog::default());
}

/// OUTBOX-3, OUTBOX-5: the oldest events of a sink are dropped first, of any index. Other sinks are not
/// touched.
pub(crate) async fn budget_drops_the_oldest_and_moves_trimmed_to<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    append(&store, vec![change("calm", "films", 10_000_000)], 24).await;
    for uid in ["films", "books", "films", "films"] {
        append(&store, vec![change("s", uid, 10_000_000)], 24).await;
    }
    let page = store.change_peek("s", &FILMS, 0, 9).await.unwrap();
    assert_eq!((page.trimmed_to, page.last_seq, page.changes.len()), (1, 3, 2));
    assert_eq!(store.change_backlog("s").await.unwrap(), ChangeBacklog { events: 3, bytes: 24, lost: 1 });
    append(&store, vec![change("s", "films", 10_000_000)], 16).await;
    assert_eq!(numbers(&store, "s", "films").await, [3, 4]);
    let books = store.change_peek("s", &index("books"), 0, 9).await.unwrap();
    assert_eq!((books.trimmed_to, books.changes.len()), (1, 0));
    append(&store, vec![change("s", "films", 10_000_000)], 7).await;
    assert_eq!(store.change_backlog("s").await.unwrap(), ChangeBacklog { events: 0, bytes: 0, lost: 6 });
    let page = store.change_peek("s", &FILMS, 0, 9).await.unwrap();
    assert_eq!((page.trimmed_to, page.last_seq), (5, 5));
    assert_eq!(store.change_backlog("calm").await.unwrap(), ChangeBacklog { events: 1, bytes: 8, lost: 0 });
}

/// OUTBOX-2 under many writers.
pub(crate) async fn numbers_have_no_holes_under_many_writers<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = create(&store, 32).await;
    let appends = tasks.into_iter().map(|task| {
        let store = store.clone();
        let task = Task { status: TaskStatus::Succeeded, ..task };
        let events = events_of(vec![change("s", "films", 1), change("s", "films", 2)], 10_000);
        tokio::spawn(async move { store.task_put_with(task, events).await.unwrap() })
    });
    for append in appends.collect::<Vec<_>>() {
        assert_eq!(append.await.unwrap(), Put::Stored);
    }
    assert_eq!(numbers(&store, "s", "films").await, (1..=64).collect::<Vec<_>>());
}
