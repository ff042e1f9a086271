//! Claiming jobs from a short queue and from a long one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use miroir_domain::Timestamp;
use miroir_domain::job::NewJob;
use miroir_ports::outbound::TaskStore;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{CALLERS, now};
use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

/// Number of jobs in the short queue, and of claims in every round.
const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
const ROUNDS: u32 = 5;

/// Returns one row: the time per claim with many queued jobs, against the same with few.
pub async fn measure(section: &'static str, store: &Arc<dyn TaskStore>) -> Result<Vec<Row>> {
    let mut claimed = BTreeSet::new();
    let (mut few, mut many) = (Samples::default(), Samples::default());
    let mut queued = 0;
    for _ in 0..ROUNDS {
        enqueue(store, &mut queued, FEW).await?;
        few.push(claim(store, &mut claimed).await?);
    }
    enqueue(store, &mut queued, MANY).await?;
    for _ in 0..ROUNDS {
        many.push(claim(store, &mut claimed).await?);
    }
    let row = Row::alone(
        section,
        "job_claim, 64 workers, 100,000 queued",
        Unit::Seconds,
        many.p50() / f64::from(FEW),
        Goal::AtMostTimes(1.5),
    );
    Ok(vec![row.against("the same with 1,000 queued", few.p50() / f64::from(FEW))])
}

async fn enqueue(store: &Arc<dyn TaskStore>, queued: &mut u32, count: u32) -> Result<()> {
    let mut callers = JoinSet::new();
    for caller in 0..u32::try_from(CALLERS)? {
        let (store, first) = (Arc::clone(store), *queued);
        callers.spawn(async move {
            for number in (first + caller..first + count).step_by(CALLERS) {
                let job = NewJob {
                    id: format!("job-{number}"),
                    kind: "bench".to_owned(),
                    params: Value::Null,
                    max_attempts: 3,
                };
                store.job_enqueue(&job).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    *queued += count;
    Ok(())
}

/// Claims [`FEW`] jobs by all workers and returns the duration. A job that is claimed twice is an error.
async fn claim(store: &Arc<dyn TaskStore>, claimed: &mut BTreeSet<String>) -> Result<Duration> {
    let expires_at = Timestamp::from_millis(now().as_millis() + 3_600_000);
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..u32::try_from(CALLERS)? {
        let store = Arc::clone(store);
        workers.spawn(async move {
            let mut ids = Vec::new();
            for _ in (worker..FEW).step_by(CALLERS) {
                let job = store.job_claim("worker", expires_at, now()).await?;
                ids.push(job.context("the queue is empty too early")?.id);
            }
            anyhow::Ok(ids)
        });
    }
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        all.extend(worker??);
    }
    let took = begun.elapsed();
    for id in all {
        ensure!(claimed.insert(id.clone()), "{id} was claimed twice");
    }
    Ok(took)
}
