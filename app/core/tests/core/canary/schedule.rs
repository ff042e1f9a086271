//! The schedule of canaries: once per interval, within the limit of concurrency, and after failures.

use super::*;

#[tokio::test(start_paused = true)]
async fn canary_runs_once_per_interval_while_it_is_enabled() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let start = bench.cluster.clock.now();
    let fixture = Fixture::over(&bench, search, CanaryOptions::default());
    let fast = fixture.create(search_taking(1, json!({ "intervalSeconds": 1 }))).await;
    let slow = fixture.create(search_taking(1, json!({ "intervalSeconds": 7 }))).await;
    let off = fixture.create(search_taking(1, json!({ "intervalSeconds": 1, "enabled": false }))).await;
    sleep(Duration::from_millis(29_500)).await;
    let runs = fixture.runs(&fast).await;
    assert!((28..=30).contains(&runs.len()), "{}", runs.len());
    assert!(runs.windows(2).all(|pair| pair[1].ran_at.since(pair[0].ran_at) >= Duration::from_secs(1)));
    assert_eq!(fixture.runs(&slow).await.len(), 5, "{:?}", seconds(&fixture.runs(&slow).await, start));
    assert!(fixture.runs(&off).await.is_empty());

    let on = definition(search_taking(1, json!({ "intervalSeconds": 1 })));
    fixture.service.canary_replace(off.clone(), on, CanaryPrecondition::Version(1)).await.unwrap();
    sleep(Duration::from_millis(2_700)).await;
    assert!((2..=3).contains(&fixture.runs(&off).await.len()));
    fixture.service.canary_delete(fast.clone()).await.unwrap();
    let before = fixture.service.canary_status().await.unwrap().totals.runs;
    fixture.service.canary_delete(off).await.unwrap();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(
        fixture.service.canary_status().await.unwrap().totals.runs,
        before + 1,
        "only the slow canary runs"
    );
}

#[tokio::test(start_paused = true)]
async fn next_run_is_skipped_while_a_run_takes_longer_than_the_interval() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let fixture = Fixture::over(&bench, Arc::clone(&search) as _, CanaryOptions::default());
    let start = bench.cluster.clock.now();
    let id = fixture.create(search_taking(2_500, json!({ "intervalSeconds": 1 }))).await;
    sleep(Duration::from_millis(12_400)).await;
    let runs = fixture.runs(&id).await;
    let began = seconds(&runs, start);
    assert_eq!(runs.len(), 4, "{began:?}");
    assert!(began.windows(2).all(|pair| pair[1] - pair[0] == 3), "{began:?}");
    assert_eq!(search.max_running.load(Ordering::SeqCst), 1, "runs do not overlap");
    assert!(runs.iter().all(|run| run.latency_ms == 2_500));
}

#[tokio::test(start_paused = true)]
async fn run_times_out_if_its_search_does_not_end_and_the_next_one_begins() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let options = CanaryOptions { timeout: Duration::from_secs(3), ..CanaryOptions::default() };
    let fixture = Fixture::over(&bench, Arc::clone(&search) as _, options);
    let in_time = fixture.create(search_taking(2_999, json!({}))).await;
    let late = fixture.create(search_taking(3_600_000, json!({}))).await;
    sleep(Duration::from_secs(65)).await;
    assert_eq!(fixture.statuses(&in_time).await, [CanaryStatus::Pass; 2]);
    let runs = fixture.runs(&late).await;
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].status, runs[0].latency_ms), (CanaryStatus::Error, 3_000));
    let error = &runs[0].failed_assertions[0]["error"];
    assert_eq!(error["code"], "miroir_timeout");
    assert_eq!(error["message"], "The search took longer than 3000 ms.");
}

#[tokio::test(start_paused = true)]
async fn runs_keep_to_the_limit_of_concurrency_and_every_canary_runs() {
    let bench = empty();
    for concurrency in [1, 3] {
        let search = Arc::new(SlowSearch::default());
        let options = CanaryOptions { concurrency, ..CanaryOptions::default() };
        let fixture = Fixture::over(&bench, Arc::clone(&search) as _, options);
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(fixture.create(search_taking(900, json!({}))).await);
        }
        // A run on request needs a permit, too.
        let requested = tokio::spawn({
            let (service, id) = (Arc::clone(&fixture.service), ids[19].clone());
            async move { service.canary_run(id).await.unwrap() }
        });
        sleep(Duration::from_secs(50)).await;
        requested.await.unwrap();
        assert_eq!(search.max_running.load(Ordering::SeqCst), concurrency);
        for id in &ids {
            let runs = fixture.runs(id).await.len();
            assert!(runs == 1 || (runs == 2 && *id == ids[19]), "{runs}");
        }
        for id in ids {
            fixture.service.canary_delete(id).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn canary_does_not_run_twice_in_an_interval_after_a_restart() {
    let bench = bench().await;
    let first = Fixture::of(&bench);
    let id = first.create(json!({})).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(first.runs(&id).await.len(), 1);
    drop(first);
    for _ in 0..4 {
        let next = Fixture::of(&bench);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(next.runs(&id).await.len(), 1);
        drop(next);
    }
    let next = Fixture::of(&bench);
    sleep(Duration::from_secs(16)).await;
    assert_eq!(next.runs(&id).await.len(), 2);
    drop(next);
    // A long standstill is followed by one run.
    sleep(Duration::from_mins(30)).await;
    let next = Fixture::of(&bench);
    assert!(next.summary(&id).await.overdue);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(next.runs(&id).await.len(), 3);
    assert!(!next.summary(&id).await.overdue);
}

#[tokio::test(start_paused = true)]
async fn runner_aborts_its_runs_and_ends_when_it_is_stopped() {
    let bench = empty();
    let search = Arc::new(SlowSearch::default());
    let mut fixture = Fixture::over(&bench, Arc::clone(&search) as _, CanaryOptions::default());
    fixture.create(search_taking(9_000, json!({}))).await;
    sleep(Duration::from_secs(2)).await;
    let before = Instant::now();
    fixture.stop.cancel();
    while let Some(ended) = fixture.workers.join_next().await {
        ended.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn runner_pauses_while_the_store_fails() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let id = fixture.create(json!({ "intervalSeconds": 10 })).await;
    sleep(Duration::from_secs(5)).await;
    bench.faults.script.fail("canary_list", 30);
    sleep(Duration::from_secs(40)).await;
    let during = fixture.runs(&id).await.len();
    assert!(during <= 2, "{during}");
    sleep(Duration::from_secs(43)).await;
    assert!(fixture.runs(&id).await.len() >= during + 3);

    // A run that cannot be recorded is lost. The next one begins when it is due.
    let before = fixture.runs(&id).await.len() as u64;
    let ran = fixture.service.canary_status().await.unwrap().totals.runs;
    bench.faults.script.fail("canary_run_append", 1);
    sleep(Duration::from_secs(30)).await;
    let totals = fixture.service.canary_status().await.unwrap().totals.runs;
    let after = fixture.runs(&id).await.len() as u64;
    assert_eq!((totals - ran, after - before), (3, 2));
}

/// The ownership of canaries whose id begins with a prefix.
struct Owns(&'static str, Arc<dyn TaskStore>);

impl Ownership for Owns {
    fn owned(&self, canary_id: &str) -> Option<Arc<dyn TaskStore>> {
        canary_id.starts_with(self.0).then(|| Arc::clone(&self.1))
    }
}

#[tokio::test(start_paused = true)]
async fn runner_runs_only_canaries_that_its_instance_owns() {
    let bench = bench().await;
    let executor = Executor::new(
        Arc::clone(&bench.cluster.store),
        Arc::clone(&bench.aliases),
        Arc::clone(&bench.search) as _,
        Arc::clone(&bench.cluster.clock),
        Arc::clone(&bench.cluster.changes),
        Arc::new(()),
        CanaryOptions::default(),
    );
    let stop = CancellationToken::new();
    let owns = Owns("mine", Arc::clone(&bench.cluster.store));
    let running = tokio::spawn(run_loop(Arc::new(executor), Arc::new(owns), stop.clone()));
    let store = &bench.cluster.store;
    for id in ["mine-1", "other-1"] {
        let id: CanaryId = id.parse().unwrap();
        store.canary_create(&definition(json!({})).to_row(&id, bench.cluster.clock.now(), 1)).await.unwrap();
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(store.canary_run_list("mine-1", 9).await.unwrap().len(), 1);
    assert!(store.canary_run_list("other-1", 9).await.unwrap().is_empty());
    stop.cancel();
    running.await.unwrap();
}
