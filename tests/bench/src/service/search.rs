//! Searches over three nodes that hold a third of the documents each.
//!
//! The reference sends every node, at the same moment, the same request as Miroir does, and waits for the
//! slowest response. No proxy can be faster.

use anyhow::Result;
use miroir_domain::search::SearchRequest;
use miroir_e2e::Cluster;
use serde_json::{Value, json};

use super::document::{document, queries};
use super::http::{Connection, Request, slowest};
use super::target::SECTION;
use crate::domain::index_facts;
use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

const DOCUMENTS: u32 = 3_000;
const OVERVIEW_WORDS: usize = 40;
const ROUNDS: usize = 25;
const WARM_UP: usize = 3;
/// The default of Meilisearch.
const MAX_TOTAL_HITS: u64 = 1_000;

pub async fn measure(cluster: &mut Cluster) -> Result<Vec<Row>> {
    let client = cluster.client();
    let settings = json!({ "filterableAttributes": ["genre"], "sortableAttributes": ["year"] });
    client.write("POST", "/indexes", json!({ "uid": "films", "primaryKey": "id" })).await?;
    client.write("PATCH", "/indexes/films/settings", settings).await?;
    let documents: Vec<Value> = (0..DOCUMENTS).map(|number| document(number, OVERVIEW_WORDS)).collect();
    client.write("POST", "/indexes/films/documents", Value::Array(documents)).await?;

    let mut miroir = Connection::open(client.base_url()).await?;
    let mut nodes = Vec::new();
    for node in cluster.nodes() {
        nodes.push(Connection::open(node.url()).await?);
    }
    let index = index_facts(MAX_TOTAL_HITS)?;
    let mut pairs = Vec::new();
    for query in queries() {
        let sent = Value::Object(SearchRequest::from_json(query.clone())?.for_node(None, &index));
        let sent = search(&sent);
        pairs.push((search(&query), vec![sent.clone(), sent.clone(), sent]));
    }
    let (mut own, mut bare) = (Samples::default(), Samples::default());
    for round in 0..WARM_UP + ROUNDS {
        for (query, sent) in &pairs {
            let directly = slowest(&mut nodes, sent).await?;
            let through_miroir = miroir.exchange(query).await?;
            if round >= WARM_UP {
                own.push(through_miroir);
                bare.push(directly);
            }
        }
    }
    let reference = "slowest node's own answer";
    let row = |figure, measured, goal| Row::alone(SECTION, figure, Unit::Seconds, measured, goal);
    Ok(vec![
        row("search over 3 nodes, p50", own.p50(), Goal::AtMostTimesAnd(1.1, 1e-3))
            .against(reference, bare.p50()),
        row("search over 3 nodes, p99", own.p99(), Goal::AtMostTimes(2.0)).against(reference, bare.p99()),
    ])
}

fn search(body: &Value) -> Request {
    Request::post("/indexes/films/search", "application/json", body.to_string().as_bytes())
}
