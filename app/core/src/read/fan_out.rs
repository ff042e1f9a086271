//! One question to a covering set of nodes, with other replicas in reserve.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::{GroupId, NodeId, ShardSet};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::NodeError;

use crate::cluster::{Cluster, SearchPolicy};

/// A node that answers this says that the request could not succeed on any node.
const BAD_REQUEST: u16 = 400;

/// What a fan-out brought back.
pub struct Gathered<T> {
    /// One answer per node that gave one; no shard is answered twice.
    pub answers: Vec<(NodeId, T)>,
    /// The shards nobody could answer for.
    pub degraded: Option<Degraded>,
}

/// Asks a covering set of nodes, each for its shards. A node that fails is left out, and its shards are asked of
/// other replicas, until every shard is answered for or no replica is left. When every node that was asked refuses,
/// the refusal is the answer; a refusal of some only is a failure of those, unless it is 400 and nobody else could answer.
///
/// `cost` ranks the nodes, none for one that is not to be asked; `ask` gets the node, its shards, and whether it must keep to them because it holds others as well.
pub async fn gather<T, F>(
    cluster: &Cluster,
    entry: &IndexEntry,
    groups: &[GroupId],
    cost: impl Fn(&NodeId) -> Option<u64>,
    ask: impl Fn(NodeId, ShardSet, bool) -> F,
) -> Result<Gathered<T>, ApiError>
where
    F: Future<Output = Result<T, NodeError>>,
{
    let placement = cluster.placement(entry.shard_count);
    let mut missing = ShardSet::all(entry.shard_count);
    let mut excluded: BTreeSet<NodeId> = BTreeSet::new();
    let mut answers = Vec::new();
    let mut reasons = Vec::new();
    let mut bad_request = None;
    while !missing.is_empty() {
        let usable = |node: &NodeId| if excluded.contains(node) { None } else { cost(node) };
        let round = restrict(placement.covering_set(groups, &usable).nodes, &missing);
        if round.is_empty() {
            break;
        }
        let calls = round.into_iter().map(|(node, shards)| {
            let partial = shards.len() < placement.shards_of(&node).len();
            let answer = ask(node.clone(), shards.clone(), partial);
            async move { (node, shards, answer.await) }
        });
        let mut refusals: Vec<(u16, ResponseError)> = Vec::new();
        let outcomes = join_all(calls).await;
        let asked = outcomes.len();
        for (node, shards, outcome) in outcomes {
            match outcome {
                Ok(answer) => {
                    missing = shards_without(&missing, &shards);
                    answers.push((node, answer));
                }
                Err(error) => {
                    reasons.push(miroir_ports::error_chain(&error));
                    excluded.insert(node);
                    if let NodeError::Refused { status, error, .. } = error {
                        refusals.push((status, error));
                    }
                }
            }
        }
        if refusals.len() == asked
            && answers.is_empty()
            && let Some((status, error)) = refusals.pop()
        {
            return Err(ApiError::Node { status, error });
        }
        bad_request = bad_request.or(refusals.into_iter().find(|(status, _)| *status == BAD_REQUEST));
    }
    // Where nobody could answer and somebody called the request bad, asking again later would not help the client.
    if let (true, Some((status, error))) = (answers.is_empty(), bad_request) {
        return Err(ApiError::Node { status, error });
    }
    conclude(cluster, entry, answers, &missing, &reasons)
}

fn conclude<T>(
    cluster: &Cluster,
    entry: &IndexEntry,
    answers: Vec<(NodeId, T)>,
    missing: &ShardSet,
    reasons: &[String],
) -> Result<Gathered<T>, ApiError> {
    if missing.is_empty() {
        return Ok(Gathered { answers, degraded: None });
    }
    if cluster.search_policy == SearchPolicy::Error || answers.is_empty() {
        let reasons =
            if reasons.is_empty() { "their nodes are marked failed".to_owned() } else { reasons.join("; ") };
        return Err(ApiError::refused(
            ErrorCode::MiroirShardUnavailable,
            format!("Shards {missing} of index `{}` cannot be read: {reasons}.", entry.uid),
        ));
    }
    let groups = cluster.group_ids().into_iter().map(|group| (group, missing.clone())).collect();
    let placement = cluster.placement(entry.shard_count);
    let nodes = placement.write_targets(missing).into_keys().collect();
    Ok(Gathered { answers, degraded: Some(Degraded { groups, nodes }) })
}

/// The covering set cut down to the shards that are still missing.
fn restrict(
    nodes: std::collections::BTreeMap<NodeId, ShardSet>,
    missing: &ShardSet,
) -> Vec<(NodeId, ShardSet)> {
    nodes
        .into_iter()
        .map(|(node, shards)| (node, shards.iter().filter(|shard| missing.contains(*shard)).collect()))
        .filter(|(_, shards): &(NodeId, ShardSet)| !shards.is_empty())
        .collect()
}

fn shards_without(all: &ShardSet, gone: &ShardSet) -> ShardSet {
    all.iter().filter(|shard| !gone.contains(*shard)).collect()
}

/// The groups of the cluster, a different one first each time, so that searches spread over them.
pub fn rotated_groups(cluster: &Arc<Cluster>, turn: usize) -> Vec<GroupId> {
    let mut groups = cluster.group_ids();
    let count = groups.len().max(1);
    groups.rotate_left(turn % count);
    groups
}
