//! Runs each enabled canary once per interval.
//!
//! The time of the next run follows from the last run, which is in the store, so that a process that starts
//! again continues the schedule of its predecessor. A canary that is still running when it is due again is
//! skipped, not queued.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_domain::canary::{Canary, CanaryRun, due_at};
use miroir_ports::outbound::StoreError;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::executor::Executor;
use super::listing::every_canary;
use super::ownership::Ownership;
use tokio_util::sync::CancellationToken;

/// The longest pause between two reads of the store, and so the longest time until a change of a canary takes
/// effect.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Runs canaries until `shutdown`. Runs in progress are then aborted and not recorded.
pub async fn run_loop(executor: Arc<Executor>, ownership: Arc<dyn Ownership>, shutdown: CancellationToken) {
    let mut runner =
        Runner { executor, ownership, waiting: VecDeque::new(), runs: JoinSet::new(), store_failed: false };
    let mut wake = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(ended) = runner.runs.join_next() => {
                match ended {
                    Ok((canary, run)) => wake = wake.min(Instant::now() + runner.until_due(&canary, &run)),
                    Err(error) => tracing::error!("the run of a canary did not end properly: {error}"),
                }
                runner.start_waiting();
                continue;
            }
            () = tokio::time::sleep_until(wake) => {}
        }
        wake = Instant::now() + runner.round().await;
        runner.start_waiting();
    }
}

struct Runner {
    executor: Arc<Executor>,
    ownership: Arc<dyn Ownership>,
    /// Canaries that are due and wait for a permit, the longest due first.
    waiting: VecDeque<Canary>,
    runs: JoinSet<(Canary, CanaryRun)>,
    store_failed: bool,
}

impl Runner {
    /// Finds the canaries that are due. Returns the pause until the next round.
    async fn round(&mut self) -> Duration {
        match self.find_due().await {
            Ok(pause) => {
                if std::mem::take(&mut self.store_failed) {
                    tracing::info!("the task store can be read again, so canaries run again");
                }
                pause
            }
            Err(error) => {
                if !std::mem::replace(&mut self.store_failed, true) {
                    tracing::warn!(
                        "no canary runs until the task store can be read again: {}",
                        miroir_ports::error_chain(&error)
                    );
                }
                self.waiting.clear();
                MAX_PAUSE
            }
        }
    }

    /// Collects the canaries that are due. Returns the time until the next one is, at most [`MAX_PAUSE`].
    async fn find_due(&mut self) -> Result<Duration, StoreError> {
        let canaries = every_canary(self.executor.store.as_ref()).await?;
        self.executor
            .forget_others(&canaries.iter().map(|canary| canary.id.as_str()).collect::<HashSet<_>>());
        let now = self.executor.clock.now();
        let mut due: Vec<(Timestamp, Canary)> = Vec::new();
        let mut pause = MAX_PAUSE;
        for canary in canaries {
            if self.ownership.owned(&canary.id).is_none() {
                // Another instance runs it, so its last run is in the store and not in this memory.
                self.executor.forget(&canary.id);
                continue;
            }
            if !canary.enabled || self.executor.is_running(&canary.id) {
                continue;
            }
            let last = self.executor.last_run(&canary.id).await?;
            let at = due_at(&canary, last.as_ref(), now);
            if at <= now {
                due.push((at, canary));
            } else {
                pause = pause.min(at.since(now));
            }
        }
        due.sort_by_key(|(at, _)| *at);
        self.waiting = due.into_iter().map(|(_, canary)| canary).collect();
        Ok(pause)
    }

    /// Starts canaries that are due, as far as there are permits.
    fn start_waiting(&mut self) {
        while let Some(canary) = self.waiting.pop_front() {
            let Ok(permit) = Arc::clone(&self.executor.permits).try_acquire_owned() else {
                self.waiting.push_front(canary);
                return;
            };
            // Its part may have moved to another instance while it waited.
            let Some(store) = self.ownership.owned(&canary.id) else { continue };
            let Some(running) = self.executor.begin(&canary.id) else { continue };
            // A client may have run it while it waited, which counts as its run.
            let now = self.executor.clock.now();
            if due_at(&canary, self.executor.remembered(&canary.id).as_ref(), now) > now {
                continue;
            }
            let executor = Arc::clone(&self.executor);
            self.runs.spawn(async move {
                let (run, _) = executor.run(&canary, store.as_ref()).await;
                drop((running, permit));
                (canary, run)
            });
        }
    }

    /// Returns the time until a canary is due after `run`.
    fn until_due(&self, canary: &Canary, run: &CanaryRun) -> Duration {
        let now = self.executor.clock.now();
        due_at(canary, Some(run), now).since(now)
    }
}
