//! Searches: scattered over a covering set, merged as one server would answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::search::{
    InvalidResponse, MergeContext, NodeQuery, NodeResponse, SearchRequest, SearchResponse, merge,
};
use miroir_domain::{GroupId, IndexUid, NodeId};
use miroir_ports::inbound::{ApiError, ReadResponse, SearchApi};
use miroir_ports::outbound::NodeSearch;
use serde_json::Value;

use super::fan_out::{Gathered, gather, rotated_groups};
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
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        self.search_all(&[index], request).await
    }
}

/// An index to be searched, and what its settings say.
struct Searched {
    entry: IndexEntry,
    facts: Arc<NodeQuery>,
}

impl SearchService {
    /// Searches `indexes` (not empty) as if they were one. Where their settings differ, the first one's decide what is
    /// common to the answer: primary key for ties, distinct attribute, limits. Documents of one id in two indexes are two
    /// documents.
    pub async fn search_all(
        &self,
        indexes: &[IndexUid],
        request: SearchRequest,
    ) -> Result<ReadResponse, ApiError> {
        let searched = try_join_all(indexes.iter().map(|index| self.look_up(index))).await?;
        let first = searched.first().ok_or_else(|| ApiError::Internal("a search of no index".to_owned()))?;
        let facts = Arc::clone(&first.facts);
        let groups = rotated_groups(&self.cluster, self.turn.fetch_add(1, Ordering::Relaxed));
        // Nodes whose answer was no search result: as useless as no answer, and known only once answers are merged.
        let mut unusable: BTreeMap<NodeId, InvalidResponse> = BTreeMap::new();
        loop {
            let asked = searched.iter().map(|one| self.ask(one, &request, &groups, &unusable));
            let gathered = try_join_all(asked).await.map_err(|error| explained(error, &unusable))?;
            let degraded =
                gathered.iter().filter_map(|gathered| gathered.degraded.clone()).reduce(Degraded::and);
            let answers = gathered.into_iter().flat_map(|gathered| gathered.answers);
            let answers = answers.map(|(node, body)| NodeResponse { node, body }).collect();
            match merge(MergeContext { request: &request, index: &facts }, answers) {
                Ok(body) => {
                    if degraded.is_some() {
                        self.cluster.metrics.search_degraded();
                    }
                    return Ok(ReadResponse { body: Value::Object(body), degraded });
                }
                // Only nodes that are not in the map were asked, so it grows with every round, and the rounds end.
                Err(invalid) => {
                    tracing::warn!(index = %indexes[0], "{invalid}; asking others");
                    unusable.insert(invalid.node.clone(), invalid);
                }
            }
        }
    }

    async fn look_up(&self, index: &IndexUid) -> Result<Searched, ApiError> {
        let entry = self.cluster.known_index(index).await?;
        let facts = self.facts.of(&entry).await?;
        Ok(Searched { entry, facts })
    }

    /// Asks a covering set of nodes for what they have of one index.
    async fn ask(
        &self,
        searched: &Searched,
        request: &SearchRequest,
        groups: &[GroupId],
        unusable: &BTreeMap<NodeId, InvalidResponse>,
    ) -> Result<Gathered<SearchResponse>, ApiError> {
        let Searched { entry, facts } = searched;
        let cost = |node: &NodeId| {
            if unusable.contains_key(node) { None } else { self.cluster.read_cost(&entry.uid, node) }
        };
        let asked = AtomicUsize::new(0);
        let gathered = gather(&self.cluster, entry, groups, cost, |node, shards, partial| {
            asked.fetch_add(1, Ordering::Relaxed);
            let body = request.for_node(partial.then_some(&shards), facts);
            let search = NodeSearch { index: entry.uid.clone(), body };
            let cluster = Arc::clone(&self.cluster);
            async move { cluster.nodes.node_search(&node, search, cluster.timeouts.search).await }
        })
        .await;
        self.cluster.metrics.search_asked(asked.into_inner());
        gathered
    }
}

/// The error of a search that has no node left to ask, with what made nodes unusable.
fn explained(error: ApiError, unusable: &BTreeMap<NodeId, InvalidResponse>) -> ApiError {
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
