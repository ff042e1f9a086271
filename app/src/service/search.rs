//! Searches: scattered over a covering set, merged as one server would answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use miroir_domain::error::ErrorCode;
use miroir_domain::search::{InvalidAnswer, MergeContext, NodeAnswer, SearchRequest, merge};
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{Answer, ApiError, SearchApi};
use miroir_ports::outbound::NodeSearch;
use serde_json::Value;

use super::fan_out::{gather, rotated_groups};
use super::index_facts::IndexFacts;
use crate::cluster::Cluster;

/// Implements [`SearchApi`].
pub struct SearchService {
    cluster: Arc<Cluster>,
    facts: IndexFacts,
    turn: AtomicUsize,
}

impl SearchService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        let facts = IndexFacts::new(Arc::clone(&cluster));
        Self { cluster, facts, turn: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl SearchApi for SearchService {
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<Answer, ApiError> {
        let entry = self.cluster.known_index(&index).await?;
        let facts = self.facts.of(&entry).await?;
        let groups = rotated_groups(&self.cluster, self.turn.fetch_add(1, Ordering::Relaxed));
        // Nodes whose answer was no search result: as useless as no answer, and known only once answers are merged.
        let mut unusable: BTreeMap<NodeId, InvalidAnswer> = BTreeMap::new();
        loop {
            let cost = |node: &NodeId| {
                if unusable.contains_key(node) { None } else { self.cluster.read_cost(&index, node) }
            };
            let gathered = gather(&self.cluster, &entry, &groups, cost, |node, shards, partial| {
                let body = request.for_node(partial.then_some(&shards), &facts);
                let search = NodeSearch { index: index.clone(), body };
                let cluster = Arc::clone(&self.cluster);
                async move { cluster.nodes.node_search(&node, search, cluster.timeouts.search).await }
            })
            .await
            .map_err(|error| explained(error, &unusable))?;
            let answers =
                gathered.answers.into_iter().map(|(node, body)| NodeAnswer { node, body }).collect();
            match merge(MergeContext { request: &request, index: &facts }, answers) {
                Ok(body) => return Ok(Answer { body: Value::Object(body), degraded: gathered.degraded }),
                // Only nodes that are not in the map were asked, so it grows with every round, and the rounds end.
                Err(invalid) => {
                    tracing::warn!(%index, "{invalid}; asking others");
                    unusable.insert(invalid.node.clone(), invalid);
                }
            }
        }
    }
}

/// The error of a search that has no node left to ask, with what made nodes unusable.
fn explained(error: ApiError, unusable: &BTreeMap<NodeId, InvalidAnswer>) -> ApiError {
    match error {
        ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, message } if !unusable.is_empty() => {
            let reasons: Vec<String> = unusable.values().map(ToString::to_string).collect();
            ApiError::refused(
                ErrorCode::MiroirShardUnavailable,
                format!("{message} Before that, {}.", reasons.join("; ")),
            )
        }
        other => other,
    }
}
