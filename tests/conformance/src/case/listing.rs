//! Pages: the right tasks, in order, with nothing skipped or repeated, and the right total.

use std::sync::Arc;

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskDates, TaskKind, TaskQuery, TaskStatus};
use miroir_ports::outbound::TaskStore;

use crate::harness::Harness;
use crate::sample::{at, create, entry, finish, index, new_task, node, physical, put};

fn uids(tasks: &[Task]) -> Vec<u32> {
    tasks.iter().map(|task| task.uid.0).collect()
}

/// TASK-5, TASK-6, TASK-7.
pub(crate) async fn pages_newest_first<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    create(&store, 25).await;
    let page = store.task_list(&TaskQuery::default()).await.unwrap();
    assert_eq!(uids(&page.tasks), (5..25).rev().collect::<Vec<_>>());
    assert_eq!((page.total, page.next), (25, Some(TaskUid(4))));
    let rest = store.task_list(&TaskQuery { from: page.next, ..TaskQuery::default() }).await.unwrap();
    assert_eq!(uids(&rest.tasks), [4, 3, 2, 1, 0]);
    assert_eq!((rest.total, rest.next), (25, None));
}

/// TASK-5, TASK-6, TASK-7.
pub(crate) async fn pages_oldest_first_when_reversed<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    create(&store, 5).await;
    let query = TaskQuery { reverse: true, limit: 3, ..TaskQuery::default() };
    let page = store.task_list(&query).await.unwrap();
    assert_eq!((uids(&page.tasks), page.total, page.next), (vec![0, 1, 2], 5, Some(TaskUid(3))));
    let page = store.task_list(&TaskQuery { from: page.next, ..query }).await.unwrap();
    assert_eq!((uids(&page.tasks), page.total, page.next), (vec![3, 4], 5, None));
}

/// TASK-5.
pub(crate) async fn from_is_inclusive_and_need_not_exist<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = create(&store, 5).await;
    finish(&store, &tasks[2], TaskStatus::Succeeded, 1).await;
    store.task_prune(at(2), 1).await.unwrap();
    let cases = [
        (3, false, vec![3, 1, 0]),
        (2, false, vec![1, 0]),
        (u32::MAX, false, vec![4, 3, 1, 0]),
        (0, false, vec![0]),
        (3, true, vec![3, 4]),
        (2, true, vec![3, 4]),
        (5, true, vec![]),
        (0, true, vec![0, 1, 3, 4]),
    ];
    for (from, reverse, expected) in cases {
        let query = TaskQuery { from: Some(TaskUid(from)), reverse, ..TaskQuery::default() };
        let page = store.task_list(&query).await.unwrap();
        assert_eq!((uids(&page.tasks), page.total), (expected, 4), "from {from}, reverse {reverse}");
    }
}

/// TASK-6.
pub(crate) async fn limit_of_zero_returns_the_first_uid_as_next<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    create(&store, 3).await;
    for (reverse, first) in [(false, 2), (true, 0)] {
        let query = TaskQuery { limit: 0, reverse, ..TaskQuery::default() };
        let page = store.task_list(&query).await.unwrap();
        assert_eq!((page.tasks.len(), page.total, page.next), (0, 3, Some(TaskUid(first))));
    }
}

/// Creates sixty tasks that differ in everything that filters use, and whose times do not follow their uids.
async fn varied(store: &Arc<dyn TaskStore>) -> Vec<Task> {
    let kinds = [TaskKind::DocumentAdditionOrUpdate, TaskKind::SettingsUpdate, TaskKind::TaskCancelation];
    let indexes = [Some("books"), Some("movies"), Some("Movies"), None];
    let mut tasks = Vec::new();
    for number in 0..60_usize {
        let new = new_task(kinds[number % 3], indexes[number / 2 % 4]);
        let time = |factor: usize| at(i64::try_from(number * factor % 61).unwrap());
        let task = store.task_create(new, time(17)).await.unwrap();
        let status = TaskStatus::ALL[number / 3 % 5];
        let begun = status != TaskStatus::Enqueued;
        let canceled = status == TaskStatus::Canceled;
        let changed = Task {
            status,
            started_at: begun.then(|| time(23)),
            finished_at: status.is_finished().then(|| time(29)),
            canceled_by: canceled.then(|| TaskUid(u32::try_from(number % 2).unwrap())),
            ..task
        };
        tasks.push(put(store, changed).await);
    }
    tasks
}

/// Returns one value or more for every filter.
fn filters() -> Vec<TaskQuery> {
    let any = TaskQuery { limit: 7, ..TaskQuery::default() };
    let dates = TaskDates { after: Some(at(10)), before: Some(at(40)) };
    let after = TaskDates { after: Some(at(30)), before: None };
    let some: std::collections::BTreeSet<_> = [3, 17, 18, 40, 59, 99].into_iter().map(TaskUid).collect();
    vec![
        any.clone(),
        TaskQuery { uids: Some(some.clone()), ..any.clone() },
        TaskQuery { batch_uids: Some(some), ..any.clone() },
        TaskQuery { statuses: Some([TaskStatus::Succeeded].into()), ..any.clone() },
        TaskQuery { statuses: Some([TaskStatus::Enqueued, TaskStatus::Canceled].into()), ..any.clone() },
        TaskQuery { kinds: Some([TaskKind::SettingsUpdate].into()), ..any.clone() },
        TaskQuery { kinds: Some(TaskKind::ALL.iter().copied().collect()), ..any.clone() },
        TaskQuery { index_uids: Some([index("movies")].into()), ..any.clone() },
        TaskQuery { index_uids: Some([index("books"), index("Movies")].into()), ..any.clone() },
        TaskQuery { canceled_by: Some([TaskUid(0)].into()), ..any.clone() },
        TaskQuery { canceled_by: Some([TaskUid(1), TaskUid(7)].into()), ..any.clone() },
        TaskQuery { enqueued: dates, ..any.clone() },
        TaskQuery { started: after, ..any.clone() },
        TaskQuery { finished: dates, ..any },
    ]
}

/// Returns the query that combines the filters of both.
fn both(one: &TaskQuery, other: &TaskQuery) -> TaskQuery {
    let dates = |one: TaskDates, other: TaskDates| if one == TaskDates::default() { other } else { one };
    TaskQuery {
        uids: one.uids.clone().or(other.uids.clone()),
        batch_uids: one.batch_uids.clone().or(other.batch_uids.clone()),
        statuses: one.statuses.clone().or(other.statuses.clone()),
        kinds: one.kinds.clone().or(other.kinds.clone()),
        index_uids: one.index_uids.clone().or(other.index_uids.clone()),
        canceled_by: one.canceled_by.clone().or(other.canceled_by.clone()),
        enqueued: dates(one.enqueued, other.enqueued),
        started: dates(one.started, other.started),
        finished: dates(one.finished, other.finished),
        ..one.clone()
    }
}

/// TASK-5, TASK-6, TASK-7.
pub(crate) async fn every_filter_and_combination_agrees_with_the_model<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = varied(&store).await;
    for one in &filters() {
        for other in &filters() {
            for reverse in [false, true] {
                let query = TaskQuery { reverse, ..both(one, other) };
                let mut expected: Vec<&Task> = tasks.iter().filter(|task| query.matches(task)).collect();
                if !reverse {
                    expected.reverse();
                }
                let page = store.task_list(&query).await.unwrap();
                let first: Vec<&Task> = expected.iter().take(7).copied().collect();
                assert_eq!(page.tasks.iter().collect::<Vec<_>>(), first, "{query:?}");
                assert_eq!(page.next, expected.get(7).map(|task| task.uid), "{query:?}");
                assert_eq!(page.total, expected.len() as u64, "{query:?}");
            }
        }
    }
}

/// TASK-5.
pub(crate) async fn empty_filter_matches_nothing<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    varied(&store).await;
    let any = TaskQuery::default();
    for query in [
        TaskQuery { uids: Some([].into()), ..any.clone() },
        TaskQuery { batch_uids: Some([].into()), ..any.clone() },
        TaskQuery { statuses: Some([].into()), ..any.clone() },
        TaskQuery { kinds: Some([].into()), ..any.clone() },
        TaskQuery { index_uids: Some([].into()), ..any.clone() },
        TaskQuery { canceled_by: Some([].into()), ..any },
    ] {
        let page = store.task_list(&query).await.unwrap();
        assert_eq!((page.tasks.len(), page.total, page.next), (0, 0, None), "{query:?}");
    }
}

/// TASK-5, TASK-6, TASK-7.
pub(crate) async fn pages_cover_every_match_once<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = varied(&store).await;
    for filter in filters() {
        for (reverse, limit) in [(false, 1), (true, 4), (false, 9), (true, 60)] {
            let mut query = TaskQuery { reverse, limit, ..filter.clone() };
            let mut expected: Vec<u32> =
                tasks.iter().filter(|task| query.matches(task)).map(|task| task.uid.0).collect();
            if !reverse {
                expected.reverse();
            }
            let mut seen = Vec::new();
            loop {
                let page = store.task_list(&query).await.unwrap();
                assert_eq!(page.total, expected.len() as u64, "{query:?}");
                assert!(page.tasks.len() <= limit as usize);
                seen.extend(uids(&page.tasks));
                query.from = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{query:?}");
        }
    }
}

/// TASK-7.
pub(crate) async fn total_follows_every_change<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let total = async |status| {
        let query = TaskQuery { statuses: Some([status].into()), limit: 0, ..TaskQuery::default() };
        store.task_list(&query).await.unwrap().total
    };
    let tasks = create(&store, 3).await;
    assert_eq!((total(TaskStatus::Enqueued).await, total(TaskStatus::Succeeded).await), (3, 0));
    let moved = Task { index_uid: None, kind: TaskKind::DumpCreation, ..tasks[0].clone() };
    let moved = put(&store, moved).await;
    let movies = TaskQuery { index_uids: Some([index("movies")].into()), ..TaskQuery::default() };
    assert_eq!(store.task_list(&movies).await.unwrap().total, 2);
    finish(&store, &moved, TaskStatus::Succeeded, 1).await;
    finish(&store, &tasks[1], TaskStatus::Succeeded, 5).await;
    assert_eq!((total(TaskStatus::Enqueued).await, total(TaskStatus::Succeeded).await), (1, 2));
    store.task_prune(at(2), 10).await.unwrap();
    assert_eq!((total(TaskStatus::Enqueued).await, total(TaskStatus::Succeeded).await), (1, 1));
    assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap().total, 2);
}

/// TASK-8.
pub(crate) async fn unfinished_tasks_come_oldest_first<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tasks = varied(&store).await;
    let expected: Vec<Task> = tasks.into_iter().filter(|task| !task.status.is_finished()).collect();
    assert_eq!(store.task_list_unfinished(None, 100).await.unwrap(), expected);
    let mut seen: Vec<Task> = Vec::new();
    loop {
        let some = store.task_list_unfinished(seen.last().map(|task| task.uid), 5).await.unwrap();
        if some.is_empty() {
            break;
        }
        seen.extend(some);
    }
    assert_eq!(seen, expected);
    assert!(store.task_list_unfinished(None, 0).await.unwrap().is_empty());
    finish(&store, &expected[0], TaskStatus::Failed, 1).await;
    assert_eq!(store.task_list_unfinished(None, 1).await.unwrap()[0], expected[1]);
}

/// INDEX-5.
pub(crate) async fn indexes_come_in_byte_order<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for uid in ["b", "a", "B", "aa", "_", "-", "0"] {
        store.index_create(&entry(uid)).await.unwrap();
    }
    let all = store.index_list(None, 100).await.unwrap();
    let order: Vec<&str> = all.iter().map(|entry| entry.uid.as_str()).collect();
    assert_eq!(order, ["-", "0", "B", "_", "a", "aa", "b"]);
    let mut seen = Vec::new();
    while let some @ [_, ..] = &*store.index_list(seen.last().cloned(), 2).await.unwrap() {
        seen.extend(some.iter().map(|entry| entry.uid.clone()));
    }
    assert_eq!(seen, all.iter().map(|entry| entry.uid.clone()).collect::<Vec<_>>());
    let after = store.index_list(Some(index("C")), 1).await.unwrap();
    assert_eq!(after[0].uid, index("_"), "a cursor need not exist");
    assert!(store.index_list(None, 0).await.unwrap().is_empty());
}

/// NODESET-2.
pub(crate) async fn node_settings_come_by_node<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (name, version) in [("n-2", 1), ("n-10", 2), ("N-1", 3)] {
        store.node_settings_advance(&physical("movies"), &node(name), version, at(0)).await.unwrap();
        store.node_settings_advance(&physical("movie"), &node(name), 9, at(0)).await.unwrap();
    }
    let rows = store.node_settings_list(&physical("movies")).await.unwrap();
    let order: Vec<_> = rows.iter().map(|row| (row.node_id.as_str(), row.version)).collect();
    assert_eq!(order, [("N-1", 3), ("n-10", 2), ("n-2", 1)]);
}
