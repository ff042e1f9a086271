//! The newest page of tasks with every filter, in a small store and in a large one.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use miroir_domain::task::{TaskDates, TaskKind, TaskQuery, TaskStatus};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::TaskStore;
use tokio::time::Instant;

use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;
use crate::shared::filled::{CANCELED_EVERY, FIRST_MS, PACE_MS};

/// Tasks in the smaller store.
pub const FEW: u32 = 1_000;
const ROUNDS: u32 = 100;
/// Duration of a page, in seconds, above which a filter is measured less often.
const SLOW: f64 = 0.02;
const SLOW_ROUNDS: u32 = 5;

/// Returns a row for each filter: its page in `many`, which holds `tasks` tasks, against its page in `few`,
/// which holds [`FEW`].
pub async fn measure(
    section: &'static str,
    few: &Arc<dyn TaskStore>,
    many: &Arc<dyn TaskStore>,
    tasks: u32,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (small, large) in queries(FEW)?.into_iter().zip(queries(tasks)?) {
        let (name, small) = small;
        let (mut at_few, mut at_many) = (Samples::default(), Samples::default());
        // The first calls prepare statements and load pages of the file.
        list(few, &small).await?;
        let first = list(many, &large.1).await?;
        let rounds = if first > SLOW { SLOW_ROUNDS } else { ROUNDS };
        for _ in 0..rounds {
            at_few.push(std::time::Duration::from_secs_f64(list(few, &small).await?));
            at_many.push(std::time::Duration::from_secs_f64(list(many, &large.1).await?));
        }
        let figure = format!("newest 20 of {tasks} tasks, {name}");
        rows.push(
            Row::alone(section, figure, Unit::Seconds, at_many.p50(), Goal::AtMostTimes(2.0))
                .against("the same of 1,000", at_few.p50()),
        );
    }
    Ok(rows)
}

/// Lists one page and returns the duration in seconds.
async fn list(store: &Arc<dyn TaskStore>, query: &TaskQuery) -> Result<f64> {
    let begun = Instant::now();
    let page = store.task_list(query).await?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(!page.tasks.is_empty(), "no task matches {query:?}");
    Ok(took)
}

/// Returns every filter, for a filled store of `tasks` tasks.
fn queries(tasks: u32) -> Result<Vec<(&'static str, TaskQuery)>> {
    let all = TaskQuery::default();
    let created = |number: u32| Timestamp::from_millis(FIRST_MS + i64::from(number) * PACE_MS);
    let later_than = |number: u32| TaskDates { after: Some(created(number)), before: None };
    let uid = |number: u32| BTreeSet::from([TaskUid(number)]);
    let statuses = Some(BTreeSet::from([TaskStatus::Succeeded, TaskStatus::Failed]));
    let kinds = Some(BTreeSet::from([TaskKind::DocumentDeletion]));
    let index_uids = Some(BTreeSet::from(["index-7".parse()?]));
    let recent = tasks.saturating_sub(600);
    let half = tasks / 2;
    let canceled = (tasks - 101) / CANCELED_EVERY * CANCELED_EVERY;
    Ok(vec![
        ("no filter", all.clone()),
        ("statuses", TaskQuery { statuses: statuses.clone(), ..all.clone() }),
        ("types", TaskQuery { kinds: kinds.clone(), ..all.clone() }),
        ("indexUids", TaskQuery { index_uids: index_uids.clone(), ..all.clone() }),
        ("statuses, types and indexUids", TaskQuery { statuses, kinds, index_uids, ..all.clone() }),
        ("uids", TaskQuery { uids: Some(uid(half)), ..all.clone() }),
        ("batchUids", TaskQuery { batch_uids: Some(uid(half)), ..all.clone() }),
        ("canceledBy", TaskQuery { canceled_by: Some(uid(canceled + 1)), ..all.clone() }),
        ("from the middle", TaskQuery { from: Some(TaskUid(half)), ..all.clone() }),
        ("oldest first", TaskQuery { reverse: true, ..all.clone() }),
        ("afterEnqueuedAt, 600 match", TaskQuery { enqueued: later_than(recent), ..all.clone() }),
        ("afterFinishedAt, 500 match", TaskQuery { finished: later_than(recent), ..all.clone() }),
        ("afterEnqueuedAt, half match", TaskQuery { enqueued: later_than(half), ..all }),
    ])
}
