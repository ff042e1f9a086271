//! Canaries: they detect changes and show evidence, run once per interval within the limit, and do not affect
//! each other when they fail.

mod capture;
mod configured;
mod evidence;
mod schedule;
mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use miroir_core::canary::{
    Canaries, CanaryOptions, Configured, Executor, Ownership, OwnsAll, configure, run_loop,
};
use miroir_domain::alias::{AliasChange, NewAlias};
use miroir_domain::canary::{CanaryId, CanaryRun, CanaryStatus, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;
use miroir_domain::{IndexUid, Timestamp};
use miroir_memory::MemoryStore;
use miroir_ports::inbound::{
    AliasApi, ApiError, CanaryApi, CanaryPrecondition, CanarySummary, ReadResponse, SearchApi,
};
use miroir_ports::outbound::TaskStore;
use miroir_system::UuidIds;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// The services of the canaries and their workers, which stop when this is dropped.
struct Fixture {
    service: Arc<dyn CanaryApi>,
    search: Arc<dyn SearchApi>,
    store: Arc<dyn TaskStore>,
    stop: CancellationToken,
    workers: JoinSet<()>,
}

impl Fixture {
    fn over(bench: &Bench, search: Arc<dyn SearchApi>, options: CanaryOptions) -> Self {
        let (store, clock) = (Arc::clone(&bench.cluster.store), Arc::clone(&bench.cluster.clock));
        let executor = Executor::new(
            Arc::clone(&store),
            Arc::clone(&bench.aliases),
            Arc::clone(&search),
            clock,
            Arc::clone(&bench.cluster.changes),
            Arc::new(()),
            options,
        );
        let ownership = Arc::new(OwnsAll(Arc::clone(&store)));
        let canaries = Canaries::new(executor, ownership, search, Arc::new(UuidIds::default()));
        let stop = CancellationToken::new();
        let (service, search) = (canaries.api(), canaries.search());
        let mut workers = JoinSet::new();
        canaries.start_workers(true, &mut workers, &stop.clone());
        Self { service, search, store, stop, workers }
    }

    /// Makes canaries that use the search of the bench.
    fn of(bench: &Bench) -> Self {
        Self::over(bench, Arc::clone(&bench.search) as _, CanaryOptions::default())
    }

    async fn create(&self, change: Value) -> CanaryId {
        let created = self.service.canary_create(definition(change)).await.unwrap();
        created.id.parse().unwrap()
    }

    /// Returns the runs of a canary, oldest first.
    async fn runs(&self, id: &CanaryId) -> Vec<CanaryRun> {
        let mut runs = self.store.canary_run_list(id.as_str(), 1_000).await.unwrap();
        runs.reverse();
        runs
    }

    async fn statuses(&self, id: &CanaryId) -> Vec<CanaryStatus> {
        self.runs(id).await.iter().map(|run| run.status).collect()
    }

    async fn summary(&self, id: &CanaryId) -> CanarySummary {
        let status = self.service.canary_status().await.unwrap();
        status.results.into_iter().find(|summary| summary.id == id.as_str()).unwrap()
    }
}

/// Returns a definition that runs every minute, with the fields of `change`.
fn definition(change: Value) -> Definition {
    let mut definition = json!({
        "name": "films are found", "index": "films", "intervalSeconds": 60, "query": { "q": "film" },
    });
    let Value::Object(change) = change else { panic!("{change} is not an object") };
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

/// Returns a bench without documents, for tests that replace the search.
fn empty() -> Bench {
    Bench::idle(Layout::group(&TRIO, 2))
}

/// A search that takes `limit` milliseconds, and counts the searches that run at the same time.
#[derive(Default)]
struct SlowSearch {
    begun: AtomicUsize,
    running: AtomicUsize,
    max_running: AtomicUsize,
}

#[async_trait]
impl SearchApi for SlowSearch {
    async fn search(&self, _: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_running.fetch_max(running, Ordering::SeqCst);
        sleep(Duration::from_millis(request.body()["limit"].as_u64().unwrap())).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(ReadResponse { body: json!({ "hits": [], "estimatedTotalHits": 0 }), degraded: None })
    }
}

/// Returns `change` whose search takes `millis` in a [`SlowSearch`].
fn search_taking(millis: u64, change: Value) -> Value {
    let Value::Object(mut change) = change else { panic!("{change} is not an object") };
    change.insert("query".to_owned(), json!({ "limit": millis }));
    Value::Object(change)
}

/// Returns the number of seconds between `start` and the beginning of each run.
fn seconds(runs: &[CanaryRun], start: Timestamp) -> Vec<u64> {
    runs.iter().map(|run| run.ran_at.since(start).as_secs()).collect()
}

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, ApiError>, expected: ErrorCode) {
    match outcome {
        Err(ApiError::Refused { code, .. }) if code == expected => {}
        other => panic!("{other:?} is not {expected:?}"),
    }
}
