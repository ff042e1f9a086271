//! Runs each enabled canary once per interval.
//!
//! When a canary is due follows from its last run, which is in the store: a process that is started again goes on where the
//! last one was. A canary that is running when it is due again is passed over, not queued.

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

/// The longest pause between two looks at the store: how long a canary that was just made, changed or enabled may wait.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Runs canaries until `shutdown`; runs in progress are then given up, unrecorded.
pub async fn run_loop(executor: Arc<Executor>, ownership: Arc<dyn Ownership>, shutdown: CancellationToken) {
    let mut runner =
        Runner { executor, ownership, waiting: VecDeque::new(), runs: JoinSet::new(), store_failed: false };
    let mut wake = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(ended) = runner.runs.join_next() => {
                match ended {
                    Ok((canary, run)) => wake = wake.min(Instant::now() + runner.until_due(&canary, &run)),
                    Err(error) => tracing::error!("running a canary: {error}"),
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
    /// Due, and without a place to run yet; the longest due first.
    waiting: VecDeque<Canary>,
    runs: JoinSet<(Canary, CanaryRun)>,
    store_failed: bool,
}

impl Runner {
    /// Sees what is due. Answers how long until there is something to see again.
    async fn round(&mut self) -> Duration {
        match self.find_due().await {
            Ok(pause) => {
                if std::mem::take(&mut self.store_failed) {
                    tracing::info!("canaries run again");
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

    async fn find_due(&mut self) -> Result<Duration, StoreError> {
        let canaries = every_canary(self.executor.store.as_ref()).await?;
        self.executor
            .forget_others(&canaries.iter().map(|canary| canary.id.as_str()).collect::<HashSet<_>>());
        let now = self.executor.clock.now();
        let mut due: Vec<(Timestamp, Canary)> = Vec::new();
        let mut pause = MAX_PAUSE;
        for canary in canaries {
            if self.ownership.owned(&canary.id).is_none() {
                // Another instance runs it, and only the store knows when: not what is remembered here.
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

    /// Starts what is due as far as there is room.
    fn start_waiting(&mut self) {
        while let Some(canary) = self.waiting.pop_front() {
            let Ok(permit) = Arc::clone(&self.executor.permits).try_acquire_owned() else {
                self.waiting.push_front(canary);
                return;
            };
            // It may have gone to another instance while it waited.
            let Some(store) = self.ownership.owned(&canary.id) else { continue };
            let Some(running) = self.executor.begin(&canary.id) else { continue };
            // Somebody may have asked for it to be run while it waited: that was its run.
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

    fn until_due(&self, canary: &Canary, run: &CanaryRun) -> Duration {
        let now = self.executor.clock.now();
        due_at(canary, Some(run), now).since(now)
    }
}
