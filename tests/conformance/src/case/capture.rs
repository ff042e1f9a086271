//! Change data capture: pending changes of tasks, delivery of events, and states of sinks.

use miroir_domain::change::{ChangeKind, Changed, PendingChanges, SinkRow, SinkState};
use miroir_domain::document::DocumentId;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{NewTask, Task, TaskStatus};
use miroir_ports::outbound::{ChangeBacklog, ChangePosition, Put, StoreError};
use serde_json::{Value, json};

use super::change::{FILMS, change, events_of, numbers};
use crate::harness::Harness;
use crate::sample::{any_task, at, create, index};

fn pending() -> PendingChanges {
    let ids = ["1", "b"].map(|id| DocumentId::from_json(&json!(id)).unwrap());
    // A text may nest deeper and contain anything, because it is not part of the JSON around it.
    let deep = format!("{}\u{0}\u{1f600}{}", "[".repeat(500), "]".repeat(500));
    PendingChanges {
        kind: ChangeKind::Upserted,
        shard_count: 16,
        settings_version: 3,
        changed: Changed::Documents { ids: ids.into(), texts: Some(vec![r#"{"id":1}"#.to_owned(), deep]) },
    }
}

/// TASK-12, by both ways to end a task, and after reopening.
pub(crate) async fn changes_of_a_task_are_kept_until_it_ends<H: Harness>() {
    let mut harness = H::start().await;
    for by_put in [true, false] {
        let store = harness.store();
        let new = NewTask { changes: Some(pending()), ..any_task() };
        let task = store.task_create(new, at(0)).await.unwrap();
        let working = Task { status: TaskStatus::Processing, ..task };
        assert_eq!(store.task_put(working.clone()).await.unwrap(), Put::Stored);
        harness.reopen().await;
        let store = harness.store();
        assert_eq!(store.task_changes(working.uid).await.unwrap(), Some(pending()));
        let ended = Task { version: working.version + 1, status: TaskStatus::Failed, ..working.clone() };
        let stale = Task { version: 9, ..ended.clone() };
        assert_eq!(store.task_put(stale).await.unwrap(), Put::Conflict);
        assert_eq!(store.task_changes(working.uid).await.unwrap(), Some(pending()), "it has not ended");
        let put = if by_put {
            store.task_put(ended).await
        } else {
            store.task_put_with(ended, events_of(Vec::new(), 0)).await
        };
        assert_eq!(put.unwrap(), Put::Stored);
        assert_eq!(store.task_changes(working.uid).await.unwrap(), None);
    }
    let other = create(&harness.store(), 1).await.remove(0);
    assert_eq!(harness.store().task_changes(other.uid).await.unwrap(), None);
}

/// TASK-12.
pub(crate) async fn task_created_as_failed_has_no_changes<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let failure = Some(ErrorCode::Internal.with_message("bad id"));
    let new = NewTask { changes: Some(pending()), failure, ..any_task() };
    let task = store.task_create(new, at(0)).await.unwrap();
    assert_eq!(store.task_changes(task.uid).await.unwrap(), None);
}

/// OUTBOX-3, OUTBOX-4.
pub(crate) async fn delivered_events_are_kept_for_rewinding_and_never_lost<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let events = || (0..5).map(|_| change("s", "films", 10_000_000)).collect::<Vec<_>>();
    store.change_append(events(), 40).await.unwrap();
    assert_eq!(store.change_acknowledge("s", &FILMS, 4, 3).await.unwrap(), 1);
    assert_eq!(numbers(&store, "s", "films").await, [2, 3, 4, 5]);
    assert_eq!(store.change_acknowledge("s", &FILMS, 2, 1).await.unwrap(), 0, "it is behind");
    assert_eq!(store.change_backlog("s").await.unwrap(), ChangeBacklog { events: 4, bytes: 32, lost: 0 });
    // The budget fits five: 2 to 4 were delivered and are not lost, 5 is.
    store.change_append(events(), 40).await.unwrap();
    assert_eq!(numbers(&store, "s", "films").await, [6, 7, 8, 9, 10]);
    assert_eq!(store.change_backlog("s").await.unwrap(), ChangeBacklog { events: 5, bytes: 40, lost: 1 });
    assert_eq!(store.change_peek("s", &FILMS, 0, 1).await.unwrap().trimmed_to, 5);
    // Deliveries of another index of the sink do not count for this one.
    store.change_append(vec![change("s", "books", 10_000_000)], 40).await.unwrap();
    assert_eq!(store.change_backlog("s").await.unwrap().lost, 2);
}

/// OUTBOX-2, OUTBOX-3 without a task.
pub(crate) async fn events_without_a_task_are_appended_on_the_same_terms<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let events = ["films", "books"].map(|uid| change("s", uid, 10_000_000));
    store.change_append(events.into(), 100).await.unwrap();
    let task = Task { status: TaskStatus::Succeeded, ..create(&store, 1).await.remove(0) };
    let more = events_of(vec![change("s", "films", 10_000_000)], 16);
    assert_eq!(store.task_put_with(task, more).await.unwrap(), Put::Stored);
    assert_eq!(numbers(&store, "s", "films").await, [2]);
    assert_eq!(numbers(&store, "s", "books").await, [1]);
    store.change_append(Vec::new(), 0).await.unwrap();
    assert_eq!(store.change_backlog("s").await.unwrap(), ChangeBacklog { events: 2, bytes: 16, lost: 1 });
    let deep = (0..200).fold(Value::Null, |inner, _| json!([inner]));
    let mut event = change("s", "films", 0);
    event.body = deep;
    let refused = store.change_append(vec![event], 100).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "STORE-10: {refused:?}");
}

/// OUTBOX-6.
pub(crate) async fn positions_name_every_index_of_a_sink<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert_eq!(store.change_positions("s").await.unwrap(), []);
    let events = ["films", "books", "films"].map(|uid| change("s", uid, 10_000_000));
    store.change_append(events.into(), 16).await.unwrap();
    store.change_append(vec![change("s:", "films", 10_000_000)], 16).await.unwrap();
    store.change_acknowledge("s", &FILMS, 9, 0).await.unwrap();
    let position =
        |uid: &str, trimmed_to, last_seq| ChangePosition { index_uid: index(uid), trimmed_to, last_seq };
    let expected = [position("books", 0, 1), position("films", 1, 2)];
    assert_eq!(store.change_positions("s").await.unwrap(), expected);
}

/// STORE-4.
pub(crate) async fn sink_states_read_back<H: Harness>() {
    let mut harness = H::start().await;
    let mut row = SinkRow {
        sink_name: "s:{}".to_owned(),
        state: SinkState::Disabled,
        reason: Some("answered 410\n".to_owned()),
        changed_at: at(5),
    };
    harness.store().change_sink_put(row.clone()).await.unwrap();
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(store.change_sink_get("s:{}").await.unwrap(), Some(row.clone()));
    assert_eq!(store.change_sink_get("s").await.unwrap(), None);
    row = SinkRow { state: SinkState::Active, reason: None, changed_at: at(6), ..row };
    store.change_sink_put(row.clone()).await.unwrap();
    assert_eq!(store.change_sink_get("s:{}").await.unwrap(), Some(row));
}
