//! Resident memory of the `miroir serve` process.

use std::time::Duration;

use anyhow::{Context, Result};
use miroir_e2e::{Cluster, TIMEOUT};
use tokio::time::{sleep, timeout};

use super::document::{document, ndjson};
use super::target::SECTION;
use crate::process;
use crate::row::{Goal, Row, Unit};

/// Time without requests before Miroir counts as idle: some rounds of all its background work.
const REST: Duration = Duration::from_secs(3);
const IMPORT_BYTES: usize = 90_000_000;
const IDLE_LIMIT: f64 = 40e6;
const IMPORT_LIMIT: f64 = 150e6;

/// Measures the memory of an idle Miroir.
pub async fn measure_idle(cluster: &mut Cluster) -> Result<Vec<Row>> {
    sleep(REST).await;
    let idle = resident(cluster, "VmRSS")?;
    Ok(vec![Row::alone(SECTION, "resident memory, idle", Unit::Bytes, idle, Goal::AtMost(IDLE_LIMIT))])
}

/// Measures the peak memory of Miroir during an import in one request.
pub async fn measure_import(cluster: &mut Cluster) -> Result<Vec<Row>> {
    let client = cluster.client();
    client.write("POST", "/indexes/import/documents", serde_json::json!([document(0, 60)])).await?;
    sleep(REST).await;
    let idle = resident(cluster, "VmRSS")?;
    let body = ndjson(1, usize::MAX, 60, IMPORT_BYTES);
    let request = client
        .request("POST", "/indexes/import/documents")?
        .header("content-type", "application/x-ndjson")
        .body(body);
    let response =
        timeout(2 * TIMEOUT, client.send(request)).await.context("the import has no response")??;
    response.expect(202)?;
    let peak = resident(cluster, "VmHWM")?;
    let row = Row::alone(
        SECTION,
        "resident memory, most during an import of 90 MB of NDJSON",
        Unit::Bytes,
        peak,
        Goal::AtMostAbove(IMPORT_LIMIT),
    );
    Ok(vec![row.against("idle before it", idle)])
}

fn resident(cluster: &mut Cluster, key: &str) -> Result<f64> {
    let pid = cluster.miroir().process().id().context("miroir does not run")?;
    let bytes = process::memory(pid, key)?;
    // Memory is far smaller than 2^52 bytes.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let bytes = bytes as f64;
    Ok(bytes)
}
