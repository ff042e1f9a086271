//! One run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use miroir_test_simulation::CLIENTS;
use miroir_test_simulation::model::Outcome;
use miroir_test_simulation::random::Random;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Asking, follow_tasks};
use crate::end;
use crate::injector::Injector;
use crate::options::Options;
use crate::processes::Processes;
use crate::state::State;

/// The time in which every task must have ended once all faults are over.
const LAST_TASKS: Duration = Duration::from_mins(2);

/// The outcome of a run.
#[derive(Debug)]
pub struct Report {
    /// The sentences about what was wrong, in the order in which it was noticed.
    pub violations: Vec<String>,
    /// The faults that took place, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The writes by outcome: succeeded, perhaps.
    pub writes: [u64; 2],
    /// The reads: compared, marked, refused.
    pub reads: [u64; 3],
}

/// Starts the processes, and fails them one after the other for the time of the options, under load.
///
/// # Errors
///
/// Fails if a process cannot be started or stopped, or if the cluster does not heal.
pub async fn run(options: &Options) -> Result<Report> {
    under_load(options, async |state, processes| {
        let end = Instant::now() + options.time;
        let random = Random::new(options.seed, 1);
        let mut injector = Injector { state, processes, random, copies: BTreeMap::new() };
        while Instant::now() < end {
            let pause = injector.random.within(100..4_000);
            sleep(Duration::from_millis(pause)).await;
            injector.one().await?;
        }
        Ok(())
    })
    .await
}

/// Starts the processes, lets clients ask while `events` happen, and compares every node at the end.
///
/// # Errors
///
/// Fails if `events` does, or if the cluster does not heal after them.
pub async fn under_load(
    options: &Options,
    events: impl AsyncFnOnce(&State, &mut Processes) -> Result<()>,
) -> Result<Report> {
    let mut processes = Processes::start(options).await?;
    let state = Arc::new(State::new(processes.clients()));
    let mut work = JoinSet::new();
    for client in 0..CLIENTS {
        let random = Random::new(options.seed, 10 + client as u64);
        work.spawn(Asking { state: Arc::clone(&state), client, random }.run());
    }
    work.spawn(follow_tasks(Arc::clone(&state)));
    events(&state, &mut processes).await?;
    state.stop.store(true, Ordering::SeqCst);
    let ended = async { while work.join_next().await.is_some() {} };
    timeout(LAST_TASKS, ended).await.context("some tasks do not end")?;
    processes.until_quiet().await?;
    end::compare(&state, &mut processes).await?;
    Ok(report(&state))
}

fn report(state: &State) -> Report {
    let model = state.model.lock();
    let count = |outcome| model.writes().iter().filter(|write| write.outcome == outcome).count() as u64;
    let counts = &state.counts;
    Report {
        violations: state.violations.lock().clone(),
        faults: state.faults.lock().clone(),
        writes: [count(Outcome::Succeeded), count(Outcome::Maybe)],
        reads: [&counts.judged, &counts.marked, &counts.refused].map(|count| count.load(Ordering::Relaxed)),
    }
}
