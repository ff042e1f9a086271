//! When canaries run: once per interval, not too many at once, and on after whatever failed.

use super::*;

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
    aviary.stop.cancel();
    while let Some(ended) = aviary.workers.join_next().await {
        ended.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
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

/// Owns what its name says.
struct Owns(&'static str, Arc<dyn TaskStore>);

impl Ownership for Owns {
    fn owned(&self, canary_id: &str) -> Option<Arc<dyn TaskStore>> {
        canary_id.starts_with(self.0).then(|| Arc::clone(&self.1))
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_runs_only_what_it_owns() {
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
