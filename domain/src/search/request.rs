//! A client's search, and the request for each node.

use serde_json::{Map, Value};

use super::filter;
use super::page::Page;
use super::parameter;
use super::query_string;
use super::rank::{DETAILS, SCORE};
use super::retrieve::Extras;
use crate::ShardSet;
use crate::document::PrimaryKey;
use crate::error::{ErrorCode, InvalidRequest};
use crate::wording::wrong_type;

/// The default weight of semantic hits in a hybrid search.
const DEFAULT_SEMANTIC_RATIO: f64 = 0.5;

/// A search as a client sent it: Meilisearch's parameters by their names, their types checked.
///
/// # Examples
///
/// Two nodes keep one shard each. Each is sent the same query for its shard, and the responses are merged.
///
/// ```
/// use miroir_domain::search::{MergeContext, NodeQuery, NodeResponse, SearchRequest, merge};
/// use miroir_domain::{Shard, ShardSet};
/// use serde_json::{Map, json};
///
/// let request = SearchRequest::from_json(json!({"q": "alien", "limit": 2}))?;
/// let index = NodeQuery {
///     primary_key: Some(miroir_domain::document::PrimaryKey::parse("id")?),
///     distinct_attribute: None,
///     max_total_hits: 1_000,
///     max_values_per_facet: 100,
///     sort_facet_values_by: Map::new(),
/// };
/// let sent = request.for_node(Some(&ShardSet::from_iter([Shard(1)])), &index);
/// assert_eq!(sent["filter"], json!(r#"_miroir_shard IN ["⁖"]"#));
///
/// // Each node found one film; "typo" is the only ranking rule.
/// let found = |node: &str, id: u32, typos: u32| NodeResponse {
///     node: node.parse().unwrap(),
///     body: serde_json::from_value(json!({
///         "hits": [{"id": id, "_rankingScoreDetails": {"typo": {"order": 0, "typoCount": typos}}}],
///         "estimatedTotalHits": 1,
///         "processingTimeMs": 3,
///     }))
///     .unwrap(),
/// };
/// let responses = vec![found("a", 7, 1), found("b", 9, 0)];
/// let merged = merge(MergeContext { request: &request, index: &index }, responses)?;
/// assert_eq!(merged["hits"], json!([{"id": 9}, {"id": 7}]));
/// assert_eq!(merged["estimatedTotalHits"], json!(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    body: Map<String, Value>,
}

impl SearchRequest {
    /// Reads the body of `POST …/search`. Unknown names and values of a wrong type are refused with
    /// Meilisearch's codes and sentences; the first in the order of the body counts.
    pub fn from_json(body: Value) -> Result<Self, InvalidRequest> {
        let Value::Object(body) = body else {
            let message = wrong_type("", "an object", &body);
            return Err(InvalidRequest::new(ErrorCode::BadRequest, message));
        };
        for (name, value) in &body {
            parameter::check(name, value)?;
        }
        Ok(Self { body })
    }

    /// Reads the query parameters of `GET …/search`: lists are comma separated, numbers and booleans are
    /// text, `filter` may be a JSON array as text. Of a repeated parameter the last one counts.
    pub fn from_parameters<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidRequest> {
        Ok(Self { body: query_string::read(parameters)? })
    }

    /// Returns the parameters.
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Returns the body of the request for a node: every hit up to the end of the client's page, with ranking
    /// details, and only of `shards` if it is given because other nodes serve the rest. The primary key and
    /// the distinct attribute are retrieved for the merge even if the client does not request them. A
    /// numbered page with distinct requests all hits, because the values that several nodes hold could not be
    /// counted once otherwise.
    ///
    /// A `distinctAttribute` of the settings is *not* passed on as `distinct`: nodes apply their settings by
    /// themselves, and refuse a `distinct` whose attribute is not filterable, which the setting does not
    /// demand.
    pub fn for_node(&self, shards: Option<&ShardSet>, index: &NodeQuery) -> Map<String, Value> {
        let mut body = self.body.clone();
        let page = self.page();
        let page = if self.distinct(index).is_some() { page.exhaustive() } else { page };
        page.write_for_node(index.max_total_hits, &mut body);
        self.extras(index).add_to(&mut body);
        if let Some(shards) = shards {
            let filter = filter::with_shards(self.body.get("filter"), shards);
            body.insert("filter".to_owned(), filter);
        }
        body.insert("showRankingScoreDetails".to_owned(), true.into());
        if self.semantic_ratio().is_some() {
            body.insert("showRankingScore".to_owned(), true.into());
        }
        body
    }

    /// Returns the same search with `attribute` in its hits, for a caller that must identify them. Only the
    /// settings of the index can still hide it.
    #[must_use]
    pub fn retrieving(mut self, attribute: &PrimaryKey) -> Self {
        Extras::of(&self.body, [attribute.as_str()]).add_to(&mut self.body);
        self
    }

    /// Returns the number of hits before the client's page, and the maximum number on it.
    pub(crate) fn window(&self) -> (u64, u64) {
        (self.page().skip(), self.page().size())
    }

    /// Returns the attributes whose values are counted; `*` stands for all of them.
    pub(crate) fn facets(&self) -> impl Iterator<Item = &str> {
        let facets = self.body.get("facets").and_then(Value::as_array);
        facets.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Returns the client's page.
    pub(super) fn page(&self) -> Page {
        Page::of(&self.body)
    }

    /// Returns the text that is searched for; it may be empty.
    pub(super) fn query(&self) -> &str {
        self.body.get("q").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns whether the client requests counts of facet values. An empty list requests none.
    pub(super) fn wants_facets(&self) -> bool {
        self.body.get("facets").and_then(Value::as_array).is_some_and(|facets| !facets.is_empty())
    }

    /// Returns the attribute of which every value may appear once.
    pub(super) fn distinct<'a>(&'a self, index: &'a NodeQuery) -> Option<&'a str> {
        self.body.get("distinct").and_then(Value::as_str).or(index.distinct_attribute.as_deref())
    }

    /// Returns the weight of semantic hits if the search mixes hits found by words with hits found by a
    /// vector. A ratio of 0 or 1 and an empty query leave one kind of hits, which is ranked like any other
    /// search.
    pub(super) fn semantic_ratio(&self) -> Option<f64> {
        let hybrid = self.body.get("hybrid")?.as_object()?;
        let ratio = hybrid.get("semanticRatio").and_then(Value::as_f64).unwrap_or(DEFAULT_SEMANTIC_RATIO);
        (ratio > 0.0 && ratio < 1.0 && !self.query().trim().is_empty()).then_some(ratio)
    }

    /// Returns the attributes that only the merge needs: the primary key for ties, the distinct attribute,
    /// and with it the facets, because dropped duplicates are subtracted from their counts.
    pub(super) fn extras(&self, index: &NodeQuery) -> Extras {
        let primary_key = index.primary_key.as_ref().map(PrimaryKey::as_str);
        let distinct = self.distinct(index);
        let facets = self.body.get("facets").and_then(Value::as_array).filter(|_| distinct.is_some());
        let facets =
            facets.into_iter().flatten().filter_map(Value::as_str).filter(|name| !name.contains('*'));
        Extras::of(&self.body, primary_key.into_iter().chain(distinct).chain(facets))
    }

    /// Returns the keys of a hit that only the merge needs.
    pub(super) fn unwanted_scores(&self) -> impl Iterator<Item = &'static str> {
        [("showRankingScore", SCORE), ("showRankingScoreDetails", DETAILS)]
            .into_iter()
            .filter(|(parameter, _)| self.body.get(*parameter) != Some(&Value::Bool(true)))
            .map(|(_, key)| key)
    }
}

/// The facts about an index that a search needs besides the request.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeQuery {
    /// The primary key, if the index has one: the last tie-break.
    pub primary_key: Option<PrimaryKey>,
    /// `distinctAttribute` of the settings: distinct must hold across nodes.
    pub distinct_attribute: Option<String>,
    /// `pagination.maxTotalHits`.
    pub max_total_hits: u64,
    /// `faceting.maxValuesPerFacet`.
    pub max_values_per_facet: u64,
    /// `faceting.sortFacetValuesBy`: the order, `alpha` or `count`, by facet name (or `*`).
    pub sort_facet_values_by: Map<String, Value>,
}

#[cfg(test)]
#[path = "request_tests.rs"]
pub(super) mod tests;
