//! Converts rows to views of the port.

use miroir_domain::Timestamp;
use miroir_domain::canary::{Canary, CanaryId, CanaryRun, RunSummary, due_at, is_overdue};
use miroir_ports::inbound::{CanaryCounts, CanaryRunView, CanarySummary, CanaryView};

/// Returns the view of a canary.
pub(super) fn canary(row: Canary) -> CanaryView {
    CanaryView {
        configured: CanaryId::marks_configured(&row.id),
        id: row.id,
        name: row.name,
        index: row.index_uid,
        interval_seconds: row.interval_s,
        query: row.query,
        assertions: row.assertions,
        enabled: row.enabled,
        created_at: row.created_at,
        version: row.version,
    }
}

/// Returns the view of a run.
pub(super) fn run(row: CanaryRun) -> CanaryRunView {
    CanaryRunView {
        ran_at: row.ran_at,
        status: row.status,
        latency_ms: row.latency_ms,
        failed_assertions: row.failed_assertions,
    }
}

/// Returns the summary of a canary whose runs are `runs`, newest first.
pub(super) fn summary(row: Canary, runs: Vec<CanaryRun>, now: Timestamp) -> CanarySummary {
    let RunSummary { counts, consecutive_failures } = RunSummary::of(&runs);
    let last = runs.into_iter().next();
    let due = due_at(&row, last.as_ref(), now);
    CanarySummary {
        configured: CanaryId::marks_configured(&row.id),
        overdue: is_overdue(&row, due, now),
        next_run_at: row.enabled.then_some(due),
        last_status: last.as_ref().map(|run| run.status),
        last_run: last.map(run),
        consecutive_failures,
        counts: CanaryCounts { pass: counts.pass, fail: counts.fail, error: counts.error },
        id: row.id,
        name: row.name,
        index: row.index_uid,
        enabled: row.enabled,
    }
}
