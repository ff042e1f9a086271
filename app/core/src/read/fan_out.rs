//! One request to a covering set of nodes, with other replicas in reserve.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_domain::index::IndexEntry;
use miroir_domain::quorum::Degraded;
use miroir_domain::{GroupId, NodeId, ShardSet};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::NodeError;

use super::absent::Absent;
use super::refusal::{reason, refused, too_long};
use crate::cluster::{Cluster, SearchPolicy};
use crate::replica::STALE_COST;

/// The status with which a node says that the request could not succeed on any node.
const BAD_REQUEST: u16 = 400;

/// The result of a fan-out.
pub struct Gathered<T> {
    /// One response per node that responded. No shard is in two of them.
    pub responses: Vec<(NodeId, T)>,
    /// The shards that no replica could serve, or that a stale replica served.
    pub degraded: Option<Degraded>,
}

/// Calls a covering set of nodes, each for its shards. The shards of a node that fails are requested from
/// other replicas, until every shard has a response or no replica is left.
///
/// `cost` ranks the nodes by themselves, and returns `None` for a node that must not be called. `call` gets
/// the node, its shards, and whether the request must be restricted to them because the node has other
/// shards as well.
///
/// # Errors
///
/// If every node that was called refuses, returns its refusal. A refusal of some nodes only counts as their
/// failure, unless it is 400 and no other node responds. Returns 400 `bad_request` if a response is too long.
/// If shards are missing, returns 503
/// `miroir_shard_unavailable` when no node responded or the policy asks for it.
pub async fn gather<T, F>(
    cluster: &Cluster,
    entry: &IndexEntry,
    groups: &[GroupId],
    cost: impl Fn(&NodeId) -> Option<u64>,
    call: impl Fn(NodeId, ShardSet, bool) -> F,
) -> Result<Gathered<T>, ApiError>
where
    F: Future<Output = Result<T, NodeError>>,
{
    let placement = cluster.placements.of(entry.shard_count);
    let mut missing = ShardSet::all(entry.shard_count);
    let mut excluded: BTreeSet<NodeId> = BTreeSet::new();
    let mut responses = Vec::new();
    let mut reasons = Vec::new();
    let mut bad_request = None;
    let mut doubts: Option<Degraded> = None;
    let mut absent = Absent::default();
    while !missing.is_empty() {
        let usable = |node: &NodeId| if excluded.contains(node) { None } else { cost(node) };
        let doubtful =
            |node: &NodeId| cluster.replicas.doubtful(&entry.physical_uid, node, placement.shards_of(node));
        let doubt_cost = (cluster.search_policy == SearchPolicy::Partial).then_some(STALE_COST);
        let covering = placement.covering_set_avoiding(groups, &usable, &doubtful, doubt_cost);
        let round = restrict(covering.nodes, &missing);
        if round.is_empty() {
            break;
        }
        let calls = round.into_iter().map(|(node, shards)| {
            let kept = placement.shards_of(&node);
            let partial =
                shards.len() < kept.len() || cluster.replicas.has_foreign(&entry.physical_uid, &node, kept);
            // Before the call: the replica may be repaired before its response is here.
            let doubt = cluster.doubt(&entry.physical_uid, &node, &shards);
            let response = call(node.clone(), shards.clone(), partial);
            async move { (node, shards, doubt, response.await) }
        });
        let mut refusals: Vec<(u16, ResponseError)> = Vec::new();
        let outcomes = join_all(calls).await;
        let called = outcomes.len();
        for (node, shards, doubt, outcome) in outcomes {
            match outcome {
                Ok(response) => {
                    // And after it: the node may have been found emptied in between.
                    let since = cluster.doubt(&entry.physical_uid, &node, &shards);
                    if doubt.is_none() && since.is_some() && cluster.search_policy == SearchPolicy::Error {
                        excluded.insert(node);
                        continue;
                    }
                    missing = missing.difference(&shards);
                    doubts = [doubts, doubt.or(since)].into_iter().flatten().reduce(Degraded::and);
                    responses.push((node, response));
                }
                Err(NodeError::TooLong { max_bytes, .. }) => return Err(too_long(max_bytes)),
                Err(error) => {
                    reasons.push(reason(entry, &error));
                    excluded.insert(node);
                    if absent.observe(&error) {
                        continue;
                    }
                    if let NodeError::Refused { status, error, .. } = error {
                        refusals.push((status, error));
                    }
                }
            }
        }
        if refusals.len() == called
            && responses.is_empty()
            && let Some((status, error)) = refusals.pop()
        {
            return Err(refused(entry, status, error));
        }
        bad_request = bad_request.or(refusals.into_iter().find(|(status, _)| *status == BAD_REQUEST));
    }
    absent.mark(cluster, entry).await?;
    if responses.is_empty()
        && let Some(refusal) = absent.refusal(cluster, entry).await?
    {
        return Err(refusal);
    }
    // If no node responded and one found the request invalid, a retry would not help the client.
    if let (true, Some((status, error))) = (responses.is_empty(), bad_request) {
        return Err(refused(entry, status, error));
    }
    let Gathered { responses, degraded } = conclude(cluster, entry, responses, &missing, &reasons)?;
    Ok(Gathered { responses, degraded: [degraded, doubts].into_iter().flatten().reduce(Degraded::and) })
}

/// Returns the responses with the missing shards, or an error if they may not be missing.
fn conclude<T>(
    cluster: &Cluster,
    entry: &IndexEntry,
    responses: Vec<(NodeId, T)>,
    missing: &ShardSet,
    reasons: &[String],
) -> Result<Gathered<T>, ApiError> {
    if missing.is_empty() {
        return Ok(Gathered { responses, degraded: None });
    }
    if cluster.search_policy == SearchPolicy::Error || responses.is_empty() {
        let reasons = if reasons.is_empty() {
            "no usable node has them in sync".to_owned()
        } else {
            reasons.join("; ")
        };
        return Err(ApiError::refused(
            ErrorCode::MiroirShardUnavailable,
            format!("Shards {missing} of index `{}` cannot be read: {reasons}.", entry.uid),
        ));
    }
    let groups = cluster.placements.group_ids().into_iter().map(|group| (group, missing.clone())).collect();
    let placement = cluster.placements.of(entry.shard_count);
    let nodes = placement.write_targets(missing).into_keys().collect();
    Ok(Gathered { responses, degraded: Some(Degraded { groups, nodes }) })
}

/// Restricts a covering set to the shards that are still missing.
fn restrict(nodes: BTreeMap<NodeId, ShardSet>, missing: &ShardSet) -> Vec<(NodeId, ShardSet)> {
    nodes
        .into_iter()
        .map(|(node, shards)| (node, shards.intersection(missing)))
        .filter(|(_, shards)| !shards.is_empty())
        .collect()
}

/// Returns the groups of the cluster, rotated by `turn`, so that searches spread over them.
pub fn rotated_groups(cluster: &Arc<Cluster>, turn: usize) -> Vec<GroupId> {
    let mut groups = cluster.placements.group_ids();
    let count = groups.len().max(1);
    groups.rotate_left(turn % count);
    groups
}
