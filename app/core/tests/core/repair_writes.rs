//! Writes go on while a replica is repaired, and the copies are equal in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use miroir_core::cluster::RepairOptions;
use miroir_domain::document::SHARD_FIELD;
use miroir_domain::replica::Difference;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::{ShardSet, TaskUid};
use miroir_ports::inbound::{DocumentApi, DocumentSelection, IndexApi, SettingsApi};
use miroir_ports::outbound::{Observer, Occurrence};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// More calls to nodes than a repair makes.
const STEPS: usize = 60;
/// Fewer calls to nodes than a repair makes.
const FEWEST: usize = 15;

/// Remembers the holds of repairs.
#[derive(Default)]
struct Holds(Mutex<Vec<Duration>>);

impl Observer for Holds {
    fn observe(&self, occurrence: Occurrence<'_>) {
        if let Occurrence::RepairHeld { duration } = occurrence {
            self.0.lock().push(duration);
        }
    }
}

fn filterable() -> SettingsChange {
    let action = SettingsAction::Update(json!(["genre"]));
    SettingsChange { setting: Some(Setting::FilterableAttributes), action }
}

/// An index of 40 films, three copies of each; `b` missed a replacement, an addition and a deletion.
async fn with_stale_b(layout: Layout) -> Arc<Bench> {
    let bench = Bench::running(layout);
    bench.written("films", films(0, 40)).await;
    let accepted = bench.settings.settings_change(uid("films"), filterable()).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.fell("b").await;
    let changed: Value = (10..20).map(|id| json!({"id": id, "title": "changed", "genre": "g9"})).collect();
    bench.written("films", changed).await;
    bench.written("films", films(40, 50)).await;
    let gone = DocumentSelection::Ids((0..5).map(|id| json!(id)).collect());
    let accepted = bench.document.documents_delete(uid("films"), gone, None).await.unwrap();
    bench.succeeded(accepted.summary.task_uid).await;
    bench.nodes.delay(|_, number| Duration::from_millis(1 + (number as u64 * 7) % 5));
    Arc::new(bench)
}

fn trio() -> Layout {
    Layout { shard_count: 2, ..Layout::group(&TRIO, 3) }
}

fn equal_everywhere(bench: &Bench, context: &str) {
    let reference = bench.nodes.index("a", "films");
    for node in TRIO {
        let found = bench.nodes.index(node, "films");
        let of = |index: &Option<crate::support::Index>| {
            index.as_ref().map(|index| (index.documents.clone(), index.all_settings()))
        };
        assert_eq!(of(&found), of(&reference), "node {node}, {context}");
    }
}

/// One thing that a client does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Replace,
    Update,
    DeleteIds,
    DeleteByFilter,
    DeleteAll,
    Settings,
    DeleteIndex,
}

const DEEDS: [Deed; 7] = [
    Deed::Replace,
    Deed::Update,
    Deed::DeleteIds,
    Deed::DeleteByFilter,
    Deed::DeleteAll,
    Deed::Settings,
    Deed::DeleteIndex,
];

async fn do_deed(bench: &Bench, deed: Deed) -> TaskUid {
    let delete = |selection| bench.document.documents_delete(uid("films"), selection, None);
    // Some of each kind: documents that `b` has, has otherwise, and does not have.
    let ids = [1, 7, 12, 15, 30, 42, 45];
    let documents = |title: &str| -> Value {
        ids.iter().map(|id| json!({"id": id, "title": title, "genre": "g1"})).collect()
    };
    let accepted = match deed {
        Deed::Replace => bench.write("films", documents("replaced")).await,
        Deed::Update => bench.update("films", documents("updated")).await,
        Deed::DeleteIds => delete(DocumentSelection::Ids(ids.iter().map(|id| json!(id)).collect())).await,
        Deed::DeleteByFilter => delete(DocumentSelection::Filter(json!("genre = g1"))).await,
        Deed::DeleteAll => delete(DocumentSelection::All).await,
        Deed::Settings => {
            let action = SettingsAction::Update(json!(["the"]));
            let change = SettingsChange { setting: Some(Setting::StopWords), action };
            bench.settings.settings_change(uid("films"), change).await
        }
        Deed::DeleteIndex => bench.index.index_delete(uid("films")).await,
    };
    accepted.unwrap().summary.task_uid
}

/// Revives `b`, and calls `act` in the call to a node with the number `step` from then on. Returns whether
/// there was one before `b` was repaired.
async fn revive_and_act<F>(
    bench: &Arc<Bench>,
    step: usize,
    act: impl Fn(Arc<Bench>) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let (count, act, weak) = (Arc::new(AtomicUsize::new(0)), Arc::new(act), Arc::downgrade(bench));
    bench.nodes.observe(move |call| {
        let is_repair = !call.what.starts_with("probe") && call.node.as_str() != "c";
        let number = if is_repair { count.fetch_add(1, Ordering::Relaxed) } else { usize::MAX };
        let (act, weak) = (Arc::clone(&act), weak.clone());
        async move {
            if number == step
                && let Some(bench) = weak.upgrade()
            {
                tokio::spawn(act(bench));
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    });
    bench.revive("b").await;
}

#[tokio::test(start_paused = true)]
async fn write_at_any_step_of_a_repair_is_not_undone() {
    for deed in DEEDS {
        for step in 0..STEPS {
            let bench = with_stale_b(trio()).await;
            let done = Arc::new(Mutex::new(None));
            let noted = Arc::clone(&done);
            revive_and_act(&bench, step, move |bench| {
                let noted = Arc::clone(&noted);
                async move {
                    let task = do_deed(&bench, deed).await;
                    *noted.lock() = Some(task);
                }
            })
            .await;
            bench.repaired("films", "b").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let Some(task) = done.lock().take() else {
                assert!(step > FEWEST, "{deed:?}: {step}");
                break;
            };
            bench.succeeded(task).await;
            bench.repaired("films", "b").await;
            equal_everywhere(&bench, &format!("{deed:?} at step {step}"));
            assert_eq!(
                bench.nodes.index("b", "films").is_none(),
                matches!(deed, Deed::DeleteIndex),
                "step {step}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn leader_that_dies_at_any_step_leaves_a_replica_that_the_next_one_repairs() {
    for step in 0..STEPS {
        let bench = with_stale_b(trio()).await;
        let is_over = Arc::new(AtomicUsize::new(0));
        let noted = Arc::clone(&is_over);
        revive_and_act(&bench, step, move |bench| {
            let noted = Arc::clone(&noted);
            async move {
                bench.kill();
                noted.store(1, Ordering::Relaxed);
            }
        })
        .await;
        let is_dead = || is_over.load(Ordering::Relaxed) == 1;
        bench.until("the leader dies or is done", || is_dead() || !bench.is_stale("films", "b")).await;
        if !is_dead() {
            assert!(step > FEWEST, "{step}");
            break;
        }
        bench.nodes.observe(|_| async {});
        let bench = Arc::try_unwrap(bench).unwrap_or_else(|_| panic!("the deed has ended")).restarted();
        bench.written("films", films(60, 62)).await;
        bench.repaired("films", "b").await;
        equal_everywhere(&bench, &format!("step {step}"));
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_fails_at_any_step_leaves_a_replica_that_is_repaired_later() {
    let faults = [Fault::LoseAnswer, Fault::LoseRequest, Fault::Unreachable, Fault::DoAndHang];
    for node in ["a", "b"] {
        for fault in &faults {
            for step in (0..2 * FEWEST).step_by(3) {
                let bench = with_stale_b(trio()).await;
                let fault_there = fault.clone();
                revive_and_act(&bench, step, move |bench| {
                    bench.nodes.once(node, "", fault_there.clone());
                    async {}
                })
                .await;
                bench.repaired("films", "b").await;
                bench.written("films", films(60, 62)).await;
                for node in TRIO {
                    bench.repaired("films", node).await;
                }
                equal_everywhere(&bench, &format!("{fault:?} of {node} at step {step}"));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_is_emptied_again_while_it_is_filled_is_filled_once_more() {
    for step in 0..FEWEST {
        let bench = with_stale_b(trio()).await;
        revive_and_act(&bench, step, move |bench| async move {
            let films = uid("films");
            bench.nodes.server("b", |server| server.indexes.get_mut(&films).unwrap().documents.clear());
            let all = Difference::of_shards(ShardSet::all(2));
            bench.cluster.replicas.differs(&films, &"b".parse().unwrap(), all, "emptied").await.unwrap();
        })
        .await;
        bench.until("it is filled", || bench.nodes.ids("b", "films").len() == 45).await;
        bench.repaired("films", "b").await;
        equal_everywhere(&bench, &format!("step {step}"));
    }
}

/// One document is updated and one is replaced without a pause, and documents are deleted by a filter again
/// and again, while nodes take 8 ms for each call.
#[tokio::test(start_paused = true)]
async fn repair_ends_under_writes_without_a_pause_and_holds_none_for_long() {
    let holds = Arc::new(Holds::default());
    let layout = Layout { observer: Some(Arc::clone(&holds) as _), ..trio() };
    let bench = with_stale_b(layout).await;
    bench.nodes.delay(|_, _| Duration::from_millis(8));
    let writers = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move {
            for round in 0_u32.. {
                let document = json!([{ "id": 12, format!("field{}", round % 3): round }]);
                bench.update("films", document).await.unwrap();
                bench.write("films", json!([{ "id": 15, "title": round }])).await.unwrap();
                if round.is_multiple_of(8) {
                    do_deed(&bench, Deed::DeleteByFilter).await;
                }
            }
        }
    });
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    writers.abort();
    let longest = holds.0.lock().iter().max().copied().unwrap();
    assert!(longest <= Duration::from_millis(100), "{longest:?}");
    let last = bench.written("films", films(70, 71)).await;
    assert!(last.node_errors.is_empty());
    bench.repaired("films", "b").await;
    equal_everywhere(&bench, "after the writes");
}

#[tokio::test(start_paused = true)]
async fn shard_of_which_one_copy_is_left_is_repaired_first() {
    let repair = RepairOptions { concurrency: 1, ..RepairOptions::default() };
    let bench = Bench::running(Layout { repair, ..trio() });
    for index in ["early", "late"] {
        bench.written(index, films(0, 20)).await;
    }
    bench.fell("b").await;
    bench.written("early", films(0, 30)).await;
    bench.fell("c").await;
    bench.write("late", films(0, 30)).await.unwrap_err();
    for node in ["b", "c"] {
        bench.revive(node).await;
    }
    let late = |node| bench.is_stale("late", node);
    bench.until("the first is repaired", || !late("b") || !late("c") || !bench.is_stale("early", "b")).await;
    assert!(bench.is_stale("early", "b"), "two copies of it are left");
    bench.repaired("early", "b").await;
}

#[tokio::test(start_paused = true)]
async fn repair_reads_no_more_documents_in_a_second_than_it_may() {
    let repair = RepairOptions { max_documents_per_second: 10, ..RepairOptions::default() };
    let bench = with_stale_b(Layout { repair, shard_count: 1, ..trio() }).await;
    let begun = tokio::time::Instant::now();
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert!(begun.elapsed() > Duration::from_secs(8), "{:?}", begun.elapsed());
    equal_everywhere(&bench, "slowly");
}

/// Random writes of one client, and the documents that must be there after them.
#[derive(Default)]
struct Model(BTreeMap<String, Map<String, Value>>);

/// A number that looks random: splitmix64.
fn mixed(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

impl Model {
    /// Does a random write.
    async fn step(&mut self, bench: &Bench, random: &mut u64) -> TaskUid {
        let count = 1 + mixed(random, 4);
        let ids: Vec<u64> = (0..count).map(|_| mixed(random, 30)).collect();
        let value = mixed(random, 1_000);
        let delete = |selection| bench.document.documents_delete(uid("films"), selection, None);
        let genre = format!("g{}", value % 5);
        let document = |id: &u64| json!({ "id": id, "genre": genre, format!("f{}", value % 3): value });
        let accepted = match mixed(random, 20) {
            0..8 => {
                for id in &ids {
                    self.0.insert(id.to_string(), document(id).as_object().unwrap().clone());
                }
                bench.write("films", ids.iter().map(document).collect()).await
            }
            8..15 => {
                for id in &ids {
                    let known = self.0.entry(id.to_string()).or_default();
                    known.extend(document(id).as_object().unwrap().clone());
                }
                bench.update("films", ids.iter().map(document).collect()).await
            }
            15..18 => {
                for id in &ids {
                    self.0.remove(&id.to_string());
                }
                delete(DocumentSelection::Ids(ids.iter().map(|id| json!(id)).collect())).await
            }
            18 => {
                self.0.retain(|_, document| document.get("genre") != Some(&json!(genre)));
                delete(DocumentSelection::Filter(json!(format!("genre = {genre}")))).await
            }
            _ if value.is_multiple_of(4) => {
                self.0.clear();
                delete(DocumentSelection::All).await
            }
            _ => delete(DocumentSelection::Ids(vec![json!(99)])).await,
        };
        accepted.unwrap().summary.task_uid
    }

    fn check(&self, bench: &Bench, context: &str) {
        for node in TRIO {
            let mut found = bench.nodes.index(node, "films").unwrap().documents;
            for document in found.values_mut() {
                document.shift_remove(SHARD_FIELD);
            }
            assert_eq!(found, self.0, "node {node}, {context}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn copies_equal_the_model_after_random_writes_and_outages() {
    let seeds = std::env::var("MIROIR_REPAIR_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(25);
    for seed in 0..seeds {
        let mut random = seed;
        let (mut model, mut last) = (Model::default(), None);
        let bench = Bench::running(trio());
        bench.written("films", json!([{ "id": 0 }])).await;
        model.0.insert("0".to_owned(), Map::from_iter([("id".to_owned(), json!(0))]));
        let accepted = bench.settings.settings_change(uid("films"), filterable()).await.unwrap();
        bench.succeeded(accepted.summary.task_uid).await;
        bench.nodes.delay(move |_, number| {
            Duration::from_millis(mixed(&mut (seed * 1_000_003 + number as u64), 1 + seed % 20))
        });
        let mut is_away = false;
        for _ in 0..150 {
            match (is_away, mixed(&mut random, 12)) {
                (false, 0) => {
                    bench.fell("b").await;
                    is_away = true;
                }
                (true, 0..3) => {
                    bench.revive("b").await;
                    is_away = false;
                }
                (_, 3) => tokio::time::sleep(Duration::from_millis(mixed(&mut random, 400))).await,
                _ => {}
            }
            last = Some(model.step(&bench, &mut random).await);
        }
        bench.revive("b").await;
        bench.finished(last.unwrap()).await;
        bench.repaired("films", "b").await;
        model.check(&bench, &format!("seed {seed}"));
    }
}
