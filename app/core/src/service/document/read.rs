//! Reads documents one by one and by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use miroir_domain::document::{DocumentId, strip_reserved};
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::placement::shard_of;
use miroir_domain::quorum::Degraded;
use miroir_domain::search::with_shards;
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::inbound::{ApiError, ReadResponse};
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, SearchPolicy};
use crate::read::{gather, read_first};

/// Returns one document, from the first of `indexes` (not empty) that has it.
pub async fn get(
    cluster: &Arc<Cluster>,
    indexes: &[IndexUid],
    id: String,
    parameters: Map<String, Value>,
) -> Result<ReadResponse, ApiError> {
    let mut missing = ApiError::Internal("a read of no index".to_owned());
    for index in indexes {
        match get_from(cluster, index.clone(), id.clone(), parameters.clone()).await {
            Err(error @ ApiError::Node { status: 404, .. }) => missing = error,
            other => return other,
        }
    }
    Err(missing)
}

/// Returns one document of `index`, from a replica of its shard.
async fn get_from(
    cluster: &Arc<Cluster>,
    index: IndexUid,
    id: String,
    parameters: Map<String, Value>,
) -> Result<ReadResponse, ApiError> {
    let entry = cluster.registry.require(&index).await?;
    let id = DocumentId::from_json(&Value::String(id))?;
    let shard = shard_of(id.as_str(), entry.shard_count);
    let placement = cluster.placements.of(entry.shard_count);
    let (mut in_sync, mut stale) = (Vec::new(), BTreeMap::new());
    for node in placement.all_replicas(shard) {
        // Before the call: the replica may be repaired before its response is here.
        match cluster.doubt(&entry.physical_uid, node, &ShardSet::from_iter([shard])) {
            None => in_sync.push(node),
            Some(doubt) => drop(stale.insert(node, doubt)),
        }
    }
    let read = NodeRead::Document(entry.physical_uid.clone(), id, parameters);
    match read_first(cluster, Some(&entry), in_sync, read.clone()).await {
        Ok((_, body)) => Ok(ReadResponse { body: stripped(body), degraded: None }),
        Err(ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, message })
            if cluster.search_policy == SearchPolicy::Partial && !stale.is_empty() =>
        {
            get_from_stale(cluster, &entry, &stale, read, &message).await
        }
        Err(error) => Err(error),
    }
}

/// Returns a document from a replica that may be without some writes. That it does not have the document says
/// nothing, so it is not the response.
async fn get_from_stale(
    cluster: &Arc<Cluster>,
    entry: &IndexEntry,
    stale: &BTreeMap<&NodeId, Degraded>,
    read: NodeRead,
    reason: &str,
) -> Result<ReadResponse, ApiError> {
    match read_first(cluster, Some(entry), stale.keys().copied(), read).await {
        Ok((node, body)) => Ok(ReadResponse { body: stripped(body), degraded: stale.get(&node).cloned() }),
        Err(ApiError::Node { status: 404, .. }) => Err(ApiError::refused(
            ErrorCode::MiroirShardUnavailable,
            format!("{reason} A replica that missed writes responds, and does not have the document."),
        )),
        Err(error) => Err(error),
    }
}

fn stripped(mut body: Value) -> Value {
    if let Some(document) = body.as_object_mut() {
        strip_reserved(document);
    }
    body
}

/// The part of a page that one node serves.
struct Slice {
    entry: IndexEntry,
    node: NodeId,
    filter: Value,
    total: u64,
}

/// Returns a page of documents. Nodes follow each other in a fixed order, and each lists its own documents
/// in its own order, so pages neither miss nor repeat a document as long as no document is written and no
/// node fails in between. There are two rounds: one counts the documents of each node, the other reads the
/// slices of the page. Several `indexes` (not empty) follow each other.
pub async fn list(
    cluster: &Arc<Cluster>,
    indexes: &[IndexUid],
    parameters: Map<String, Value>,
) -> Result<ReadResponse, ApiError> {
    if parameters.get("sort").is_some_and(|sort| !sort.is_null()) {
        return Err(ApiError::refused(
            ErrorCode::MiroirNotSupported,
            "`sort` on a listing of documents is not supported for a cluster: search with `sort` instead.",
        ));
    }
    let offset = number(&parameters, "offset").unwrap_or(0);
    let limit = number(&parameters, "limit").unwrap_or(20);
    let entries = try_join_all(indexes.iter().map(|index| cluster.registry.require(index))).await?;
    let gathered = try_join_all(entries.iter().map(|entry| slices(cluster, entry, &parameters))).await?;
    let degraded = gathered.iter().filter_map(|(_, degraded)| degraded.clone()).reduce(Degraded::and);
    let slices: Vec<Slice> = gathered.into_iter().flat_map(|(slices, _)| slices).collect();
    let total: u64 = slices.iter().map(|slice| slice.total).sum();
    let mut results = Vec::new();
    for page in try_join_all(page_requests(cluster, &parameters, &slices, offset, limit)).await? {
        results.extend(page);
    }
    let body = json!({ "results": results, "offset": offset, "limit": limit, "total": total });
    Ok(ReadResponse { body, degraded })
}

/// Returns the number of documents of an index, each counted once.
pub async fn count_of(
    cluster: &Arc<Cluster>,
    entry: &IndexEntry,
) -> Result<(u64, Option<Degraded>), ApiError> {
    let (slices, degraded) = slices(cluster, entry, &Map::new()).await?;
    Ok((slices.iter().map(|slice| slice.total).sum(), degraded))
}

/// Returns the slice of each node of a covering set, by node.
async fn slices(
    cluster: &Arc<Cluster>,
    entry: &IndexEntry,
    parameters: &Map<String, Value>,
) -> Result<(Vec<Slice>, Option<Degraded>), ApiError> {
    // Every page must use the same nodes for the same shards, so groups are not rotated and latency has no
    // part.
    let cost = |node: &NodeId| cluster.steady_cost(node);
    let gathered = gather(cluster, entry, &cluster.placements.group_ids(), cost, |node, shards, _| {
        count(cluster, entry, parameters.clone(), node, shards)
    })
    .await?;
    let mut slices: Vec<Slice> = gathered.responses.into_iter().map(|(_, slice)| slice).collect();
    slices.sort_by(|left, right| left.node.cmp(&right.node));
    Ok((slices, gathered.degraded))
}

async fn count(
    cluster: &Arc<Cluster>,
    entry: &IndexEntry,
    parameters: Map<String, Value>,
    node: NodeId,
    shards: ShardSet,
) -> Result<Slice, NodeError> {
    let filter = with_shards(parameters.get("filter"), &shards);
    let mut body = parameters;
    body.insert("filter".to_owned(), filter.clone());
    body.insert("offset".to_owned(), 0.into());
    body.insert("limit".to_owned(), 0.into());
    let read = NodeRead::Documents(entry.physical_uid.clone(), body);
    let response = cluster.nodes.read(&node, read).await?;
    let total = response
        .get("total")
        .and_then(Value::as_u64)
        .ok_or_else(|| NodeError::unknown(&node, "its listing of documents has no total"))?;
    Ok(Slice { entry: entry.clone(), node, filter, total })
}

/// Makes one request per node whose documents fall into `offset..offset + limit`, with the nodes put end to
/// end.
fn page_requests<'a>(
    cluster: &'a Arc<Cluster>,
    parameters: &'a Map<String, Value>,
    slices: &'a [Slice],
    offset: u64,
    limit: u64,
) -> Vec<impl Future<Output = Result<Vec<Value>, ApiError>> + 'a> {
    let end = offset.saturating_add(limit);
    let mut before = 0;
    let mut requests = Vec::new();
    for slice in slices {
        let from = offset.clamp(before, before + slice.total) - before;
        let to = end.clamp(before, before + slice.total) - before;
        before += slice.total;
        if from < to {
            requests.push(fetch(cluster, parameters, slice, from, to - from));
        }
    }
    requests
}

async fn fetch(
    cluster: &Arc<Cluster>,
    parameters: &Map<String, Value>,
    slice: &Slice,
    offset: u64,
    limit: u64,
) -> Result<Vec<Value>, ApiError> {
    let mut body = parameters.clone();
    body.insert("filter".to_owned(), slice.filter.clone());
    body.insert("offset".to_owned(), offset.into());
    body.insert("limit".to_owned(), limit.into());
    let entry = &slice.entry;
    let read = NodeRead::Documents(entry.physical_uid.clone(), body);
    let (_, mut response) = read_first(cluster, Some(entry), [&slice.node], read).await?;
    let Some(Value::Array(mut results)) = response.get_mut("results").map(Value::take) else {
        return Err(ApiError::refused(
            ErrorCode::MiroirShardUnavailable,
            format!("Node `{}` returned a listing of documents without results.", slice.node),
        ));
    };
    for document in results.iter_mut().filter_map(Value::as_object_mut) {
        strip_reserved(document);
    }
    Ok(results)
}

fn number(parameters: &Map<String, Value>, name: &str) -> Option<u64> {
    parameters.get(name).and_then(Value::as_u64)
}
