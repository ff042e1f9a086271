//! Concurrent callers that create durable tasks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use miroir_ports::outbound::TaskTable as _;
use miroir_sqlite::SqliteStore;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::bare::{EncodedRow, Files, prepare};
use super::target::SECTION;
use crate::row::{Goal, Row, Unit};
use crate::samples::{Samples, rate};
use crate::shared::task::new_task;
use crate::shared::{CALLERS, now};

/// Rounds of turns. The three methods alternate, so that a slow moment of the disk affects all of them.
const ROUNDS: u32 = 3;
const SPAN: Duration = Duration::from_millis(1_500);
const POOL: u32 = 16;

/// The writes of one method.
#[derive(Default)]
struct Outcome {
    count: usize,
    span: Duration,
    samples: Samples,
}

impl Outcome {
    fn add(&mut self, samples: Samples, span: Duration) {
        self.count += samples.count();
        self.span += span;
        self.samples.join(samples);
    }

    fn rate(&self) -> f64 {
        rate(self.count, self.span)
    }
}

pub async fn measure(store: &Arc<SqliteStore>, files: &Files) -> Result<Vec<Row>> {
    let (mut own, mut pooled, mut looped) = (Outcome::default(), 0, Duration::ZERO);
    let (mut looped_count, mut pooled_outcome) = (0, Outcome::default());
    let row = EncodedRow::of_new_task()?;
    for _ in 0..ROUNDS {
        let (samples, span) = through_pool(&files.pooled, &row).await?;
        pooled += samples.count();
        pooled_outcome.add(samples, span);
        let (samples, span) = through_store(store).await?;
        own.add(samples, span);
        let (count, span) = through_loop(&files.looped, &row).await?;
        looped_count += count;
        looped += span;
    }
    anyhow::ensure!(pooled > 0 && own.count > 0, "nothing was written");
    let stats = store.stats();
    // Numbers of a few seconds are far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let group = stats.operations as f64 / stats.groups.max(1) as f64;
    let rates = Row::alone(
        SECTION,
        "task_create, durable, 64 callers",
        Unit::PerSecond,
        own.rate(),
        Goal::AtLeastTimes(3.0),
    );
    let p99 = Row::alone(
        SECTION,
        "task_create, durable, 64 callers, p99",
        Unit::Seconds,
        own.samples.p99(),
        Goal::AtMostTimes(0.5),
    );
    let bare = Row::alone(
        SECTION,
        format!("task_create, durable, 64 callers (groups of {group:.0})"),
        Unit::PerSecond,
        own.rate(),
        Goal::AtLeastTimes(0.6),
    );
    Ok(vec![
        rates.against("a transaction per row, pool of 16", pooled_outcome.rate()),
        p99.against("a transaction per row, pool of 16", pooled_outcome.samples.p99()),
        bare.against("a bare loop, groups of 64", rate(looped_count, looped)),
    ])
}

/// Lets every caller create one task after the other until the time is up.
async fn through_store(store: &Arc<SqliteStore>) -> Result<(Samples, Duration)> {
    let task = new_task()?;
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (store, task) = (Arc::clone(store), task.clone());
        callers.spawn(async move {
            let mut samples = Samples::default();
            while begun.elapsed() < SPAN {
                let called = Instant::now();
                store.task_create(task.clone(), now()).await?;
                samples.push(called.elapsed());
            }
            anyhow::Ok(samples)
        });
    }
    let mut all = Samples::default();
    while let Some(caller) = callers.join_next().await {
        all.join(caller??);
    }
    Ok((all, begun.elapsed()))
}

/// Writes with as many threads, each with one transaction per row on a connection of a pool.
async fn through_pool(path: &Path, row: &EncodedRow) -> Result<(Samples, Duration)> {
    let manager = SqliteConnectionManager::file(path).with_init(|connection| prepare(connection));
    let pool = r2d2::Pool::builder()
        .max_size(POOL)
        .test_on_check_out(false)
        .connection_timeout(Duration::from_mins(1))
        .build(manager)?;
    let row = row.clone();
    tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (pool, row) = (pool.clone(), row.clone());
                std::thread::spawn(move || {
                    let mut samples = Samples::default();
                    while begun.elapsed() < SPAN {
                        let called = Instant::now();
                        row.commit(&mut *pool.get()?, 1)?;
                        samples.push(called.elapsed());
                    }
                    anyhow::Ok(samples)
                })
            })
            .collect();
        let mut all = Samples::default();
        for caller in callers {
            all.join(caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??);
        }
        Ok((all, begun.elapsed()))
    })
    .await
    .context("the callers were cut short")?
}

/// Writes with one thread, which commits groups of one row for each caller.
async fn through_loop(path: &Path, row: &EncodedRow) -> Result<(usize, Duration)> {
    let (path, row) = (path.to_owned(), row.clone());
    tokio::task::spawn_blocking(move || {
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < SPAN {
            row.commit(&mut connection, CALLERS)?;
            count += CALLERS;
        }
        Ok((count, begun.elapsed()))
    })
    .await
    .context("the loop was cut short")?
}
