//! Searches: scattered over a covering set, merged as one server would answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use miroir_domain::search::{MergeContext, NodeAnswer, SearchRequest, merge};
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{Answer, ApiError, SearchApi};
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::{Map, Value};

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
        let cost = |node: &NodeId| self.cluster.read_cost(&index, node);
        let gathered = gather(&self.cluster, &entry, &groups, cost, |node, shards, partial| {
            let body = request.for_node(partial.then_some(&shards), &facts);
            let read = NodeRead::Search(index.clone(), body);
            let cluster = Arc::clone(&self.cluster);
            async move {
                let answer = cluster.nodes.node_read(&node, read, cluster.timeouts.search).await?;
                as_result(answer).ok_or_else(|| NodeError::Unknown {
                    node,
                    reason: "its answer to a search is no search result".to_owned(),
                })
            }
        })
        .await?;
        let answers = gathered.answers.into_iter().map(|(node, body)| NodeAnswer { node, body }).collect();
        let context = MergeContext { request: &request, index: &facts };
        let body = merge(context, answers).map_err(|invalid| {
            ApiError::refused(miroir_domain::error::ErrorCode::MiroirShardUnavailable, invalid.to_string())
        })?;
        Ok(Answer { body: Value::Object(body), degraded: gathered.degraded })
    }
}

/// The answer, if it looks like a search result. Another replica can take the place of a node whose answer does not;
/// once merging has begun it is too late for that.
fn as_result(answer: Value) -> Option<Map<String, Value>> {
    let Value::Object(answer) = answer else { return None };
    let hits = answer.get("hits")?.as_array()?;
    let has_total =
        ["estimatedTotalHits", "totalHits"].iter().any(|key| answer.get(*key).is_some_and(Value::is_u64));
    (has_total && hits.iter().all(Value::is_object)).then_some(answer)
}
