//! Merging the answers of a covering set into the answer a single server would give.

use serde_json::{Map, Value};

use super::{NodeQuery, SearchRequest};
use crate::NodeId;

/// What one node answered.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeAnswer {
    /// The node.
    pub node: NodeId,
    /// The body of its answer to [`SearchRequest::for_node`].
    pub body: Map<String, Value>,
}

/// What the merge needs beside the answers.
#[derive(Debug, Clone, Copy)]
pub struct MergeContext<'a> {
    /// The client's request.
    pub request: &'a SearchRequest,
    /// The index.
    pub index: &'a NodeQuery,
}

/// An answer that is no search result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` answered a search with {problem}")]
pub struct InvalidAnswer {
    /// The node.
    pub node: NodeId,
    /// What is wrong with it.
    pub problem: String,
}

/// Merges `answers` (one per node, no shard answered twice) in the order one server would give: rule by rule from
/// `_rankingScoreDetails`, ties by primary key; distinct across nodes; facets and totals added up; the client's page
/// cut out; everything the client did not ask for removed.
pub fn merge(
    context: MergeContext<'_>,
    answers: Vec<NodeAnswer>,
) -> Result<Map<String, Value>, InvalidAnswer> {
    let _ = (context, answers);
    unimplemented!()
}
