//! Searches a covering set of nodes, and merges their responses in the order of a single server.

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
use miroir_ports::outbound::{NodeSearch, Occurrence};
use serde_json::Value;

use crate::alias::AliasResolver;
use crate::cluster::{ActiveCluster, Cluster};
use crate::read::{Gathered, IndexFacts, gather, rotated_groups};

/// Implements [`SearchApi`].
pub struct SearchService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
    facts: IndexFacts,
    turn: AtomicUsize,
}

impl SearchService {
    /// Creates a service over the active cluster.
    pub fn new(cluster: Arc<ActiveCluster>, aliases: Arc<AliasResolver>) -> Self {
        Self { cluster, aliases, facts: IndexFacts::default(), turn: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl SearchApi for SearchService {
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        let indexes = self.aliases.readable(&index).await?;
        self.search_all(&self.cluster.current_reader().await?, &indexes, request).await
    }
}

/// An index that is searched, with the facts of its settings.
struct Searched {
    entry: IndexEntry,
    facts: Arc<NodeQuery>,
}

impl SearchService {
    /// Searches `indexes` (not empty) as if they were one. If their settings differ, those of the first
    /// apply to the whole response: primary key for ties, distinct attribute, limits. Documents of one id
    /// in two indexes are two documents.
    async fn search_all(
        &self,
        cluster: &Arc<Cluster>,
        indexes: &[IndexUid],
        request: SearchRequest,
    ) -> Result<ReadResponse, ApiError> {
        let searched = try_join_all(indexes.iter().map(|index| self.look_up(cluster, index))).await?;
        let first = searched.first().ok_or_else(|| ApiError::Internal("a search of no index".to_owned()))?;
        let facts = Arc::clone(&first.facts);
        let groups = rotated_groups(cluster, self.turn.fetch_add(1, Ordering::Relaxed));
        // Nodes with invalid responses, which show only when responses are merged.
        let mut unusable: BTreeMap<NodeId, InvalidResponse> = BTreeMap::new();
        loop {
            let calls = searched.iter().map(|one| scatter(cluster, one, &request, &groups, &unusable));
            let gathered = try_join_all(calls).await.map_err(|error| explained(error, &unusable))?;
            let degraded =
                gathered.iter().filter_map(|gathered| gathered.degraded.clone()).reduce(Degraded::and);
            let responses = gathered.into_iter().flat_map(|gathered| gathered.responses);
            let responses = responses.map(|(node, body)| NodeResponse { node, body }).collect();
            match merge(MergeContext { request: &request, index: &facts }, responses) {
                Ok(body) => {
                    if degraded.is_some() {
                        cluster.observer.observe(Occurrence::SearchDegraded);
                    }
                    return Ok(ReadResponse { body: Value::Object(body), degraded });
                }
                // Only nodes that are not in the map were called, so it grows with every round, and the
                // rounds end.
                Err(invalid) => {
                    tracing::warn!(index = %indexes[0], "{invalid}; searching other replicas");
                    unusable.insert(invalid.node.clone(), invalid);
                }
            }
        }
    }

    async fn look_up(&self, cluster: &Cluster, index: &IndexUid) -> Result<Searched, ApiError> {
        let entry = cluster.registry.require(index).await?;
        let facts = self.facts.of(cluster, &entry).await?;
        Ok(Searched { entry, facts })
    }
}

/// Sends a search of one index to a covering set of nodes.
async fn scatter(
    cluster: &Arc<Cluster>,
    searched: &Searched,
    request: &SearchRequest,
    groups: &[GroupId],
    unusable: &BTreeMap<NodeId, InvalidResponse>,
) -> Result<Gathered<SearchResponse>, ApiError> {
    let Searched { entry, facts } = searched;
    let cost = |node: &NodeId| {
        if unusable.contains_key(node) { None } else { cluster.nodes.cost(node) }
    };
    let called = AtomicUsize::new(0);
    let gathered = gather(cluster, entry, groups, cost, |node, shards, partial| {
        called.fetch_add(1, Ordering::Relaxed);
        let body = request.for_node(partial.then_some(&shards), facts);
        let search = NodeSearch { index: entry.physical_uid.clone(), body };
        let cluster = Arc::clone(cluster);
        async move { cluster.nodes.search(&node, search).await }
    })
    .await;
    cluster.observer.observe(Occurrence::SearchFannedOut { nodes: called.into_inner() });
    gathered
}

/// Adds the reasons for which nodes were unusable to the error of a search.
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
