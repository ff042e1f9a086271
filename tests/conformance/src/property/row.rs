//! One table at a time: rows read back as written, and lists contain them.

use std::collections::BTreeMap;

use miroir_domain::task::{Task, TaskQuery, TaskStatus};
use miroir_ports::outbound::{Advance, Create, Put};
use proptest::collection::vec;
use proptest::prelude::*;

use super::strategy::{index_entry, new_task, node_id, physical_uid, query, task, time, version};
use super::{Stores, config, run};
use crate::sample::any_task;

proptest! {
    #![proptest_config(config(48))]

    /// STORE-4, TASK-1, TASK-2.
    #[test]
    fn created_tasks_read_back(news in vec((new_task(), time()), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                for (new, now) in news.clone() {
                    let row = store.task_create(new.clone(), now).await.unwrap();
                    prop_assert_eq!(&row, &new.into_task(row.uid, now));
                    prop_assert_eq!(store.task_get(row.uid).await.unwrap(), Some(row));
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4, TASK-3.
    #[test]
    fn replaced_tasks_read_back(rows in vec(task(), 1..5)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                for row in rows.clone() {
                    let created = store.task_create(any_task(), row.created_at).await.unwrap();
                    let row = Task { uid: created.uid, version: created.version, ..row };
                    prop_assert_eq!(store.task_put(row.clone()).await.unwrap(), Put::Stored);
                    let stored = store.task_get(row.uid).await.unwrap();
                    prop_assert_eq!(stored, Some(Task { version: 2, ..row }));
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4, INDEX-1, INDEX-4, INDEX-5.
    #[test]
    fn index_entries_read_back_and_are_listed(entries in vec(index_entry(), 1..8), step in 1..4_u32) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for entry in entries.clone() {
                    let expected =
                        if kept.contains_key(&entry.uid) { Create::Exists } else { Create::Created };
                    prop_assert_eq!(store.index_create(&entry).await.unwrap(), expected);
                    kept.entry(entry.uid.clone()).or_insert(entry);
                }
                let mut listed = Vec::new();
                while let some @ [_, ..] = &*store.index_list(listed.last().cloned(), step).await.unwrap() {
                    for entry in some {
                        prop_assert_eq!(kept.get(&entry.uid), Some(entry));
                        prop_assert_eq!(store.index_get(&entry.uid).await.unwrap(), Some(entry.clone()));
                        listed.push(entry.uid.clone());
                    }
                }
                prop_assert_eq!(listed, kept.into_keys().collect::<Vec<_>>());
            }
            Ok(())
        })?;
    }

    /// NODESET-1, NODESET-2.
    #[test]
    fn node_settings_hold_the_highest_version(
        advances in vec((physical_uid(), node_id(), version(), time()), 1..20),
    ) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut highest = BTreeMap::new();
                for (index, node, version, now) in advances.clone() {
                    let advance = store.node_settings_advance(&index, &node, version, now).await.unwrap();
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
                    let row = store.node_settings_get(index, node).await.unwrap().unwrap();
                    prop_assert_eq!((row.version, row.updated_at), (*version, *now));
                    let listed = store.node_settings_list(index).await.unwrap();
                    let nodes: Vec<_> = listed.iter().map(|row| &row.node_id).collect();
                    let expected: Vec<_> =
                        highest.keys().filter(|(of, _)| of == index).map(|(_, node)| node).collect();
                    prop_assert_eq!(nodes, expected);
                }
            }
            Ok(())
        })?;
    }

    /// TASK-5, TASK-6, TASK-7.
    #[test]
    fn random_queries_find_the_same_tasks(rows in vec(task(), 1..40), queries in vec(query(), 20)) {
        run(async {
            let stores = Stores::start().await;
            fill(&stores, rows).await;
            let (model, others) = (stores.model(), stores.others());
            for query in queries {
                let expected = model.task_list(&query).await.unwrap();
                for (_, store) in &others {
                    let found = store.task_list(&query).await.unwrap();
                    prop_assert_eq!(&found, &expected, "{:?}", query);
                }
            }
            Ok(())
        })?;
    }

    /// TASK-5, TASK-6.
    #[test]
    fn pages_cover_every_match_once(rows in vec(task(), 1..40), query in query(), limit in 1..9_u32) {
        run(async {
            let stores = Stores::start().await;
            fill(&stores, rows).await;
            let (model, others) = (stores.model(), stores.others());
            let all = TaskQuery { limit: u32::MAX, from: None, ..query.clone() };
            let expected = model.task_list(&all).await.unwrap().tasks;
            for (_, store) in &others {
                let mut query = TaskQuery { limit, from: None, ..query.clone() };
                let mut seen = Vec::new();
                loop {
                    let page = store.task_list(&query).await.unwrap();
                    seen.extend(page.tasks);
                    query.from = page.next;
                    if page.next.is_none() {
                        break;
                    }
                }
                prop_assert_eq!(&seen, &expected);
            }
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
            let stores = Stores::start().await;
            fill(&stores, rows).await;
            let (model, others) = (stores.model(), stores.others());
            for (before, most) in prunes {
                let pruned = model.task_prune(before, most).await.unwrap();
                let all = TaskQuery { limit: u32::MAX, ..TaskQuery::default() };
                let left = model.task_list(&all).await.unwrap();
                let unfinished = model.task_list_unfinished(None, limit).await.unwrap();
                prop_assert!(unfinished.iter().all(|task| !task.status.is_finished()));
                for (_, store) in &others {
                    prop_assert_eq!(store.task_prune(before, most).await.unwrap(), pruned);
                    prop_assert_eq!(&store.task_list(&all).await.unwrap(), &left);
                    prop_assert_eq!(&store.task_list_unfinished(None, limit).await.unwrap(), &unfinished);
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4: every store returns JSON as the ports wrote it, for any JSON.
    #[test]
    fn any_json_reads_back(value in super::strategy::json()) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let details = [("value".to_owned(), value.clone())].into_iter().collect();
                let mut row = store.task_create(any_task(), crate::sample::at(0)).await.unwrap();
                row.details = Some(details);
                row.status = TaskStatus::Succeeded;
                store.task_put(row.clone()).await.unwrap();
                let stored = store.task_get(row.uid).await.unwrap().unwrap();
                prop_assert_eq!(&stored.details, &row.details);
                // Equality ignores the order of keys; the text does not.
                prop_assert_eq!(
                    serde_json::to_string(&stored.details).unwrap(),
                    serde_json::to_string(&row.details).unwrap()
                );
            }
            Ok(())
        })?;
    }
}

/// Stores `rows` in all stores, each under the next uid.
async fn fill(stores: &Stores, rows: Vec<Task>) {
    for row in rows {
        for store in stores.all() {
            let created = store.task_create(any_task(), row.created_at).await.unwrap();
            let row = Task { uid: created.uid, version: created.version, ..row.clone() };
            assert_eq!(store.task_put(row).await.unwrap(), Put::Stored);
        }
    }
}
