//! The committed settings of indexes, `committed_settings`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_domain::replica::Difference;
use miroir_domain::settings::{CommittedSettings, Proposal, SealedSettings};
use miroir_domain::task::{Task, TaskStatus};
use miroir_ports::outbound::{Consequences, Put, StoreError, TaskStore};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::lease::assert_fenced;
use super::replica::{mark, names};
use crate::harness::Harness;
use crate::sample::{at, create, object, physical};

/// Settings with a key, as they are stored.
fn sealed(value: Value) -> SealedSettings {
    SealedSettings {
        settings: object(value),
        secrets: BTreeMap::from([("/embedders/a~1b/apiKey".to_owned(), "v1.\"\0🔑".to_owned())]),
    }
}

fn row(uid: &str) -> CommittedSettings {
    CommittedSettings::of_new_index(physical(uid), at(5))
}

/// Returns a row with something in every field.
fn full_row(uid: &str) -> CommittedSettings {
    let change = sealed(json!({"z": null, "a": [1.5, u64::MAX, "ß\u{0}"], "stopWords": {"b": 1, "a": 2}}));
    let proposal = |task, succeeded| Proposal {
        task: TaskUid(task),
        settings_version: u64::MAX - 1,
        change: change.clone(),
        succeeded,
    };
    CommittedSettings {
        version: u64::MAX - 1,
        settings_version: u64::MAX,
        known_version: 1 << 63,
        settings: Some(sealed(json!({"synonyms": {"b": ["a"], "a": []}, "x": -0.25}))),
        proposals: vec![proposal(u32::MAX, true), proposal(0, false)],
        updated_at: at(i64::MIN),
        ..row(uid)
    }
}

async fn stored(store: &Arc<dyn TaskStore>, uid: &str) -> Option<CommittedSettings> {
    store.settings_get(&physical(uid)).await.unwrap()
}

/// SETTINGS-1, SETTINGS-4, STORE-4, STORE-8.
pub(crate) async fn settings_read_back_and_are_replaced_and_forgotten<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    assert_eq!(stored(&store, "films").await, None);
    assert!(!store.settings_forget(&physical("films")).await.unwrap());
    for name in ["films", "_index", "films-2"] {
        store.settings_replace(&full_row(name)).await.unwrap();
    }
    let unknown = CommittedSettings::unknown(physical("films-2"), 7, at(9));
    store.settings_replace(&unknown).await.unwrap();
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(stored(&store, "films").await, Some(full_row("films")));
    assert_eq!(stored(&store, "_index").await, Some(full_row("_index")));
    assert_eq!(stored(&store, "films-2").await, Some(unknown), "no field of the former row is left");
    assert!(store.settings_forget(&physical("films")).await.unwrap());
    assert_eq!(stored(&store, "films").await, None);
    assert_eq!(stored(&store, "_index").await, Some(full_row("_index")));
}

/// SETTINGS-3, STORE-7.
pub(crate) async fn settings_change_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert_eq!(store.settings_put(&row("films")).await.unwrap(), Put::Conflict);
    assert_eq!(stored(&store, "films").await, None);
    store.settings_replace(&row("films")).await.unwrap();
    let next = CommittedSettings { version: 5, ..full_row("films") };
    assert_eq!(store.settings_put(&next).await.unwrap(), Put::Stored);
    let next = CommittedSettings { version: 6, ..next };
    assert_eq!(stored(&store, "films").await, Some(next.clone()));
    for version in [0, 5, 7, u64::MAX] {
        let stale = CommittedSettings { version, ..row("films") };
        assert_eq!(store.settings_put(&stale).await.unwrap(), Put::Conflict, "{version}");
    }
    assert_eq!(stored(&store, "films").await, Some(next));
    let last = CommittedSettings { version: u64::MAX, ..row("films") };
    store.settings_replace(&last).await.unwrap();
    assert!(matches!(store.settings_put(&last).await, Err(StoreError::InvalidInput(_))));
    assert_eq!(stored(&store, "films").await, Some(last));
}

/// SETTINGS-3: every caller adds a change of its own. A lost one would be missing.
pub(crate) async fn every_concurrent_proposal_takes_effect<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.settings_replace(&row("films")).await.unwrap();
    let mut callers = JoinSet::new();
    for task in 0..12 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            loop {
                let change = sealed(json!({"stopWords": [task]}));
                let proposal =
                    Proposal { task: TaskUid(task), settings_version: 2, change, succeeded: false };
                let next = stored(&store, "films").await.unwrap().proposed(proposal, at(6));
                if store.settings_put(&next).await.unwrap() == Put::Stored {
                    return;
                }
            }
        });
    }
    callers.join_all().await;
    let row = stored(&store, "films").await.unwrap();
    let mut tasks: Vec<u32> = row.open().map(|task| task.0).collect();
    tasks.sort_unstable();
    assert_eq!((tasks, row.version), ((0..12).collect(), 17));
}

/// TASK-13, TASK-14.
pub(crate) async fn settings_appear_with_the_end_of_their_task_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let task = create(&store, 1).await.remove(0);
    let before = row("films");
    store.settings_replace(&before).await.unwrap();
    let ended = Task { status: TaskStatus::Succeeded, ..task.clone() };
    let next = CommittedSettings { version: before.version, ..full_row("films") };
    let with = |settings: &CommittedSettings| Consequences {
        marks: vec![mark("films", "a", Difference::of_settings())],
        settings: Some(settings.clone()),
        ..Consequences::default()
    };
    let another = CommittedSettings { version: 9, ..next.clone() };
    let missing = CommittedSettings { index: physical("books"), ..next.clone() };
    for (task, settings) in
        [(ended.clone(), &another), (ended.clone(), &missing), (Task { version: 9, ..ended.clone() }, &next)]
    {
        assert_eq!(store.task_put_with(task, with(settings)).await.unwrap(), Put::Conflict);
    }
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let deep = CommittedSettings { settings: Some(sealed(json!({"x": deep}))), ..next.clone() };
    let refused = store.task_put_with(ended.clone(), with(&deep)).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    assert_eq!(store.task_get(task.uid).await.unwrap(), Some(task.clone()));
    assert_eq!(stored(&store, "films").await, Some(before));
    assert_eq!(stored(&store, "books").await, None);
    assert!(names(&store).await.is_empty());
    assert_eq!(store.task_put_with(ended, with(&next)).await.unwrap(), Put::Stored);
    let task = store.task_get(task.uid).await.unwrap().unwrap();
    assert_eq!(task.status, TaskStatus::Succeeded);
    assert_eq!(stored(&store, "films").await, Some(CommittedSettings { version: 6, ..next }));
    assert_eq!(names(&store).await, ["films:a"]);
}

/// SETTINGS-2, STORE-10.
pub(crate) async fn settings_that_could_not_be_read_back_are_refused<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let nested = |levels: usize| (1..levels).fold(json!(1), |inner, _| json!([inner]));
    let with = |levels| {
        let change = sealed(json!({"x": nested(levels)}));
        let proposal = Proposal { task: TaskUid(1), settings_version: 2, change, succeeded: false };
        CommittedSettings { settings: Some(sealed(json!({"x": nested(levels)}))), ..row("films") }
            .proposed(proposal, at(5))
    };
    store.settings_replace(&with(100)).await.unwrap();
    assert_eq!(stored(&store, "films").await, Some(with(100)));
    for levels in [101, 1_000] {
        let refused =
            [store.settings_replace(&with(levels)).await, store.settings_put(&with(levels)).await.map(drop)];
        assert!(refused.iter().all(|one| matches!(one, Err(StoreError::InvalidInput(_)))), "{refused:?}");
    }
    assert_eq!(stored(&store, "films").await, Some(with(100)));
}

/// LEASE-8.
pub(crate) async fn handle_of_a_term_that_is_over_changes_no_settings<H: Harness>() {
    let harness = H::start().await;
    let (old, new) = (harness.store(), harness.second().await);
    let ttl = Duration::from_millis(100);
    old.lease_acquire("role", "one", ttl, at(0)).await.unwrap();
    old.lease_fence("role", 1).await.unwrap();
    old.settings_replace(&row("films")).await.unwrap();
    new.lease_acquire("role", "two", ttl, at(100)).await.unwrap();
    new.lease_fence("role", 2).await.unwrap();
    assert_fenced(old.settings_replace(&row("books")).await);
    assert_fenced(old.settings_put(&row("films")).await);
    assert_fenced(old.settings_forget(&physical("films")).await);
    assert_eq!(stored(&new, "films").await, Some(row("films")));
    assert_eq!(stored(&new, "books").await, None);
    assert!(new.settings_forget(&physical("films")).await.unwrap());
}
