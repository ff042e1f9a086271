//! Repair of one large shard while a client writes.
//!
//! The reference is the same client on the same cluster, with all replicas in sync.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use miroir_e2e::{Client, Cluster, NodeKind};
use serde_json::{Value, json};

use crate::binary;
use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

const SECTION: &str = "repair";
const BATCH: u32 = 10_000;
/// Writes of the reference.
const WRITES: u32 = 3_000;
/// The goal for the longest hold of the write order, in seconds.
const HOLD: f64 = 0.1;
/// The pause between two looks at the replicas.
const POLL: Duration = Duration::from_millis(200);

/// Repairs a shard of `documents` documents `times` times, and returns the rows.
pub async fn measure(kind: NodeKind, folder: &Path, documents: u32, times: u32) -> Result<Vec<Row>> {
    let mut cluster = start(kind, folder).await?;
    let client = cluster.client();
    for first in (0..documents).step_by(BATCH as usize) {
        let body = (first..documents.min(first + BATCH)).map(|id| document(id, 0)).collect();
        let task = client.write("POST", "/indexes/large/documents", body).await?;
        ensure!(task["status"] == "succeeded", "the documents are not loaded: {task}");
    }
    let mut number = 1;
    let mut without = Samples::default();
    for _ in 0..WRITES {
        without.push(write(&client, documents, &mut number).await?);
    }
    let (mut during, mut spans) = (Samples::default(), Samples::default());
    for round in 0..times {
        cluster.node(1).kill().await?;
        client.write("POST", "/indexes/large/documents", json!([document(0, number)])).await?;
        cluster.node(1).restart().await?;
        let begun = tokio::time::Instant::now();
        let mut looked = begun;
        loop {
            during.push(write(&client, documents, &mut number).await?);
            if looked.elapsed() >= POLL {
                looked = tokio::time::Instant::now();
                if is_in_sync(&client).await? {
                    break;
                }
            }
        }
        spans.push(begun.elapsed());
        eprintln!("  repaired {} of {times} times ({:.0} s)", round + 1, begun.elapsed().as_secs_f64());
    }
    let longest = longest_hold(&client).await?;
    let what = format!("shard of {documents} documents under writes, {times} times");
    let row = |figure: String, measured, goal| Row::alone(SECTION, figure, Unit::Seconds, measured, goal);
    Ok(vec![
        row(format!("{what}: bound of the longest hold of the write order"), longest, Goal::AtMost(HOLD)),
        row(format!("{what}: acknowledgement of a write, p99.9"), during.p999(), Goal::AtMostTimes(1.5))
            .against("without repair", without.p999()),
        row(format!("{what}: acknowledgement of a write, p50"), during.p50(), Goal::None)
            .against("without repair", without.p50()),
        row(format!("{what}: from the return of the node, p50"), spans.p50(), Goal::None),
    ])
}

async fn start(kind: NodeKind, folder: &Path) -> Result<Cluster> {
    Cluster::builder()
        .kind(kind)
        .nodes(2)
        .replication_factor(2)
        .shard_count(1)
        .program(binary::path()?)
        .configuration(json!({
            "store": { "path": folder.join("repair.db") },
            "cluster": { "write_quorum": 1 },
            "log": { "level": "info", "format": "json" },
        }))
        .start()
        .await
        .context("cannot start the cluster")
}

fn document(id: u32, version: u32) -> Value {
    json!({ "id": id, "title": format!("document number {id}"), "genre": id % 20, "version": version })
}

/// Writes one document, and returns the time until it is acknowledged.
async fn write(client: &Client, documents: u32, number: &mut u32) -> Result<Duration> {
    *number += 1;
    // Some documents again and again, and others once.
    let id = if number.is_multiple_of(4) { *number % 16 } else { number.wrapping_mul(7_919) % documents };
    let begun = tokio::time::Instant::now();
    let body = json!([document(id, *number)]);
    client.call("POST", "/indexes/large/documents", body).await?.expect(202)?;
    Ok(begun.elapsed())
}

async fn is_in_sync(client: &Client) -> Result<bool> {
    let report = client.get("/_miroir/replicas").await?.expect(200)?;
    Ok(report["complete"] == true && report["results"].as_array().is_some_and(Vec::is_empty))
}

/// Returns the bound of the bucket that has the longest hold.
async fn longest_hold(client: &Client) -> Result<f64> {
    let page = client.get("/_miroir/metrics").await?.expect(200)?;
    let page = page.as_str().context("the metrics are not a text")?;
    let name = "miroir_repair_hold_seconds";
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    let count = page.lines().find(|line| line.starts_with(&format!("{name}_count"))).and_then(value);
    let count = count.context("there is no histogram of holds")?;
    ensure!(count > 0.0, "nothing was repaired");
    let buckets = page.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
    let whole = buckets.filter(|line| value(line).is_some_and(|value| value >= count));
    let bound = |line: &str| line.split('"').nth(1)?.replace("+Inf", "inf").parse::<f64>().ok();
    Ok(whole.filter_map(bound).fold(f64::INFINITY, f64::min))
}
