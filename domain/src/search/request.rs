//! A client's search, and what each node is asked for it.

use serde_json::{Map, Value};

use crate::ShardSet;
use crate::document::PrimaryKey;
use crate::error::InvalidRequest;

/// A search as a client sent it: Meilisearch's parameters by their names, the ones Miroir must understand checked.
/// Parameters Miroir does not know are kept and passed to the nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    body: Map<String, Value>,
}

impl SearchRequest {
    /// Reads the body of `POST …/search`. The parameters Miroir interprets (page, filter, sort, facets, …) must
    /// have the right type; errors carry Meilisearch's codes.
    pub fn from_json(body: Value) -> Result<Self, InvalidRequest> {
        let _ = body;
        unimplemented!()
    }

    /// Reads the query parameters of `GET …/search`: lists are comma separated, numbers and booleans are text,
    /// `filter` may be a JSON array as text.
    pub fn from_parameters<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidRequest> {
        let _ = parameters.into_iter().count();
        unimplemented!()
    }

    /// The parameters, for logs and tests.
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// What a node is asked: every hit up to the end of the client's page, ranking details shown, and, when
    /// `shards` is given because another node serves the rest, only those shards. The primary key and the distinct
    /// attribute are retrieved for the merge even when the client did not ask for them.
    pub fn for_node(&self, shards: Option<&ShardSet>, index: &NodeQuery) -> Map<String, Value> {
        let _ = (shards, index);
        unimplemented!()
    }
}

/// What a search needs to know of its index, beside the request.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeQuery {
    /// The index's primary key, when it has one: the last tie-break.
    pub primary_key: Option<PrimaryKey>,
    /// `distinctAttribute` of the settings: distinct must hold across nodes.
    pub distinct_attribute: Option<String>,
    /// `pagination.maxTotalHits`.
    pub max_total_hits: u64,
    /// `faceting.maxValuesPerFacet`.
    pub max_values_per_facet: u64,
    /// `faceting.sortFacetValuesBy`: facet name (or `*`) to `alpha` or `count`.
    pub sort_facet_values_by: Map<String, Value>,
}
