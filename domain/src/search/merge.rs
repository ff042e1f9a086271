//! Merging the responses of a covering set into the response of a single server.

use serde_json::{Map, Value};

use super::distinct::Distinct;
use super::facet::{DISTRIBUTION, Facets, STATS};
use super::hit::{Hit, RawHit};
use super::order::{Merged, Ranking, Unrankable};
use super::page::Page;
use super::rank::{DETAILS, VECTOR};
use super::response::SearchResponse;
use super::{NodeQuery, SearchRequest};
use crate::NodeId;
use crate::document::{PrimaryKey, strip_reserved};

/// The response of one node.
#[derive(Debug, Clone)]
pub struct NodeResponse {
    /// The node.
    pub node: NodeId,
    /// The body of its response to [`SearchRequest::for_node`].
    pub body: SearchResponse,
}

/// The facts that the merge needs besides the responses.
#[derive(Debug, Clone, Copy)]
pub struct MergeContext<'a> {
    /// The client's request.
    pub request: &'a SearchRequest,
    /// The facts about the index.
    pub index: &'a NodeQuery,
}

/// A response that is not a search result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` returned an invalid search response: {problem}")]
pub struct InvalidResponse {
    /// The node.
    pub node: NodeId,
    /// The fault.
    pub problem: String,
}

const HITS: &str = "hits";
const TOOK: &str = "processingTimeMs";
const SEMANTIC_HITS: &str = "semanticHitCount";
/// Keys that Miroir passes on as the first node returned them, before and after the keys that it merges.
const PASSED_BEFORE: [&str; 1] = ["queryVector"];
const PASSED_AFTER: [&str; 4] = ["requestUid", "metadata", "performanceDetails", "remoteErrors"];

/// Merges `responses`, one per node and none for the same shard, in the order of a single server: rule by
/// rule from `_rankingScoreDetails`, ties by primary key and then by the order of `responses`. Distinct holds
/// across nodes; facets and totals are added up; the client's page is cut out; attributes that the client did
/// not request are removed.
///
/// The order of each node's hits is kept. Hits of the page are read whole; of those before it only the
/// members that decide their place. Hits after the page are not read, unless distinct has to find the values
/// that several nodes counted.
///
/// The documentation of [`SearchRequest`] has an example.
pub fn merge(
    context: MergeContext<'_>,
    responses: Vec<NodeResponse>,
) -> Result<Map<String, Value>, InvalidResponse> {
    let page = context.request.page();
    let mut rest = Rest::default();
    let mut nodes = Vec::with_capacity(responses.len());
    let mut lists = Vec::with_capacity(responses.len());
    let mut distributions = Vec::new();
    for NodeResponse { node, body: SearchResponse { hits, rest: mut body } } in responses {
        let invalid = |problem| InvalidResponse { node: node.clone(), problem };
        lists.push(hits.ok_or_else(|| invalid(format!("no `{HITS}`")))?);
        distributions
            .extend(body.shift_remove(DISTRIBUTION).map(|distribution| (node.clone(), distribution)));
        rest.add(page, body).map_err(invalid)?;
        nodes.push(node);
    }
    for (node, distribution) in distributions {
        rest.has_facets = true;
        rest.facets.add_distribution(distribution).map_err(|problem| InvalidResponse { node, problem })?;
    }
    let hits = take_page(context, page, lists, &mut rest)
        .map_err(|Unrankable { node, problem }| InvalidResponse { node: nodes[node].clone(), problem })?;
    Ok(rest.finish(context, page, hits))
}

/// Takes the hits of the page out of the merged lists. Dropped duplicates are subtracted from totals and
/// facets.
fn take_page(
    context: MergeContext<'_>,
    page: Page,
    lists: Vec<Vec<RawHit>>,
    rest: &mut Rest,
) -> Result<Vec<Hit>, Unrankable> {
    let MergeContext { request, index } = context;
    let ranking = Ranking {
        primary_key: index.primary_key.as_ref().map(PrimaryKey::as_str),
        semantic_ratio: request.semantic_ratio(),
    };
    let attribute = request.distinct(index);
    let mut distinct = Distinct::new(attribute);
    let mut merged = Merged::new(lists, &ranking)?;
    let (skip, end) = (page.skip(), page.end(index.max_total_hits));
    let mut hits = Vec::new();
    let mut place = 0;
    while attribute.is_some() || place < end {
        let Some(next) = merged.next()? else { break };
        let is_shown = (skip..end).contains(&place);
        if attribute.is_none() && !is_shown {
            place += 1;
            continue;
        }
        let hit = next.read()?;
        if !distinct.keeps(&hit) {
            rest.total = rest.total.saturating_sub(1);
            rest.facets.forget(&hit);
            continue;
        }
        if is_shown {
            hits.push(hit);
        }
        place += 1;
    }
    Ok(hits)
}

/// The sum of the responses without their hits.
#[derive(Debug, Default)]
struct Rest {
    total: u64,
    took: u64,
    has_facets: bool,
    facets: Facets,
    is_semantic: bool,
    /// The keys that are passed on, each from the first node that returned it.
    passed: Map<String, Value>,
}

impl Rest {
    /// Adds a response without its hits and facet counts.
    fn add(&mut self, page: Page, body: Map<String, Value>) -> Result<(), String> {
        let total = body.get(page.total_key()).and_then(Value::as_u64);
        let total = total.ok_or_else(|| format!("no number `{}`", page.total_key()))?;
        self.total = self.total.saturating_add(total);
        for (key, value) in body {
            match key.as_str() {
                TOOK => self.took = self.took.max(value.as_u64().unwrap_or(0)),
                STATS => self.facets.add_stats(&value)?,
                SEMANTIC_HITS => self.is_semantic = true,
                // These keys are made from the client's request, because the nodes were sent another one.
                "query" | "offset" | "limit" | "page" | "hitsPerPage" | "totalPages" | "totalHits"
                | "estimatedTotalHits" => {}
                _ => {
                    self.passed.entry(key).or_insert(value);
                }
            }
        }
        Ok(())
    }

    /// Returns the client's response, its keys in the order of a server.
    fn finish(mut self, context: MergeContext<'_>, page: Page, hits: Vec<Hit>) -> Map<String, Value> {
        let MergeContext { request, index } = context;
        // A server counts the semantic hits of the page that it shows, so they are counted again.
        let semantic_hits = hits
            .iter()
            .filter(|hit| hit.get(DETAILS).is_some_and(|rules| rules.get(VECTOR).is_some()))
            .count();
        let mut response = Map::new();
        response.insert(HITS.to_owned(), clean(context, hits));
        response.insert("query".to_owned(), request.query().into());
        self.pass(&PASSED_BEFORE, &mut response);
        response.insert(TOOK.to_owned(), self.took.into());
        page.describe(self.total, &mut response);
        if self.has_facets || request.wants_facets() {
            let (distribution, stats) = std::mem::take(&mut self.facets).finish(index, self.total);
            response.insert(DISTRIBUTION.to_owned(), distribution.into());
            response.insert(STATS.to_owned(), stats.into());
        }
        self.pass(&PASSED_AFTER, &mut response);
        if self.is_semantic {
            response.insert(SEMANTIC_HITS.to_owned(), semantic_hits.into());
        }
        response.extend(self.passed);
        response
    }

    fn pass(&mut self, keys: &[&str], response: &mut Map<String, Value>) {
        for key in keys {
            response.extend(self.passed.shift_remove_entry(*key));
        }
    }
}

/// Removes from the hits the attributes that only the merge needed, and Miroir's own.
fn clean(context: MergeContext<'_>, hits: Vec<Hit>) -> Value {
    let extras = context.request.extras(context.index);
    let unwanted: Vec<&str> = context.request.unwanted_scores().collect();
    hits.into_iter()
        .map(|mut hit| {
            for key in &unwanted {
                hit.shift_remove(*key);
            }
            extras.remove_from(&mut hit);
            strip_reserved(&mut hit);
            Value::Object(hit)
        })
        .collect()
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
