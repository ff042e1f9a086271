//! Settings and indexes: what the registry says is what the nodes have.

use std::time::Duration;

use futures_util::future::{join, join_all};
use miroir_domain::TaskUid;
use miroir_domain::document::SHARD_FIELD;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::task::{TaskQuery, TaskStatus};
use miroir_ports::inbound::{ApiError, IndexApi, SettingsApi, TaskApi};
use miroir_ports::outbound::NodeSettingsTable;
use serde_json::json;

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

fn stop_words(words: &[&str]) -> SettingsChange {
    SettingsChange { setting: Some(Setting::StopWords), action: SettingsAction::Update(json!(words)) }
}

#[tokio::test(start_paused = true)]
async fn refused_change_of_a_new_index_leaves_no_entry() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::Refuse(400, "invalid_settings_stop_words"));
    }
    let refusal = bench.settings.settings_change(uid("films"), stop_words(&["the"])).await.unwrap_err();
    assert!(matches!(refusal, ApiError::Node { status: 400, .. }), "{refusal:?}");
    assert_eq!(bench.entry("films").await, None);
    assert_eq!(bench.row(0).await.status, TaskStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn creation_that_no_node_took_leaves_no_entry() {
    for fault in [Fault::Refuse(403, "invalid_api_key"), Fault::Unreachable] {
        let bench = Bench::running(Layout::group(&TRIO, 3));
        for node in TRIO {
            bench.nodes.once(node, "write", fault.clone());
        }
        bench.index.index_create(uid("films"), None).await.unwrap_err();
        assert_eq!(bench.entry("films").await, None);
        for node in TRIO {
            bench.nodes.once(node, "write", fault.clone());
        }
        bench.write("films", films(0, 10)).await.unwrap_err();
        assert_eq!(bench.entry("films").await, None);
        tokio::time::sleep(Duration::from_secs(20)).await;
        bench.written("films", films(0, 10)).await;
        let physical = bench.physical("films").await;
        assert!(TRIO.iter().all(|node| bench.nodes.ids(node, &physical).len() == 10));
    }
}

#[tokio::test(start_paused = true)]
async fn deletion_that_no_node_took_leaves_the_index() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 10)).await;
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::Refuse(403, "invalid_api_key"));
    }
    let refusal = bench.index.index_delete(uid("films")).await.unwrap_err();
    assert!(matches!(refusal, ApiError::Node { status: 403, .. }), "{refusal:?}");
    assert!(bench.entry("films").await.is_some());
    bench.written("films", films(10, 20)).await;
    assert!(TRIO.iter().all(|node| bench.nodes.ids(node, "films").len() == 20));
}

/// A write right after a change that creates an index must not rely on the index before it exists.
#[tokio::test(start_paused = true)]
async fn write_behind_a_refused_change_of_a_new_index_makes_the_index_itself() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.nodes.delay(|_, _| Duration::from_millis(20));
    for node in TRIO {
        bench.nodes.once(node, "write", Fault::Refuse(400, "invalid_settings_stop_words"));
    }
    let refused = bench.settings.settings_change(uid("films"), stop_words(&["the"]));
    let written = bench.write("films", films(0, 10));
    let (refused, written) = join(refused, written).await;
    refused.unwrap_err();
    bench.succeeded(written.unwrap().summary.task_uid).await;
    let physical = bench.physical("films").await;
    for node in TRIO {
        let index = bench.nodes.index(node, &physical).unwrap();
        assert_eq!(index.all_settings()["filterableAttributes"], json!([SHARD_FIELD]), "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_changes_raise_the_version_one_by_one_and_end_alike_everywhere() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 10)).await;
    bench.nodes.delay(|_, number| Duration::from_millis((number as u64 * 31) % 47));
    let changes = (0..20).map(|number| {
        bench.settings.settings_change(uid("films"), stop_words(&[["a", "b", "c"][number % 3], "x"]))
    });
    let mut versions = Vec::new();
    for accepted in join_all(changes).await {
        let task = bench.succeeded(accepted.unwrap().summary.task_uid).await;
        let of_nodes: Vec<u64> =
            task.node_tasks.values().map(|part| part.settings_version.unwrap()).collect();
        assert!(of_nodes.iter().all(|version| *version == of_nodes[0]));
        versions.push(of_nodes[0]);
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..22).collect::<Vec<u64>>());
    assert_eq!(bench.entry("films").await.unwrap().settings_version, 21);
    bench.nodes.delay(|_, _| Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(2)).await;
    for node in TRIO {
        let row = bench.rows.node_settings_get(&uid("films"), &node.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(row.version, 21, "node {node}");
        let settings = |node| bench.nodes.index(node, "films").unwrap().all_settings();
        assert_eq!(settings(node), settings("a"), "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn races_of_creation_deletion_and_writes_leave_registry_and_nodes_agreed() {
    for seed in 0_u64..30 {
        let bench = Bench::running(Layout::group(&TRIO, 3));
        bench.nodes.delay(move |_, number| Duration::from_millis((number as u64 * 29 + seed * 11) % 53));
        let mut races = Vec::new();
        for step in 0..24_u64 {
            let (document, index, settings) =
                (bench.document.clone(), bench.index.clone(), bench.settings.clone());
            races.push(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis((step * 17 + seed * 5) % 71)).await;
                let films_uid = uid("films");
                let outcome = match (step + seed) % 4 {
                    0 => index.index_create(films_uid, None).await,
                    1 => index.index_delete(films_uid).await,
                    2 => settings.settings_change(films_uid, stop_words(&["the"])).await,
                    _ => {
                        let write = crate::support::additions("films", &films(0, 10));
                        miroir_ports::inbound::DocumentApi::documents_write(document.as_ref(), write).await
                    }
                };
                outcome.unwrap();
            }));
        }
        for race in races {
            race.await.unwrap();
        }
        for task in 0..24 {
            bench.finished(TaskUid(task)).await;
        }
        let known = bench.entry("films").await;
        for node in TRIO {
            let physical = known.as_ref().map(|entry| entry.physical_uid.clone());
            assert_eq!(
                bench.nodes.indexes(node),
                Vec::from_iter(physical.clone()),
                "seed {seed}, node {node}"
            );
            if let Some(found) = physical.and_then(|physical| bench.nodes.index(node, physical.as_str())) {
                let key = known.as_ref().unwrap().primary_key.as_ref().map(|key| key.as_str().to_owned());
                assert_eq!(found.primary_key, key, "seed {seed}, node {node}");
                assert_eq!(found.all_settings()["filterableAttributes"], json!([SHARD_FIELD]), "seed {seed}");
            }
        }
        let query = TaskQuery { limit: 1_000, ..TaskQuery::default() };
        let failed: Vec<_> = bench.task.task_list(query).await.unwrap().results;
        for task in failed.iter().filter(|task| task.status == TaskStatus::Failed) {
            let code = task.error.as_ref().unwrap().code.as_str();
            assert!(["index_already_exists", "index_not_found"].contains(&code), "seed {seed}: {task:?}");
        }
    }
}
