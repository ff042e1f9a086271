//! One table at a time: what is written comes back, and what is listed is what was written.

use std::collections::BTreeMap;

use miroir_domain::task::{Task, TaskQuery, TaskStatus};
use miroir_ports::outbound::{Advance, Create, IndexTable as _, NodeSettingsTable as _, Put, TaskTable as _};
use proptest::collection::vec;
use proptest::prelude::*;

use super::strategy::{index_entry, index_uid, new_task, node_id, query, task, time, version};
use super::{Pair, config, run};
use crate::sample::any_task;

proptest! {
    #![proptest_config(config(48))]

    /// STORE-4, TASK-1, TASK-2.
    #[test]
    fn created_tasks_come_back_on_sqlite(news in vec((new_task(), time()), 1..6)) {
        run(async {
            let store = Pair::start().await.sqlite_alone();
            for (new, now) in news {
                let row = store.0.task_create(new.clone(), now).await.unwrap();
                prop_assert_eq!(&row, &new.into_task(row.uid, now));
                prop_assert_eq!(store.0.task_get(row.uid).await.unwrap(), Some(row));
            }
            Ok(())
        })?;
    }

    /// STORE-4, TASK-3.
    #[test]
    fn replaced_tasks_come_back_on_sqlite(rows in vec(task(), 1..5)) {
        run(async {
            let store = Pair::start().await.sqlite_alone();
            for row in rows {
                let created = store.0.task_create(any_task(), row.created_at).await.unwrap();
                let row = Task { uid: created.uid, version: created.version, ..row };
                prop_assert_eq!(store.0.task_put(row.clone()).await.unwrap(), Put::Stored);
                let stored = store.0.task_get(row.uid).await.unwrap();
                prop_assert_eq!(stored, Some(Task { version: 2, ..row }));
            }
            Ok(())
        })?;
    }

    /// STORE-4, INDEX-1, INDEX-4, INDEX-5.
    #[test]
    fn index_entries_come_back_and_are_listed_on_sqlite(entries in vec(index_entry(), 1..8), step in 1..4_u32) {
        run(async {
            let store = Pair::start().await.sqlite_alone();
            let mut kept = BTreeMap::new();
            for entry in entries {
                let expected =
                    if kept.contains_key(&entry.uid) { Create::Exists } else { Create::Created };
                prop_assert_eq!(store.0.index_create(&entry).await.unwrap(), expected);
                kept.entry(entry.uid.clone()).or_insert(entry);
            }
            let mut listed = Vec::new();
            while let some @ [_, ..] = &*store.0.index_list(listed.last().cloned(), step).await.unwrap() {
                for entry in some {
                    prop_assert_eq!(kept.get(&entry.uid), Some(entry));
                    prop_assert_eq!(store.0.index_get(&entry.uid).await.unwrap(), Some(entry.clone()));
                    listed.push(entry.uid.clone());
                }
            }
            prop_assert_eq!(listed, kept.into_keys().collect::<Vec<_>>());
            Ok(())
        })?;
    }

    /// NODESET-1, NODESET-2.
    #[test]
    fn node_settings_hold_the_highest_version_on_sqlite(
        advances in vec((index_uid(), node_id(), version(), time()), 1..20),
    ) {
        run(async {
            let store = Pair::start().await.sqlite_alone();
            let mut highest = BTreeMap::new();
            for (index, node, version, now) in advances {
                let advance = store.0.node_settings_advance(&index, &node, version, now).await.unwrap();
                let known = highest.get(&(index.clone(), node.clone())).map(|(version, _)| *version);
                match known {
                    Some(known) if known >= version => prop_assert_eq!(advance, Advance::Behind(known)),
                    _ => {
                        prop_assert_eq!(advance, Advance::Advanced);
                        highest.insert((index, node), (version, now));
                    }
                }
            }
            for ((index, node), (version, now)) in &highest {
                let row = store.0.node_settings_get(index, node).await.unwrap().unwrap();
                prop_assert_eq!((row.version, row.updated_at), (*version, *now));
                let listed = store.0.node_settings_list(index).await.unwrap();
                let nodes: Vec<_> = listed.iter().map(|row| &row.node_id).collect();
                let expected: Vec<_> =
                    highest.keys().filter(|(of, _)| of == index).map(|(_, node)| node).collect();
                prop_assert_eq!(nodes, expected);
            }
            Ok(())
        })?;
    }

    /// TASK-5, TASK-6, TASK-7.
    #[test]
    fn random_queries_find_the_same_on_both(rows in vec(task(), 1..40), queries in vec(query(), 20)) {
        run(async {
            let pair = Pair::start().await;
            fill(&pair, rows).await;
            let [model, store] = pair.both();
            for query in queries {
                let expected = model.task_list(&query).await.unwrap();
                let found = store.task_list(&query).await.unwrap();
                prop_assert_eq!(found, expected, "{:?}", query);
            }
            Ok(())
        })?;
    }

    /// TASK-5, TASK-6.
    #[test]
    fn pages_cover_every_match_once_on_sqlite(rows in vec(task(), 1..40), query in query(), limit in 1..9_u32) {
        run(async {
            let pair = Pair::start().await;
            fill(&pair, rows).await;
            let [model, store] = pair.both();
            let all = TaskQuery { limit: u32::MAX, from: None, ..query.clone() };
            let expected = model.task_list(&all).await.unwrap().tasks;
            let mut query = TaskQuery { limit, from: None, ..query };
            let mut seen = Vec::new();
            loop {
                let page = store.task_list(&query).await.unwrap();
                seen.extend(page.tasks);
                query.from = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen, expected);
            Ok(())
        })?;
    }

    /// TASK-8, TASK-9, TASK-10.
    #[test]
    fn unfinished_tasks_and_pruning_agree(
        rows in vec(task(), 1..40),
        prunes in vec((time(), 0..12_u32), 1..5),
        limit in 0..12_u32,
    ) {
        run(async {
            let pair = Pair::start().await;
            fill(&pair, rows).await;
            let [model, store] = pair.both();
            for (before, most) in prunes {
                let expected = model.task_prune(before, most).await.unwrap();
                prop_assert_eq!(store.task_prune(before, most).await.unwrap(), expected);
                let all = TaskQuery { limit: u32::MAX, ..TaskQuery::default() };
                prop_assert_eq!(store.task_list(&all).await.unwrap(), model.task_list(&all).await.unwrap());
                let expected = model.task_list_unfinished(None, limit).await.unwrap();
                prop_assert!(expected.iter().all(|task| !task.status.is_finished()));
                prop_assert_eq!(store.task_list_unfinished(None, limit).await.unwrap(), expected);
            }
            Ok(())
        })?;
    }

    /// STORE-4: what the ports write, SQLite gives back, whatever the JSON.
    #[test]
    fn any_json_comes_back_on_sqlite(value in super::strategy::json()) {
        run(async {
            let store = Pair::start().await.sqlite_alone();
            let details = [("value".to_owned(), value)].into_iter().collect();
            let mut row = store.0.task_create(any_task(), crate::sample::at(0)).await.unwrap();
            row.details = Some(details);
            row.status = TaskStatus::Succeeded;
            store.0.task_put(row.clone()).await.unwrap();
            let stored = store.0.task_get(row.uid).await.unwrap().unwrap();
            prop_assert_eq!(&stored.details, &row.details);
            // Equality does not look at the order of keys; the text does.
            prop_assert_eq!(
                serde_json::to_string(&stored.details).unwrap(),
                serde_json::to_string(&row.details).unwrap()
            );
            Ok(())
        })?;
    }
}

/// Stores `rows` in both stores, each under the next uid.
async fn fill(pair: &Pair, rows: Vec<Task>) {
    for row in rows {
        for store in pair.both() {
            let created = store.task_create(any_task(), row.created_at).await.unwrap();
            let row = Task { uid: created.uid, version: created.version, ..row.clone() };
            assert_eq!(store.task_put(row).await.unwrap(), Put::Stored);
        }
    }
}

impl Pair {
    /// For properties that need no model. The directory lives as long as the answer.
    fn sqlite_alone(self) -> (std::sync::Arc<miroir_sqlite::SqliteStore>, tempfile::TempDir) {
        (self.sqlite, self.directory)
    }
}
