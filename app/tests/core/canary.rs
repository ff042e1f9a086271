//! Canaries: what changes is noticed with its evidence, nothing runs twice or too many at once, and nothing that fails
//! keeps the others from running.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use miroir::canary::{Canaries, CanaryOptions, Configured, Executor, Ownership, configure, run_loop};
use miroir_domain::canary::{CanaryId, CanaryRun, CanaryStatus, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;
use miroir_domain::{IndexUid, Timestamp};
use miroir_memory::MemoryStore;
use miroir_ports::inbound::{Answer, ApiError, CanaryApi, CanaryPrecondition, CanaryStanding, SearchApi};
use miroir_ports::outbound::TaskStore;
use miroir_system::UuidIds;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// Canaries with their workers, until dropped.
struct Aviary {
    service: Arc<dyn CanaryApi>,
    search: Arc<dyn SearchApi>,
    store: Arc<dyn TaskStore>,
    stop: watch::Sender<bool>,
    _workers: JoinSet<()>,
}

impl Aviary {
    fn over(bench: &Bench, search: Arc<dyn SearchApi>, options: CanaryOptions) -> Self {
        let (store, clock) = (Arc::clone(&bench.cluster.store), Arc::clone(&bench.cluster.clock));
        let canaries =
            Canaries::new(Arc::clone(&store), search, clock, Arc::new(UuidIds::default()), options);
        let stop = watch::Sender::new(false);
        let (service, search) = (canaries.api(), canaries.search());
        let mut workers = JoinSet::new();
        canaries.start_workers(true, &mut workers, &stop.subscribe());
        Self { service, search, store, stop, _workers: workers }
    }

    /// Over the bench's own search.
    fn of(bench: &Bench) -> Self {
        Self::over(bench, Arc::clone(&bench.search) as _, CanaryOptions::default())
    }

    async fn create(&self, change: Value) -> CanaryId {
        let created = self.service.canary_create(definition(change)).await.unwrap();
        created.id.parse().unwrap()
    }

    /// The runs of a canary, oldest first.
    async fn runs(&self, id: &CanaryId) -> Vec<CanaryRun> {
        let mut runs = self.store.canary_run_list(id.as_str(), 1_000).await.unwrap();
        runs.reverse();
        runs
    }

    async fn statuses(&self, id: &CanaryId) -> Vec<CanaryStatus> {
        self.runs(id).await.iter().map(|run| run.status).collect()
    }

    async fn standing(&self, id: &CanaryId) -> CanaryStanding {
        let status = self.service.canary_status().await.unwrap();
        status.results.into_iter().find(|standing| standing.id == id.as_str()).unwrap()
    }
}

/// A definition of every minute, with the fields of `change`.
fn definition(change: Value) -> Definition {
    let mut definition = json!({
        "name": "films are found", "index": "films", "intervalSeconds": 60, "query": { "q": "film" },
    });
    let Value::Object(change) = change else { panic!("{change} is no object") };
    for (name, value) in change {
        definition[name] = value;
    }
    Definition::parse(&definition).unwrap()
}

async fn bench() -> Bench {
    let bench = Bench::idle(Layout::group(&TRIO, 2));
    bench.start_poller();
    bench.written("films", films(0, 60)).await;
    bench
}

/// An empty bench: for searches that are none.
fn empty() -> Bench {
    Bench::idle(Layout::group(&TRIO, 2))
}

/// A search that takes as long as its `limit` says, in milliseconds, and counts how many go on at once.
#[derive(Default)]
struct SlowSearch {
    begun: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl SearchApi for SlowSearch {
    async fn search(&self, _: IndexUid, request: SearchRequest) -> Result<Answer, ApiError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        sleep(Duration::from_millis(request.body()["limit"].as_u64().unwrap())).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Answer { body: json!({ "hits": [], "estimatedTotalHits": 0 }), degraded: None })
    }
}

fn taking(millis: u64, change: Value) -> Value {
    let Value::Object(mut change) = change else { panic!("{change} is no object") };
    change.insert("query".to_owned(), json!({ "limit": millis }));
    Value::Object(change)
}

/// How many seconds after `start` each run began.
fn seconds(runs: &[CanaryRun], start: Timestamp) -> Vec<u64> {
    runs.iter().map(|run| run.ran_at.since(start).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_of_ranking_is_noticed_within_an_interval_with_its_evidence() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let top =
        bench.search.search(uid("films"), SearchRequest::from_json(json!({ "q": "film" })).unwrap()).await;
    let top = top.unwrap().body["hits"][0]["id"].clone();
    // The query does not show the id, and it is found all the same.
    let id = aviary
        .create(json!({
            "query": { "q": "film", "attributesToRetrieve": ["title"] },
            "assertions": [{ "type": "top_hit_id", "id": top }, { "type": "min_hits", "value": 60 }],
        }))
        .await;
    sleep(Duration::from_secs(90)).await;
    assert_eq!(aviary.statuses(&id).await, [CanaryStatus::Pass; 2]);

    // The film's title loses the word, and with it its place.
    bench.written("films", json!([{ "id": top, "title": "nothing", "genre": "g" }])).await;
    sleep(Duration::from_secs(60)).await;
    let runs = aviary.runs(&id).await;
    assert_eq!(runs.len(), 3);
    let evidence = &runs[2].failed_assertions;
    assert_eq!(runs[2].status, CanaryStatus::Fail);
    assert_eq!(evidence[0]["failingIds"], json!([top.to_string()]));
    assert_eq!(evidence[0]["observed"], evidence[0]["topIds"][0]);
    assert_ne!(evidence[0]["observed"], json!(top.to_string()));
    assert_eq!(evidence[0]["topIds"].as_array().unwrap().len(), 20);
    assert_eq!(evidence[1]["observed"], 59);

    let standing = aviary.standing(&id).await;
    assert_eq!((standing.last_status, standing.consecutive_failures), (Some(CanaryStatus::Fail), 1));
    assert_eq!((standing.counts.pass, standing.counts.fail, standing.counts.error), (2, 1, 0));
    let totals = aviary.service.canary_status().await.unwrap().totals;
    assert_eq!((totals.runs, totals.failures, totals.errors), (3, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_missing_index_is_an_error_with_the_words_of_the_search() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id = aviary
        .create(json!({ "index": "nowhere", "assertions": [{ "type": "max_hits", "value": 0 }] }))
        .await;
    sleep(Duration::from_secs(61)).await;
    let runs = aviary.runs(&id).await;
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(run.status, CanaryStatus::Error);
        let error = &run.failed_assertions[0]["error"];
        assert_eq!(
            (&error["code"], &error["message"]),
            (&json!("index_not_found"), &json!("Index `nowhere` not found."))
        );
    }
    assert_eq!(aviary.service.canary_status().await.unwrap().totals.errors, 2);
    assert_eq!(aviary.standing(&id).await.consecutive_failures, 2);
}

#[tokio::test(start_paused = true)]
async fn settings_and_shards_that_are_missing_are_seen() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let asserted =
        json!([{ "type": "settings_version_at_least", "value": 2 }, { "type": "min_hits", "value": 60 }]);
    let id = aviary.create(json!({ "enabled": false, "assertions": asserted })).await;
    let run = aviary.service.canary_run(id.clone()).await.unwrap();
    assert_eq!(run.failed_assertions.as_array().unwrap().len(), 1);
    assert_eq!(run.failed_assertions[0]["observed"], 1);
    for node in ["a", "b"] {
        bench.nodes.always(node, "read search", Fault::Unreachable);
    }
    let run = aviary.service.canary_run(id).await.unwrap();
    assert_eq!(run.failed_assertions[1]["assertion"]["type"], "min_hits");
    assert!(run.failed_assertions[1]["degraded"].as_str().is_some_and(|text| !text.is_empty()), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn each_runs_once_per_interval_and_only_while_enabled() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let start = bench.cluster.clock.now();
    let aviary = Aviary::over(&bench, search, CanaryOptions::default());
    let fast = aviary.create(taking(1, json!({ "intervalSeconds": 1 }))).await;
    let slow = aviary.create(taking(1, json!({ "intervalSeconds": 7 }))).await;
    let off = aviary.create(taking(1, json!({ "intervalSeconds": 1, "enabled": false }))).await;
    sleep(Duration::from_millis(29_500)).await;
    let runs = aviary.runs(&fast).await;
    assert!((28..=30).contains(&runs.len()), "{}", runs.len());
    assert!(runs.windows(2).all(|pair| pair[1].ran_at.since(pair[0].ran_at) >= Duration::from_secs(1)));
    assert_eq!(aviary.runs(&slow).await.len(), 5, "{:?}", seconds(&aviary.runs(&slow).await, start));
    assert!(aviary.runs(&off).await.is_empty());

    let on = definition(taking(1, json!({ "intervalSeconds": 1 })));
    aviary.service.canary_replace(off.clone(), on, CanaryPrecondition::Version(1)).await.unwrap();
    sleep(Duration::from_millis(2_700)).await;
    assert!((2..=3).contains(&aviary.runs(&off).await.len()));
    aviary.service.canary_delete(fast.clone()).await.unwrap();
    let before = aviary.service.canary_status().await.unwrap().totals.runs;
    aviary.service.canary_delete(off).await.unwrap();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(aviary.service.canary_status().await.unwrap().totals.runs, before + 1, "the slow one's only");
}

#[tokio::test(start_paused = true)]
async fn a_run_slower_than_its_interval_makes_the_next_be_skipped() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let aviary = Aviary::over(&bench, Arc::clone(&search) as _, CanaryOptions::default());
    let start = bench.cluster.clock.now();
    let id = aviary.create(taking(2_500, json!({ "intervalSeconds": 1 }))).await;
    sleep(Duration::from_millis(12_400)).await;
    let runs = aviary.runs(&id).await;
    let began = seconds(&runs, start);
    assert_eq!(runs.len(), 4, "{began:?}");
    assert!(began.windows(2).all(|pair| pair[1] - pair[0] == 3), "{began:?}");
    assert_eq!(search.most.load(Ordering::SeqCst), 1, "never twice at once");
    assert!(runs.iter().all(|run| run.latency_ms == 2_500));
}

#[tokio::test(start_paused = true)]
async fn a_search_that_does_not_end_is_given_up_and_the_next_run_comes() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let options = CanaryOptions { timeout: Duration::from_secs(3), ..CanaryOptions::default() };
    let aviary = Aviary::over(&bench, Arc::clone(&search) as _, options);
    let in_time = aviary.create(taking(2_999, json!({}))).await;
    let late = aviary.create(taking(3_600_000, json!({}))).await;
    sleep(Duration::from_secs(65)).await;
    assert_eq!(aviary.statuses(&in_time).await, [CanaryStatus::Pass; 2]);
    let runs = aviary.runs(&late).await;
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].status, runs[0].latency_ms), (CanaryStatus::Error, 3_000));
    let error = &runs[0].failed_assertions[0]["error"];
    assert_eq!(error["code"], "miroir_timeout");
    assert_eq!(error["message"], "The search was not answered within 3000 ms.");
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_may_and_all_have_their_turn() {
    let bench = empty();
    for concurrency in [1, 3] {
        let search = Arc::new(SlowSearch::default());
        let options = CanaryOptions { concurrency, ..CanaryOptions::default() };
        let aviary = Aviary::over(&bench, Arc::clone(&search) as _, options);
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(aviary.create(taking(900, json!({}))).await);
        }
        // Asking for a run takes a place like any other.
        let asked = tokio::spawn({
            let (service, id) = (Arc::clone(&aviary.service), ids[19].clone());
            async move { service.canary_run(id).await.unwrap() }
        });
        sleep(Duration::from_secs(50)).await;
        asked.await.unwrap();
        assert_eq!(search.most.load(Ordering::SeqCst), concurrency);
        for id in &ids {
            let runs = aviary.runs(id).await.len();
            assert!(runs == 1 || (runs == 2 && *id == ids[19]), "{runs}");
        }
        for id in ids {
            aviary.service.canary_delete(id).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_run_twice_in_an_interval() {
    let bench = bench().await;
    let first = Aviary::of(&bench);
    let id = first.create(json!({})).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(first.runs(&id).await.len(), 1);
    drop(first);
    for _ in 0..4 {
        let next = Aviary::of(&bench);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(next.runs(&id).await.len(), 1);
        drop(next);
    }
    let next = Aviary::of(&bench);
    sleep(Duration::from_secs(16)).await;
    assert_eq!(next.runs(&id).await.len(), 2);
    drop(next);
    // What a long standstill missed is one run, not many.
    sleep(Duration::from_mins(30)).await;
    let next = Aviary::of(&bench);
    assert!(next.standing(&id).await.overdue);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(next.runs(&id).await.len(), 3);
    assert!(!next.standing(&id).await.overdue);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_runner_gives_up_what_it_runs_and_ends() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let mut aviary = Aviary::over(&bench, Arc::clone(&search) as _, CanaryOptions::default());
    aviary.create(taking(9_000, json!({}))).await;
    sleep(Duration::from_secs(2)).await;
    let before = Instant::now();
    aviary.stop.send_replace(true);
    while let Some(ended) = aviary._workers.join_next().await {
        ended.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn run_now_runs_once_records_it_and_counts_as_the_run_of_the_interval() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let draft = aviary.create(json!({ "enabled": false })).await;
    let run = aviary.service.canary_run(draft.clone()).await.unwrap();
    assert_eq!(run.status, CanaryStatus::Pass);
    let listed = aviary.service.canary_runs(draft.clone(), 10).await.unwrap();
    assert_eq!(listed.results, [run]);

    let id = aviary.create(json!({})).await;
    sleep(Duration::from_secs(40)).await;
    aviary.service.canary_run(id.clone()).await.unwrap();
    sleep(Duration::from_secs(50)).await;
    assert_eq!(aviary.runs(&id).await.len(), 2, "the next is due a minute after the one that was asked for");
    sleep(Duration::from_secs(15)).await;
    assert_eq!(aviary.runs(&id).await.len(), 3);
    let newest_first = aviary.service.canary_runs(id, 2).await.unwrap().results;
    assert!(newest_first.len() == 2 && newest_first[0].ran_at > newest_first[1].ran_at);

    let nobody: CanaryId = "nobody".parse().unwrap();
    for refused in [
        aviary.service.canary_run(nobody.clone()).await.map(drop),
        aviary.service.canary_runs(nobody.clone(), 1).await.map(drop),
        aviary.service.canary_get(nobody.clone()).await.map(drop),
        aviary.service.canary_delete(nobody).await,
    ] {
        assert_refused(refused, ErrorCode::MiroirCanaryNotFound);
    }
}

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, ApiError>, expected: ErrorCode) {
    match outcome {
        Err(ApiError::Refused { code, .. }) if code == expected => {}
        other => panic!("{other:?} is not {expected:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn history_is_kept_to_its_length() {
    let bench = empty();
    let options = CanaryOptions { history: 3, ..CanaryOptions::default() };
    let aviary = Aviary::over(&bench, Arc::new(SlowSearch::default()), options);
    let id = aviary.create(taking(1, json!({ "intervalSeconds": 1 }))).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(aviary.runs(&id).await.len(), 3);
    assert_eq!(aviary.standing(&id).await.counts.pass, 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_only_pauses_the_runner() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id = aviary.create(json!({ "intervalSeconds": 10 })).await;
    sleep(Duration::from_secs(5)).await;
    bench.faults.script.fail("canary_list", 30);
    sleep(Duration::from_secs(40)).await;
    let during = aviary.runs(&id).await.len();
    assert!(during <= 2, "{during}");
    sleep(Duration::from_secs(43)).await;
    assert!(aviary.runs(&id).await.len() >= during + 3);

    // A run that cannot be recorded is lost, and is not begun again before the next is due.
    let before = aviary.runs(&id).await.len() as u64;
    let ran = aviary.service.canary_status().await.unwrap().totals.runs;
    bench.faults.script.fail("canary_run_append", 1);
    sleep(Duration::from_secs(30)).await;
    let totals = aviary.service.canary_status().await.unwrap().totals.runs;
    let after = aviary.runs(&id).await.len() as u64;
    assert_eq!((totals - ran, after - before), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_no_definition_is_an_error_and_harms_nobody() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id = aviary.create(json!({})).await;
    let row = aviary.store.canary_get(id.as_str()).await.unwrap().unwrap();
    let odd = miroir_domain::canary::Canary { id: "odd".to_owned(), query: json!(5), ..row };
    aviary.store.canary_create(&odd).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(aviary.statuses(&id).await, [CanaryStatus::Pass]);
    let runs = aviary.runs(&"odd".parse().unwrap()).await;
    assert_eq!(runs[0].status, CanaryStatus::Error);
    assert_eq!(runs[0].failed_assertions[0]["error"]["code"], "miroir_invalid_canary");
}

/// Owns what its name says.
struct Owns(&'static str);

impl Ownership for Owns {
    fn owns(&self, canary_id: &str) -> bool {
        canary_id.starts_with(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_runs_only_what_it_owns() {
    let bench = bench().await;
    let executor = Executor::new(
        Arc::clone(&bench.cluster.store),
        Arc::clone(&bench.search) as _,
        Arc::clone(&bench.cluster.clock),
        CanaryOptions::default(),
    );
    let stop = watch::Sender::new(false);
    let running = tokio::spawn(run_loop(Arc::new(executor), Arc::new(Owns("mine")), stop.subscribe()));
    let store = &bench.cluster.store;
    for id in ["mine-1", "other-1"] {
        let id: CanaryId = id.parse().unwrap();
        store.canary_create(&definition(json!({})).to_row(&id, bench.cluster.clock.now(), 1)).await.unwrap();
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(store.canary_run_list("mine-1", 9).await.unwrap().len(), 1);
    assert!(store.canary_run_list("other-1", 9).await.unwrap().is_empty());
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_with_one_version_one_is_taken() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id = aviary.create(json!({ "enabled": false })).await;
    for version in 1..20 {
        let named = |name: &str| definition(json!({ "name": name, "enabled": false }));
        let put = |name: &str| {
            let precondition = CanaryPrecondition::Version(version);
            aviary.service.canary_replace(id.clone(), named(name), precondition)
        };
        let (left, right) = tokio::join!(put("left"), put("right"));
        let stored = aviary.service.canary_get(id.clone()).await.unwrap();
        let (taken, refused) = if left.is_ok() { (left, right) } else { (right, left) };
        assert_eq!(taken.unwrap().canary, stored);
        assert_eq!(stored.version, version + 1);
        assert_refused(refused, ErrorCode::MiroirCanaryVersionMismatch);
    }
    // Without a version everybody is taken, one after the other.
    let any = |name: &str| {
        let changed = definition(json!({ "name": name, "enabled": false }));
        aviary.service.canary_replace(id.clone(), changed, CanaryPrecondition::None)
    };
    let (left, right) = tokio::join!(any("left"), any("right"));
    let mut versions = [left.unwrap().canary.version, right.unwrap().canary.version];
    versions.sort_unstable();
    assert_eq!(versions, [21, 22]);
}

#[tokio::test(start_paused = true)]
async fn replacement_creates_where_nothing_is_demanded() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id: CanaryId = "new".parse().unwrap();
    let put = |precondition| aviary.service.canary_replace(id.clone(), definition(json!({})), precondition);
    for demanding in [CanaryPrecondition::Exists, CanaryPrecondition::Version(1)] {
        assert_refused(put(demanding).await, ErrorCode::MiroirCanaryVersionMismatch);
    }
    let created = put(CanaryPrecondition::None).await.unwrap();
    assert!(created.created && created.canary.version == 1);
    let replaced = put(CanaryPrecondition::Exists).await.unwrap();
    assert!(!replaced.created && replaced.canary.version == 2);
    assert_eq!(replaced.canary.created_at, created.canary.created_at);
    assert_refused(
        aviary.service.canary_create(definition(json!({ "id": "new" }))).await,
        ErrorCode::MiroirCanaryExists,
    );
}

#[tokio::test(start_paused = true)]
async fn lists_page_in_order_of_id() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    for id in ["b", "a", "c"] {
        aviary.create(json!({ "id": id, "enabled": false })).await;
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = aviary.service.canary_list(after, 2).await.unwrap();
        pages.push(page.results.into_iter().map(|canary| canary.id).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(
        aviary.service.canary_list(None, 3).await.unwrap().next,
        None,
        "a page that is just full is the last"
    );
}

#[tokio::test(start_paused = true)]
async fn capture_makes_drafts_of_different_searches_and_stops() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let search = |index: &'static str, body: Value| {
        let search = Arc::clone(&aviary.search);
        async move { search.search(uid(index), SearchRequest::from_json(body).unwrap()).await }
    };
    let drafts = || async { aviary.service.canary_list(None, 100).await.unwrap().results };
    search("films", json!({ "q": "film 0" })).await.unwrap();
    let request = CaptureRequest { index: uid("films"), count: 3, name: Some("shop".to_owned()) };
    let started = aviary.service.canary_capture(request).await.unwrap();
    assert_eq!(started.until.since(bench.cluster.clock.now()), Duration::from_hours(1));
    assert!(drafts().await.is_empty(), "what was before it is not captured");

    let first = search("films", json!({ "q": "film 1", "limit": 3 })).await.unwrap();
    search("films", json!({ "limit": 3, "q": "film 1" })).await.unwrap();
    search("films", json!({ "q": "nothing like it" })).await.unwrap();
    search("nowhere", json!({ "q": "film 1" })).await.unwrap_err();
    for number in 2..9 {
        search("films", json!({ "q": format!("film {number}") })).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    let made = drafts().await;
    assert_eq!(made.len(), 3, "{made:#?}");
    assert!(
        made.iter().all(|draft| !draft.enabled && draft.name.starts_with("shop: ") && draft.version == 1)
    );
    let of = |query: &str| made.iter().find(|draft| draft.query["q"] == query).unwrap();
    let ids: Vec<String> =
        first.body["hits"].as_array().unwrap().iter().map(|hit| hit["id"].to_string()).collect();
    assert_eq!(of("film 1").assertions, json!([{ "type": "top_k_contains", "k": 3, "ids": ids }]));
    assert_eq!(of("nothing like it").assertions, json!([]));
    assert_eq!(of("film 2").assertions[0]["type"], "top_k_contains");
    for draft in &made {
        let id: CanaryId = draft.id.parse().unwrap();
        assert_eq!(aviary.service.canary_run(id).await.unwrap().status, CanaryStatus::Pass);
    }
}

#[tokio::test(start_paused = true)]
async fn capture_does_not_count_what_is_a_draft_already_and_ends_in_time() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let search = |body: Value| {
        let search = Arc::clone(&aviary.search);
        async move { search.search(uid("films"), SearchRequest::from_json(body).unwrap()).await.unwrap() }
    };
    let count = || async { aviary.service.canary_list(None, 100).await.unwrap().results.len() };
    let capture = |count: u32| CaptureRequest { index: uid("films"), count, name: None };
    for expected in 1..=2 {
        aviary.service.canary_capture(capture(1)).await.unwrap();
        for number in 1..=3 {
            search(json!({ "q": format!("film {number}") })).await;
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(count().await, expected, "the one that is known is passed over");
    }
    // A draft that the store does not take may be captured again.
    aviary.service.canary_capture(capture(1)).await.unwrap();
    bench.faults.script.fail("canary_create", 1);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 2);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 3);

    aviary.service.canary_capture(capture(5)).await.unwrap();
    search(json!({ "q": "film 10" })).await;
    sleep(Duration::from_hours(1)).await;
    search(json!({ "q": "film 11" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 4);
}

#[tokio::test(start_paused = true)]
async fn capture_never_holds_up_a_search() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let request = CaptureRequest { index: uid("films"), count: 100, name: None };
    aviary.service.canary_capture(request).await.unwrap();
    // Nothing takes the drafts away: the workers are gone.
    let Aviary { search, _workers, .. } = aviary;
    drop(_workers);
    let before = Instant::now();
    for number in 0..300 {
        let request = SearchRequest::from_json(json!({ "q": format!("film {number}") })).unwrap();
        search.search(uid("films"), request).await.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn configured_canaries_are_stored_run_kept_from_clients_and_removed() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let now = bench.cluster.clock.now();
    let configured = |ids: &[&str], name: &str| -> Vec<Definition> {
        ids.iter().map(|id| definition(json!({ "id": id, "name": name }))).collect()
    };
    aviary.create(json!({ "id": "kept", "enabled": false })).await;
    let store = Arc::clone(&aviary.store);
    let apply = |definitions: Vec<Definition>| {
        let store = Arc::clone(&store);
        async move { configure(store.as_ref(), &definitions, now).await.unwrap() }
    };
    let done = apply(configured(&["kept", "two"], "n")).await;
    assert_eq!(done, Configured { created: 2, changed: 0, removed: 0 });
    let id: CanaryId = "config:kept".parse().unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(aviary.runs(&id).await.len(), 1);
    let seen = aviary.service.canary_get(id.clone()).await.unwrap();
    assert!(seen.configured && seen.enabled);
    assert_eq!(aviary.service.canary_run(id.clone()).await.unwrap().status, CanaryStatus::Pass);

    for precondition in [CanaryPrecondition::None, CanaryPrecondition::Version(1)] {
        let replaced = aviary.service.canary_replace(id.clone(), definition(json!({})), precondition).await;
        assert_refused(replaced, ErrorCode::MiroirCanaryConfigured);
    }
    assert_refused(aviary.service.canary_delete(id.clone()).await, ErrorCode::MiroirCanaryConfigured);

    assert_eq!(apply(configured(&["kept", "two"], "n")).await, Configured::default(), "nothing changed");
    assert_eq!(aviary.service.canary_get(id.clone()).await.unwrap().version, 1);
    let done = apply(configured(&["kept"], "other")).await;
    assert_eq!(done, Configured { created: 0, changed: 1, removed: 1 });
    let seen = aviary.service.canary_get(id.clone()).await.unwrap();
    assert_eq!((seen.version, seen.name.as_str()), (2, "other"));
    assert_eq!(aviary.runs(&id).await.len(), 2, "a change keeps the runs");
    assert_eq!(apply(Vec::new()).await, Configured { created: 0, changed: 0, removed: 1 });
    let left: Vec<String> = aviary
        .service
        .canary_list(None, 9)
        .await
        .unwrap()
        .results
        .into_iter()
        .map(|canary| canary.id)
        .collect();
    assert_eq!(left, ["kept"]);
}

#[tokio::test]
async fn configuring_an_empty_store_with_nothing_does_nothing() {
    let store = MemoryStore::new();
    let done = configure(&store, &[], Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(done, Configured::default());
}
