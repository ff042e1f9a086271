//! Runs one canary once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_domain::canary::{
    Assertion, Canary, CanaryRun, CanaryStatus, Definition, Observation, P95_RUNS, Verdict, evaluate,
};
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_ports::error_chain;
use miroir_ports::inbound::{ApiError, CanaryTotals, ReadResponse, SearchApi};
use miroir_ports::outbound::{Clock, Observer, Occurrence, StoreError, TaskStore};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::index_facts::IndexFacts;
use crate::alias::AliasResolver;
use crate::change::ChangeRecorder;

/// Options of running canaries.
#[derive(Debug, Clone, Copy)]
pub struct CanaryOptions {
    /// Maximum number of canaries that run at the same time (4).
    pub concurrency: usize,
    /// Time limit of a search; the run is an error beyond it (10 s).
    pub timeout: Duration,
    /// Number of runs that are kept of each canary (100).
    pub history: u32,
}

impl Default for CanaryOptions {
    fn default() -> Self {
        Self { concurrency: 4, timeout: Duration::from_secs(10), history: 100 }
    }
}

/// Runs canaries and remembers their last runs.
pub struct Executor {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) aliases: Arc<AliasResolver>,
    search: Arc<dyn SearchApi>,
    pub(super) clock: Arc<dyn Clock>,
    changes: Arc<ChangeRecorder>,
    pub(super) options: CanaryOptions,
    /// One permit for each canary that may run at the same time.
    pub(super) permits: Arc<Semaphore>,
    /// The last run of each canary that ran here, without its evidence. It is set when the run begins: a run
    /// that cannot be recorded, or that never ends, must not be begun again at once.
    last: Mutex<HashMap<String, CanaryRun>>,
    running: Mutex<HashSet<String>>,
    runs: AtomicU64,
    failures: AtomicU64,
    errors: AtomicU64,
    observer: Arc<dyn Observer>,
}

/// A guard that marks a canary as running until it is dropped.
pub(super) struct Running {
    executor: Arc<Executor>,
    id: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.executor.running.lock().remove(&self.id);
    }
}

impl Executor {
    /// Makes an executor that records runs in `changes`, resolves names with `aliases` and searches with
    /// `search`. The latter must not be the port that captures searches of clients.
    pub fn new(
        store: Arc<dyn TaskStore>,
        aliases: Arc<AliasResolver>,
        search: Arc<dyn SearchApi>,
        clock: Arc<dyn Clock>,
        changes: Arc<ChangeRecorder>,
        observer: Arc<dyn Observer>,
        options: CanaryOptions,
    ) -> Self {
        Self {
            changes,
            store,
            aliases,
            search,
            clock,
            permits: Arc::new(Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            options,
            last: Mutex::default(),
            running: Mutex::default(),
            runs: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            observer,
        }
    }

    /// Returns the status of the last run of each canary whose last run is in memory.
    pub(crate) fn statuses(&self) -> Vec<CanaryStatus> {
        self.last.lock().values().map(|run| run.status).collect()
    }

    /// Returns the number of runs since this process started.
    pub fn totals(&self) -> CanaryTotals {
        CanaryTotals {
            runs: self.runs.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    /// Returns the last run of a canary, from memory or else from the store.
    pub(super) async fn last_run(&self, id: &str) -> Result<Option<CanaryRun>, StoreError> {
        if let Some(known) = self.remembered(id) {
            return Ok(Some(known));
        }
        let stored = self.store.canary_run_list(id, 1).await?.into_iter().next();
        if let Some(stored) = &stored {
            // A run that began in the meantime is later than the stored one.
            self.last.lock().entry(id.to_owned()).or_insert_with(|| without_evidence(stored));
        }
        Ok(stored)
    }

    /// Returns the last run of a canary if it is in memory.
    pub(super) fn remembered(&self, id: &str) -> Option<CanaryRun> {
        self.last.lock().get(id).cloned()
    }

    /// Forgets the last runs of canaries that are not among `ids`.
    pub(super) fn forget_others(&self, ids: &HashSet<&str>) {
        self.last.lock().retain(|id, _| ids.contains(id.as_str()));
    }

    /// Forgets the last run of a canary.
    pub(super) fn forget(&self, id: &str) {
        self.last.lock().remove(id);
    }

    /// Forgets the last runs of the canaries that `select` selects.
    pub(super) fn forget_where(&self, select: &dyn Fn(&str) -> bool) {
        self.last.lock().retain(|id, _| !select(id));
    }

    /// Returns whether any canary that `select` selects is running.
    pub(super) fn runs_any(&self, select: &dyn Fn(&str) -> bool) -> bool {
        self.running.lock().iter().any(|id| select(id))
    }

    /// Marks a canary as running. Returns `None` if it is running already.
    pub(super) fn begin(self: &Arc<Self>, id: &str) -> Option<Running> {
        let fresh = self.running.lock().insert(id.to_owned());
        fresh.then(|| Running { executor: Arc::clone(self), id: id.to_owned() })
    }

    pub(super) fn is_running(&self, id: &str) -> bool {
        self.running.lock().contains(id)
    }

    /// Runs a canary and records the run in `store`. The recording returns false if the canary was deleted
    /// meanwhile.
    pub(super) async fn run(
        &self,
        canary: &Canary,
        store: &dyn TaskStore,
    ) -> (CanaryRun, Result<bool, StoreError>) {
        let ran_at = self.clock.now();
        let mut run = CanaryRun {
            canary_id: canary.id.clone(),
            ran_at,
            status: CanaryStatus::Error,
            latency_ms: 0,
            failed_assertions: json!([]),
        };
        let previous =
            self.last.lock().insert(canary.id.clone(), run.clone()).map(|previous| previous.status);
        let (verdict, latency_ms) = match Definition::of_row(canary) {
            Ok(definition) => self.judge(&definition, &canary.id).await,
            Err(refusal) => (Verdict::Error(refusal.into()), 0),
        };
        run =
            CanaryRun { status: verdict.status(), latency_ms, failed_assertions: verdict.evidence(), ..run };
        self.count(canary, &run, previous);
        let recorded = store.canary_run_append(&run, self.options.history).await;
        match &recorded {
            Ok(true) => {
                self.last.lock().insert(canary.id.clone(), without_evidence(&run));
                self.notify(store, canary, &run).await;
            }
            Ok(false) => self.forget(&canary.id),
            Err(error) => {
                tracing::warn!(canary = canary.id, "a run could not be recorded: {}", error_chain(error));
                self.last.lock().insert(canary.id.clone(), without_evidence(&run));
            }
        }
        (run, recorded)
    }

    /// Records the run for the sinks that receive runs. It is stored already, so a failure is only logged.
    async fn notify(&self, store: &dyn TaskStore, canary: &Canary, run: &CanaryRun) {
        if let Err(error) = self.changes.canary_ran(store, canary, run).await {
            tracing::warn!(
                canary = canary.id,
                "a run could not be recorded for the sinks: {}",
                error_chain(&error)
            );
        }
    }

    /// Counts a run, and logs its status if it differs from the previous one.
    fn count(&self, canary: &Canary, run: &CanaryRun, previous: Option<CanaryStatus>) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.observer.observe(Occurrence::CanaryRan(run.status));
        let (counter, message) = match run.status {
            CanaryStatus::Pass => (None, "/"),
            CanaryStatus::Fail => (Some(&self.failures), "/0/message"),
            CanaryStatus::Error => (Some(&self.errors), "/0/error/message"),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if previous.unwrap_or(CanaryStatus::Pass) == run.status {
            return;
        }
        let (canary, index) = (&canary.id, &canary.index_uid);
        if let Some(message) = run.failed_assertions.pointer(message).and_then(Value::as_str) {
            tracing::warn!(canary, %index, status = run.status.as_str(), "a canary does not pass: {message}");
        } else {
            tracing::info!(canary, %index, "a canary passes again");
        }
    }

    /// Searches and evaluates the response. Returns the verdict, and the time the search took in
    /// milliseconds.
    async fn judge(&self, definition: &Definition, id: &str) -> (Verdict, u64) {
        let (facts, recent) = match self.look_up(definition, id).await {
            Ok(found) => found,
            Err(error) => return (Verdict::Error(response_error(&ApiError::Store(error))), 0),
        };
        let query = definition.query().clone();
        let query = facts.primary_key.as_ref().map_or(query.clone(), |key| query.retrieving(key));
        let started = Instant::now();
        let searching = self.search.search(definition.index().clone(), query);
        let outcome = tokio::time::timeout(self.options.timeout, searching).await;
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ReadResponse { body, degraded } = match outcome {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return (Verdict::Error(response_error(&error)), latency_ms),
            Err(_) => {
                let message = format!("The search took longer than {} ms.", self.options.timeout.as_millis());
                return (Verdict::Error(ErrorCode::MiroirTimeout.with_message(message)), latency_ms);
            }
        };
        let nothing = Map::new();
        let degraded = degraded.map(|degraded| degraded.to_string());
        let seen = Observation {
            body: body.as_object().unwrap_or(&nothing),
            latency_ms,
            settings_version: facts.settings_version,
            primary_key: facts.primary_key.as_ref(),
            degraded: degraded.as_deref(),
        };
        (evaluate(definition, &seen, &recent), latency_ms)
    }

    /// Returns the facts of the index, and the last runs if an assertion needs them.
    async fn look_up(
        &self,
        definition: &Definition,
        id: &str,
    ) -> Result<(IndexFacts, Vec<CanaryRun>), StoreError> {
        let facts = IndexFacts::read(self.store.as_ref(), &self.aliases, definition.index()).await?;
        let needs_history =
            definition.assertions().iter().any(|assertion| matches!(assertion, Assertion::MaxP95Ms { .. }));
        // Runs that were errors do not count, so more runs are read than are evaluated.
        let recent =
            if needs_history { self.store.canary_run_list(id, 2 * P95_RUNS).await? } else { Vec::new() };
        Ok((facts, recent))
    }
}

fn without_evidence(run: &CanaryRun) -> CanaryRun {
    CanaryRun { failed_assertions: Value::Null, ..run.clone() }
}

/// Returns the error that a client would get for a failed search.
fn response_error(error: &ApiError) -> ResponseError {
    match error {
        ApiError::Refused { code, message } => code.with_message(message),
        ApiError::Node { error, .. } => error.clone(),
        ApiError::Store(StoreError::Unavailable { outcome, .. }) => ErrorCode::MiroirStoreUnavailable
            .with_message(format!("The task store is unavailable; {outcome}.")),
        other => {
            tracing::error!("the search of a canary failed: {}", error_chain(other));
            ErrorCode::Internal.with_message("Miroir failed to search; its log says why.")
        }
    }
}
