//! Document writes until they are acknowledged.
//!
//! The reference sends every node, at the same moment, the same part as Miroir does, for another index on the
//! same nodes, and waits for the slowest acknowledgement.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use miroir_domain::document::{PrimaryKey, SHARD_FIELD};
use miroir_domain::payload::{Payload, PayloadFormat};
use miroir_domain::placement::Placement;
use miroir_e2e::Cluster;
use serde_json::json;

use super::document::{document, ndjson};
use super::http::{Connection, Request, slowest};
use super::target::{SECTION, SHARDS, node_clients};
use crate::domain::topology;
use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

const WRITES: u32 = 200;
const WARM_UP: u32 = 10;
const DOCUMENTS: u32 = 100;
const OVERVIEW_WORDS: usize = 30;
const NDJSON: &str = "application/x-ndjson";

pub async fn measure(cluster: &mut Cluster) -> Result<Vec<Row>> {
    prepare(cluster).await?;
    let placement = Placement::new(&topology(2)?, SHARDS);
    let mut miroir = Connection::open(cluster.client().base_url()).await?;
    let mut nodes = Vec::new();
    for node in cluster.nodes() {
        nodes.push(Connection::open(node.url()).await?);
    }
    let (mut own, mut bare) = (Samples::default(), Samples::default());
    for number in 0..WARM_UP + WRITES {
        let body = Bytes::from(ndjson(number * DOCUMENTS, DOCUMENTS as usize, OVERVIEW_WORDS, usize::MAX));
        let parts = parts(&body, &placement, number)?;
        let request = Request::post("/indexes/cluster/documents", NDJSON, &body);
        // The order alternates, since the first of the two finds idle nodes.
        let (through_miroir, directly) = if number % 2 == 0 {
            let through_miroir = miroir.exchange(&request).await?;
            (through_miroir, slowest(&mut nodes, &parts).await?)
        } else {
            let directly = slowest(&mut nodes, &parts).await?;
            (miroir.exchange(&request).await?, directly)
        };
        if number >= WARM_UP {
            own.push(through_miroir);
            bare.push(directly);
        }
    }
    let reference = "slowest node's own for its part";
    let row = |figure, measured, goal| Row::alone(SECTION, figure, Unit::Seconds, measured, goal);
    Ok(vec![
        row("write of 100 documents acknowledged, RF 2, p50", own.p50(), Goal::AtMostTimes(1.3))
            .against(reference, bare.p50()),
        row("write of 100 documents acknowledged, RF 2, p99", own.p99(), Goal::AtMostTimes(2.0))
            .against(reference, bare.p99()),
    ])
}

/// Creates an index through Miroir, and an equal one on every node directly.
async fn prepare(cluster: &mut Cluster) -> Result<()> {
    let first = json!([document(0, OVERVIEW_WORDS)]);
    cluster.client().write("POST", "/indexes/cluster/documents", first).await?;
    for node in node_clients(cluster)? {
        node.write("POST", "/indexes", json!({ "uid": "bare", "primaryKey": "id" })).await?;
        node.write("PUT", "/indexes/bare/settings/filterable-attributes", json!([SHARD_FIELD])).await?;
    }
    Ok(())
}

/// Returns the requests that Miroir sends for `body`, in the order of the nodes.
fn parts(body: &Bytes, placement: &Placement, number: u32) -> Result<Vec<Request>> {
    let primary_key = PrimaryKey::parse("id")?;
    let index = "bare".parse()?;
    let payload = Payload::parse(PayloadFormat::Ndjson, body.clone(), &index, Some(&primary_key), SHARDS)?;
    let payload = Arc::new(payload);
    let path = format!("/indexes/bare/documents?primaryKey=id&customMetadata=miroir%3A{number}");
    let mut targets = placement.write_targets(&payload.shards());
    (1..=3)
        .map(|node| {
            let shards =
                targets.remove(&format!("node-{node}").parse()?).context("a node without documents")?;
            let part: Vec<u8> = payload.part(&shards).chunks().flatten().collect();
            Ok(Request::post(&path, NDJSON, &part))
        })
        .collect()
}
