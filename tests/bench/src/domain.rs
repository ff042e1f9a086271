//! Cost of the domain alone: merging responses and routing documents.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use miroir_domain::document::PrimaryKey;
use miroir_domain::payload::{Payload, PayloadFormat};
use miroir_domain::placement::{Placement, shard_of};
use miroir_domain::search::{MergeContext, NodeQuery, NodeResponse, SearchRequest, merge};
use miroir_domain::topology::{Node, Topology};
use miroir_domain::{GroupId, NodeId, ShardSet};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::process::cpu_time;
use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

const NODES: u32 = 3;
const SHARDS: u32 = 64;
const DOCUMENTS: usize = 10_000;
/// Hits of each node: the limit that a node gets for the page at offset 1,000.
const HITS: u32 = 1_020;
const ROUNDS: usize = 30;

/// Measures all rows of this section.
pub fn measure() -> Result<Vec<Row>> {
    let mut rows = measure_merge()?;
    rows.extend(measure_routing()?);
    Ok(rows)
}

/// Returns a topology of three nodes in one group.
pub fn topology(replication_factor: u32) -> Result<Topology> {
    let node = |number: u32| -> Result<Node> {
        Ok(Node { id: format!("node-{}", number + 1).parse()?, group: GroupId(0) })
    };
    let nodes = (0..NODES).map(node).collect::<Result<Vec<_>>>()?;
    Ok(Topology::new(nodes, replication_factor, None)?)
}

/// Returns the facts of an index with default settings, apart from the depth of its pages.
pub fn index_facts(max_total_hits: u64) -> Result<NodeQuery> {
    Ok(NodeQuery {
        primary_key: Some(PrimaryKey::parse("id")?),
        distinct_attribute: None,
        max_total_hits,
        max_values_per_facet: 100,
        sort_facet_values_by: Map::new(),
    })
}

/// Returns the body of a response of one node: `HITS` hits in order, ranked like those of a query of words.
fn response_text(node: u32) -> String {
    let hits: Vec<Value> = (0..HITS)
        .map(|place| {
            let id = place * 3 + node;
            json!({
                "id": id,
                "title": format!("The film with the number {id}"),
                "overview": "Somebody finds something that somebody else has lost, and travels far to bring it back.",
                "genre": ["drama", "adventure"],
                "year": 1950 + id % 70,
                "_miroir_shard": "⁑",
                "_rankingScoreDetails": {
                    "words": { "order": 0, "matchingWords": 2, "maxMatchingWords": 2, "score": 1.0 },
                    "typo": { "order": 1, "typoCount": place / 600, "maxTypoCount": 2, "score": 1.0 },
                    "proximity": { "order": 2, "score": 1.0 / f64::from(1 + place / 200) },
                    "attribute": {
                        "order": 3, "attributeRankingOrderScore": 1.0,
                        "queryWordDistanceScore": 1.0 / f64::from(1 + place / 20), "score": 1.0,
                    },
                    "exactness": {
                        "order": 4, "matchType": "noExactMatch", "matchingWords": 2, "maxMatchingWords": 2, "score": 0.3,
                    },
                },
            })
        })
        .collect();
    json!({ "hits": hits, "query": "film", "processingTimeMs": 3, "limit": HITS, "offset": 0, "estimatedTotalHits": HITS })
        .to_string()
}

fn measure_merge() -> Result<Vec<Row>> {
    const GOAL: f64 = 1e-3;
    let texts: Vec<String> = (0..NODES).map(response_text).collect();
    let index = index_facts(10_000)?;
    let mut rows = Vec::new();
    for (figure, offset) in [
        ("merge of the first 20 hits from 3 nodes × 1,020, CPU", 0),
        ("merge of the 20 hits at offset 1,000 from 3 nodes × 1,020, CPU", 1_000),
    ] {
        let request = SearchRequest::from_json(json!({ "q": "film", "offset": offset, "limit": 20 }))?;
        let (mut parsing, mut merging) = (Samples::default(), Samples::default());
        for _ in 0..ROUNDS {
            let begun = cpu_time();
            let responses = texts
                .iter()
                .enumerate()
                .map(|(node, text)| read_response(node, text))
                .collect::<Result<Vec<_>>>()?;
            parsing.push(cpu_time().saturating_sub(begun));
            let begun = cpu_time();
            // Includes freeing every hit outside the page.
            black_box(merge(MergeContext { request: &request, index: &index }, responses)?);
            merging.push(cpu_time().saturating_sub(begun));
        }
        rows.push(Row::alone("domain", figure, Unit::Seconds, merging.p50(), Goal::AtMost(GOAL)));
        if offset == 0 {
            let figure = "reading the 3 answers of 1,020 hits before the merge, CPU";
            rows.push(Row::alone("domain", figure, Unit::Seconds, parsing.p50(), Goal::None));
        }
    }
    Ok(rows)
}

fn read_response(node: usize, text: &str) -> Result<NodeResponse> {
    Ok(NodeResponse { node: format!("node-{node}").parse()?, body: serde_json::from_str(text)? })
}

/// A routed document, as a payload stores it: start, length, shard.
type Routed = (usize, u32, u32);

fn measure_routing() -> Result<Vec<Row>> {
    let keys: Vec<String> = (0..DOCUMENTS).map(|number| format!("document-{number}")).collect();
    let placement = Placement::new(&topology(1)?, SHARDS);
    let body: Bytes = keys
        .iter()
        .flat_map(|key| {
            format!("{{\"id\":\"{key}\",\"title\":\"The title of {key}\",\"year\":1999}}\n").into_bytes()
        })
        .collect::<Vec<u8>>()
        .into();
    let index = "documents".parse()?;
    let primary_key = PrimaryKey::parse("id")?;
    let (mut hashing, mut routing, mut whole) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let begun = cpu_time();
        black_box(keys.iter().fold(0, |all, key| all ^ xxh3_64(black_box(key.as_bytes()))));
        hashing.push(cpu_time().saturating_sub(begun));

        let begun = cpu_time();
        black_box(route(&keys, &placement));
        routing.push(cpu_time().saturating_sub(begun));

        let begun = cpu_time();
        let payload =
            Payload::parse(PayloadFormat::Ndjson, body.clone(), &index, Some(&primary_key), SHARDS)?;
        let payload = Arc::new(payload);
        let targets = placement.write_targets(&payload.shards());
        black_box(targets.values().map(|shards| payload.part(shards)).collect::<Vec<_>>());
        whole.push(cpu_time().saturating_sub(begun));
    }
    let hashed = hashing.p50();
    Ok(vec![
        Row::alone(
            "domain",
            "routing 10,000 documents over 64 shards, 3 nodes, CPU",
            Unit::Seconds,
            routing.p50(),
            Goal::AtMostTimes(3.0),
        )
        .against("hashing the keys alone", hashed),
        Row::alone(
            "domain",
            "reading, checking and routing the same 10,000 as NDJSON, CPU",
            Unit::Seconds,
            whole.p50(),
            Goal::None,
        )
        .against("hashing the keys alone", hashed),
    ])
}

/// Routes keys like a payload and its service: the shard of each key, the total of each shard, the part of
/// each node.
fn route(keys: &[String], placement: &Placement) -> (Vec<Routed>, BTreeMap<NodeId, (ShardSet, usize)>) {
    let mut documents = Vec::with_capacity(keys.len());
    let mut totals = vec![0_usize; placement.shard_count() as usize];
    let mut start = 0;
    for key in keys {
        let shard = shard_of(key, placement.shard_count()).0;
        totals[shard as usize] += 1;
        let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
        documents.push((start, length, shard));
        start += key.len();
    }
    let touched: ShardSet = (0..)
        .map(miroir_domain::Shard)
        .zip(&totals)
        .filter(|(_, total)| **total > 0)
        .map(|(shard, _)| shard)
        .collect();
    let parts = placement
        .write_targets(&touched)
        .into_iter()
        .map(|(node, shards)| {
            let count = shards.iter().map(|shard| totals[shard.0 as usize]).sum();
            (node, (shards, count))
        })
        .collect();
    (documents, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_gives_every_document_to_one_node() {
        let keys: Vec<String> = (0..500).map(|number| format!("k{number}")).collect();
        let placement = Placement::new(&topology(1).unwrap(), SHARDS);
        let (documents, parts) = route(&keys, &placement);
        assert_eq!(documents.len(), 500);
        assert_eq!(parts.values().map(|(_, count)| count).sum::<usize>(), 500);
        let (start, length, shard) = documents[499];
        assert_eq!(start + length as usize, keys.iter().map(String::len).sum::<usize>());
        assert_eq!(shard, shard_of("k499", SHARDS).0);
    }

    #[test]
    fn responses_merge_into_a_full_page() {
        let responses =
            (0..NODES).map(|node| read_response(node as usize, &response_text(node)).unwrap()).collect();
        let request = SearchRequest::from_json(json!({ "offset": 1_000, "limit": 20 })).unwrap();
        let index = index_facts(10_000).unwrap();
        let merged = merge(MergeContext { request: &request, index: &index }, responses).unwrap();
        assert_eq!(merged["hits"].as_array().unwrap().len(), 20);
    }
}
