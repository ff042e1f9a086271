//! Leases of one caller.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use miroir_ports::outbound::{Acquire, TaskStore};
use tokio::time::Instant;

use super::now;
use crate::row::{Goal, Row, Unit};
use crate::samples::rate;

const SPAN: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(10);

/// Returns one row: the rate of acquiring and renewing leases, against the rate `bare` of `what`. Each scope
/// is acquired and renewed once.
pub async fn measure(
    section: &'static str,
    store: &Arc<dyn TaskStore>,
    what: &str,
    bare: f64,
) -> Result<Vec<Row>> {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < SPAN {
        let scope = format!("scope-{calls}");
        let Acquire::Acquired(lease) = store.lease_acquire(&scope, "holder", TTL, now()).await? else {
            bail!("the lease of {scope} is held")
        };
        let renewed = store.lease_renew(&scope, "holder", lease.token, TTL, now()).await?;
        anyhow::ensure!(renewed.is_some(), "the lease of {scope} is lost");
        calls += 2;
    }
    let rate = rate(calls, begun.elapsed());
    let row = Row::alone(
        section,
        "lease_acquire and lease_renew, calls",
        Unit::PerSecond,
        rate,
        Goal::AtLeastTimes(0.5),
    );
    Ok(vec![row.against(what, bare)])
}
