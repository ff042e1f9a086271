//! Concurrent callers that read single tasks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use miroir_ports::outbound::TaskStore;
use miroir_sqlite::SqliteStore;
use rusqlite::Connection;
use tokio::time::Instant;

use super::target::SECTION;
use crate::row::{Goal, Row, Unit};
use crate::samples::rate;
use crate::shared::task::get;

const ROUNDS: u32 = 3;
const SPAN: Duration = Duration::from_secs(1);
/// Number of tasks that are read. More were created before.
const TASKS: u32 = 1_000;
/// Step from one uid to the next, so that neighbours are not read together. Coprime with [`TASKS`].
const STRIDE: u32 = 367;

pub async fn measure(store: &Arc<SqliteStore>, path: &Path) -> Result<Vec<Row>> {
    let store: Arc<dyn TaskStore> = store.clone();
    let (mut own, mut bare) = (0.0, (0, Duration::ZERO));
    for _ in 0..ROUNDS {
        let (count, span) = through_select(path).await?;
        bare = (bare.0 + count, bare.1 + span);
        own += get(&store).await? / f64::from(ROUNDS);
    }
    let row = Row::alone(SECTION, "task_get, 64 callers", Unit::PerSecond, own, Goal::AtLeastTimes(0.5));
    Ok(vec![row.against("a prepared SELECT, one thread", rate(bare.0, bare.1))])
}

/// Reads every column of one row after the other, without decoding them.
async fn through_select(path: &Path) -> Result<(usize, Duration)> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let connection = Connection::open(path)?;
        let mut select = connection.prepare(
            "SELECT miroir_id, created_at, status, node_tasks, error, node_errors, index_uid, task_type, details,
                    started_at, finished_at, canceled_by, custom_metadata, version
             FROM tasks WHERE miroir_id = ?1",
        )?;
        let columns = select.column_count();
        let begun = Instant::now();
        let (mut uid, mut count) = (0, 0);
        while begun.elapsed() < SPAN {
            uid = (uid + STRIDE) % TASKS;
            let mut rows = select.query([uid])?;
            let row = rows.next()?.context("a task is gone")?;
            for column in 0..columns {
                std::hint::black_box(row.get_ref(column)?);
            }
            count += 1;
        }
        Ok((count, begun.elapsed()))
    })
    .await
    .context("reading was cut short")?
}
