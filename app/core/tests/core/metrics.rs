//! Scrapes of metrics: their contents, their cost, and their behavior while the store or the cluster is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use miroir_core::canary::{CanaryOptions, Executor};
use miroir_core::change::SinkService;
use miroir_core::cluster::{ActiveCluster, Cluster, ClusterParts};
use miroir_core::gauge::GaugeService;
use miroir_core::placement::Placements;
use miroir_core::registry::LastKnown;
use miroir_domain::Timestamp;
use miroir_domain::canary::CanaryStatus;
use miroir_domain::replica::Difference;
use miroir_fault::{Fault, FaultyStore, Plan};
use miroir_memory::MemoryStore;
use miroir_ports::inbound::MetricsApi as _;
use miroir_ports::outbound::{Observer as _, Occurrence, TaskStore};
use miroir_prometheus::{Metrics, Scrape};
use tokio::time::Instant;

use crate::support::{Bench, Layout, films, rules, uid};

/// The text of a scrape, and its lines by what they begin with.
struct Scraped(String);

impl Scraped {
    async fn of(scrape: &Scrape) -> Self {
        Self(scrape.exposition().await.text)
    }

    /// Returns the value of a series, or `None` if it is absent.
    fn value(&self, series: &str) -> Option<f64> {
        let line = self.0.lines().find(|line| line.starts_with(&format!("{series} ")))?;
        Some(line[series.len() + 1..].parse().unwrap())
    }

    fn has(&self, name: &str) -> bool {
        self.0.lines().any(|line| line.starts_with(name))
    }
}

/// Counts calls, and delays them if asked to.
#[derive(Default)]
struct Counting {
    calls: AtomicUsize,
    delay: Duration,
}

#[async_trait]
impl Plan for Counting {
    async fn next(&self, _: &'static str) -> Fault {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.delay.is_zero() { Fault::None } else { Fault::Delay(self.delay) }
    }
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Timestamp::from_millis(0)).unwrap())
}

/// Makes the cluster of `bench` once more, over `store`.
fn again(bench: &Bench, store: Arc<dyn TaskStore>) -> Arc<Cluster> {
    let of = &bench.cluster;
    Arc::new(Cluster::new(ClusterParts {
        reported: Arc::default(),
        last_known: Arc::new(LastKnown::new(Duration::ZERO, Arc::default())),
        placements: Placements::new(
            Arc::clone(of.placements.topology()),
            of.placements.default_shard_count(),
        ),
        nodes: of.nodes.clone(),
        store,
        clock: Arc::clone(&of.clock),
        search_policy: of.search_policy,
        changes: Arc::clone(&of.changes),
        observer: Arc::new(()),
        repair: of.repair,
        sealer: Arc::new(miroir_system::KeySealer::new([])),
    }))
}

/// Makes the pages of `metrics` and of the gauges of the cluster in use.
fn scrape_of(metrics: &Arc<Metrics>, bench: &Bench, active: &Arc<ActiveCluster>) -> Scrape {
    let cluster = active.reader();
    let (store, clock, changes) =
        (Arc::clone(&cluster.store), Arc::clone(&cluster.clock), Arc::clone(&cluster.changes));
    let executor = Executor::new(
        Arc::clone(&store),
        Arc::clone(&bench.aliases),
        Arc::clone(&bench.search) as _,
        Arc::clone(&clock),
        Arc::clone(&changes),
        Arc::new(()),
        CanaryOptions::default(),
    );
    let sinks = Arc::new(SinkService::new(store, clock, changes));
    let gauges = GaugeService::new(Arc::clone(active), Arc::new(executor), sinks, None);
    Scrape::new(Arc::clone(metrics), Arc::new(gauges))
}

/// Makes the pages of a cluster.
fn scrape_over(bench: &Bench, cluster: &Arc<Cluster>) -> Scrape {
    scrape_of(&metrics(), bench, &Arc::new(ActiveCluster::new(Arc::clone(cluster))))
}

/// Makes the pages of the cluster of `bench`.
fn scrape(bench: &Bench) -> Scrape {
    scrape_over(bench, &bench.cluster)
}

fn trio() -> Layout {
    Layout::group(&["a", "b", "c"], 2)
}

#[tokio::test(start_paused = true)]
async fn shards_with_a_stale_replica_are_below_the_replication_factor() {
    let bench = Bench::running(trio());
    bench.written("films", films(0, 60)).await;
    let page = scrape(&bench);
    let name = "miroir_shards_below_replication_factor";
    assert_eq!(Scraped::of(&page).await.value(name), Some(0.0));
    bench.fell("a").await;
    // Without a quorum, but the other nodes have it.
    bench.write("films", films(0, 60)).await.unwrap_err();
    bench.until("the miss is known", || bench.is_stale("films", "a")).await;
    let stale = bench.cluster.replicas.state(&uid("films"), &"a".parse().unwrap()).shards.len();
    assert!(stale > 0);
    assert_eq!(Scraped::of(&page).await.value(name), Some(f64::from(u32::try_from(stale).unwrap())));
    bench.revive("a").await;
    bench.repaired("films", "a").await;
    assert_eq!(Scraped::of(&page).await.value(name), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn nodes_and_shards_are_shown_as_they_fare() {
    let bench = Bench::idle(trio());
    let page = scrape(&bench);
    let well = Scraped::of(&page).await;
    assert_eq!(well.value("miroir_node_up{node=\"a\"}"), Some(1.0), "{}", well.0);
    assert_eq!(well.value("miroir_shards_covered"), Some(8.0));
    assert_eq!(well.value("miroir_shards_degraded"), Some(0.0));
    assert!(!well.has("miroir_node_latency_seconds"), "no node has answered yet");

    bench.fell("a").await;
    let difference = Difference::of_settings();
    bench.cluster.replicas.differs(&uid("films"), &"a".parse().unwrap(), difference, "test").await.unwrap();
    let without_a = Scraped::of(&page).await;
    assert_eq!(without_a.value("miroir_node_up{node=\"a\"}"), Some(0.0));
    assert_eq!(without_a.value("miroir_node_state{node=\"a\",state=\"failed\"}"), Some(1.0));
    assert_eq!(without_a.value("miroir_node_state{node=\"a\",state=\"healthy\"}"), Some(0.0));
    assert_eq!(without_a.value("miroir_node_stale_indexes{node=\"a\"}"), Some(1.0));
    assert_eq!(without_a.value("miroir_node_stale_indexes{node=\"b\"}"), Some(0.0));
    assert_eq!(without_a.value("miroir_shards_covered"), Some(8.0));
    let degraded = without_a.value("miroir_shards_degraded").unwrap();
    assert!(degraded > 0.0);
    assert_eq!(without_a.value("miroir_shards_unwritable"), Some(degraded), "a quorum of two copies is two");

    bench.fell("b").await;
    bench.fell("c").await;
    let dark = Scraped::of(&page).await;
    assert_eq!(dark.value("miroir_shards_uncovered"), Some(8.0));
    assert_eq!(dark.value("miroir_shards_covered"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn tasks_are_shown_by_status_with_the_age_of_the_oldest_that_is_open() {
    let bench = Bench::idle(trio());
    let page = scrape(&bench);
    let fresh = Scraped::of(&page).await;
    assert_eq!(fresh.value("miroir_oldest_unfinished_task_age_seconds"), Some(0.0), "{}", fresh.0);
    // Nobody follows tasks, so it stays open.
    bench.write("films", films(0, 20)).await.unwrap();
    tokio::time::advance(Duration::from_secs(90)).await;
    let later = Scraped::of(&page).await;
    let open = ["enqueued", "processing"]
        .map(|status| later.value(&format!("miroir_tasks{{status=\"{status}\"}}")).unwrap());
    assert!((open.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{}", later.0);
    assert!(later.value("miroir_oldest_unfinished_task_age_seconds").unwrap() >= 90.0);
    assert_eq!(later.value("miroir_jobs{state=\"queued\"}"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn store_that_fails_leaves_its_gauges_out_and_the_rest_in() {
    let bench = Bench::idle(trio());
    let page = scrape(&bench);
    for method in ["task_list", "task_list_unfinished", "job_depth"] {
        bench.faults.script.fail(method, 1);
        let away = Scraped::of(&page).await;
        assert_eq!(away.value("miroir_store_up"), Some(0.0), "{method}");
        for name in ["miroir_tasks", "miroir_jobs", "miroir_oldest_unfinished_task_age_seconds"] {
            assert!(!away.has(name), "{method}: {name}");
        }
        assert_eq!(away.value("miroir_node_up{node=\"a\"}"), Some(1.0), "{method}");
        let back = Scraped::of(&page).await;
        assert_eq!(back.value("miroir_store_up"), Some(1.0), "{method}");
        assert!(back.has("miroir_tasks"), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn store_that_does_not_answer_is_waited_for_briefly() {
    let bench = Bench::idle(trio());
    let page = scrape(&bench);
    bench.faults.script.then("job_depth", [Fault::Delay(Duration::from_hours(1))]);
    // The runtime's time, which stands still but for what is waited for.
    let begun = Instant::now();
    let away = Scraped::of(&page).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(away.value("miroir_store_up"), Some(0.0));
    assert!(away.has("miroir_shards_covered") && !away.has("miroir_tasks"));
}

#[tokio::test(start_paused = true)]
async fn cost_is_a_few_reads_however_much_there_is() {
    let bench = Bench::idle(trio().with_sink(rules("one"), None).with_sink(rules("two"), None));
    let counting = Arc::new(Counting::default());
    let store: Arc<dyn TaskStore> =
        Arc::new(FaultyStore::new(Arc::clone(&bench.rows) as _, Arc::clone(&counting) as _));
    let page = scrape_over(&bench, &again(&bench, store));
    let cost = async || {
        let before = counting.calls.load(Ordering::Relaxed);
        let scrape = Scraped::of(&page).await;
        assert_eq!(scrape.value("miroir_store_up"), Some(1.0), "{}", scrape.0);
        counting.calls.load(Ordering::Relaxed) - before
    };
    let empty = cost().await;
    bench.start_poller();
    for index in 0..40 {
        bench.written(&format!("index-{index}"), films(0, 3)).await;
    }
    assert_eq!(cost().await, empty);
    // Five statuses, the oldest, the jobs; four for each sink.
    assert_eq!(empty, 7 + 2 * 4);
}

#[tokio::test(start_paused = true)]
async fn scrapes_at_once_share_one_answer() {
    let bench = Bench::idle(trio());
    let counting = Arc::new(Counting { delay: Duration::from_millis(10), ..Counting::default() });
    let store: Arc<dyn TaskStore> =
        Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), Arc::clone(&counting) as _));
    let page = scrape_over(&bench, &again(&bench, store));
    let scrapes = join_all((0..100).map(|_| Scraped::of(&page))).await;
    assert!(scrapes.iter().all(|scrape| scrape.value("miroir_store_up") == Some(1.0)));
    // The first one's, and one more that began after all had asked.
    assert!(counting.calls.load(Ordering::Relaxed) <= 2 * 7);
}

#[tokio::test(start_paused = true)]
async fn gauges_follow_the_cluster_in_use_and_counters_outlive_it() {
    let metrics = metrics();
    let (reader, term) = (Bench::idle(trio()), Bench::idle(Layout::group(&["x", "y"], 2)));
    let active = Arc::new(ActiveCluster::new(Arc::clone(&reader.cluster)));
    let page = scrape_of(&metrics, &reader, &active);
    metrics.observe(Occurrence::AliasesFlipped { count: 2 });
    metrics.observe(Occurrence::CanaryRan(CanaryStatus::Fail));
    metrics.observe(Occurrence::LeaseHeld { role: "writes", held: true });
    metrics.observe(Occurrence::InstancesSeen { count: 3 });
    assert!(Scraped::of(&page).await.has("miroir_node_up{node=\"a\"}"));

    let activation = active.activate(Arc::clone(&term.cluster));
    let during = Scraped::of(&page).await;
    assert!(during.has("miroir_node_up{node=\"x\"}") && !during.has("miroir_node_up{node=\"a\"}"));
    drop(activation);
    metrics.observe(Occurrence::LeaseHeld { role: "writes", held: false });
    let after = Scraped::of(&page).await;
    assert!(after.has("miroir_node_up{node=\"a\"}") && !after.has("miroir_node_up{node=\"x\"}"));
    assert_eq!(after.value("miroir_alias_flips_total"), Some(2.0));
    assert_eq!(after.value("miroir_canary_runs_total{verdict=\"fail\"}"), Some(1.0));
    assert_eq!(after.value("miroir_canary_runs_total{verdict=\"pass\"}"), Some(0.0));
    assert_eq!(after.value("miroir_lease_held{role=\"writes\"}"), Some(0.0));
    assert_eq!(after.value("miroir_instances"), Some(3.0));
}

#[tokio::test(start_paused = true)]
async fn cluster_of_a_term_that_is_over_is_dropped() {
    let (reader, term) = (Bench::idle(trio()), Bench::idle(trio()));
    let active = Arc::new(ActiveCluster::new(Arc::clone(&reader.cluster)));
    let page = scrape_of(&metrics(), &reader, &active);
    let cluster = again(&term, Arc::clone(&term.cluster.store));
    let (weak, activation) = (Arc::downgrade(&cluster), active.activate(cluster));
    Scraped::of(&page).await;
    assert!(weak.upgrade().is_some());
    drop(activation);
    Scraped::of(&page).await;
    assert!(weak.upgrade().is_none(), "nothing of an earlier term is left");
}

#[tokio::test(start_paused = true)]
async fn store_calls_are_counted_by_operation_and_errors_by_kind() {
    let script = Arc::new(miroir_fault::Script::default());
    let inner: Arc<dyn TaskStore> =
        Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), Arc::clone(&script) as _));
    let metrics = metrics();
    let store = metrics.metered_store(inner, "memory");
    script.then("store_ping", [Fault::NotApplied, Fault::LostAfter, Fault::Delay(Duration::from_secs(3))]);
    for _ in 0..3 {
        // Two of them fail, which is counted below.
        let _ = store.store_ping().await;
    }
    store.change_append(Vec::new(), 0).await.unwrap();
    let bench = Bench::idle(trio());
    let active = Arc::new(ActiveCluster::new(Arc::clone(&bench.cluster)));
    let scrape = Scraped::of(&scrape_of(&metrics, &bench, &active)).await;
    let errors = |kind: &str| {
        scrape.value(&format!("miroir_store_errors_total{{backend=\"memory\",kind=\"{kind}\"}}"))
    };
    assert_eq!(
        (errors("unavailable"), errors("unknown"), errors("corrupt")),
        (Some(1.0), Some(1.0), Some(0.0))
    );
    let calls = "miroir_store_call_duration_seconds_count{backend=\"memory\",operation=";
    assert_eq!(scrape.value(&format!("{calls}\"store_ping\"}}")), Some(3.0), "{}", scrape.0);
    assert_eq!(scrape.value(&format!("{calls}\"change_append\"}}")), Some(1.0));
    let within =
        "miroir_store_call_duration_seconds_bucket{backend=\"memory\",operation=\"store_ping\",le=\"1\"}";
    assert_eq!(scrape.value(within), Some(2.0), "the third took three seconds");
}
