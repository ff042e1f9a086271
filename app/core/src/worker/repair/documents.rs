//! Repairs the documents of shards with missed writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::{shard_filter, strip_reserved};
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::{Payload, PayloadFormat};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{IndexUid, NodeId, Shard, ShardSet};
use miroir_ports::outbound::{NodeRead, Occurrence, RepairStep};
use serde_json::{Map, Value, json};

use super::error::RepairError;
use super::wait::{catch_up, drain, execute};
use crate::cluster::Cluster;

/// The documents that one request copies.
const PAGE: u64 = 1_000;
/// The documents up to which several shards are copied together.
const AT_ONCE: u64 = 5_000;

/// Copies the documents of `shards` to `node` from other replicas: small shards together, large ones one by
/// one, so that each hold-up of the index's writes is short.
pub async fn repair(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
    is_former_over: bool,
) -> Result<(), RepairError> {
    let Some(mut sources) = by_source(cluster, index, node, shards).await? else { return Ok(()) };
    for (source, shards) in std::mem::take(&mut sources.of_node) {
        let parts: Vec<ShardSet> = if count(cluster, index, &source, &shards).await? <= AT_ONCE {
            vec![shards]
        } else {
            shards.iter().map(|shard| ShardSet::from_iter([shard])).collect()
        };
        for part in parts {
            let _guard = cluster.order.lock_write(index).await;
            let Some(entry) = cluster.registry.get(index).await? else {
                return Ok(());
            };
            reach(cluster, RepairStep::CatchUp);
            catch_up(cluster, index, &source).await?;
            reach(cluster, RepairStep::Drain);
            drain(cluster, index, node).await?;
            let seen = cluster.replicas.see(index, node).await?.of_shards(&part);
            // The outcome of its lost responses is known only now.
            if !part.iter().all(|shard| has_all(cluster, index, &source, shard)) {
                return Err(RepairError::NotNow(format!("node `{source}` misses documents as well")));
            }
            reach(cluster, RepairStep::Copy);
            copy(cluster, &entry, &source, node, &part).await?;
            reach(cluster, RepairStep::Confirm);
            cluster.replicas.repaired(&seen).await?;
        }
    }
    if is_former_over && !sources.foreign.is_empty() {
        remove(cluster, index, node, &sources.foreign).await?;
    }
    sources.missing(node)
}

fn reach(cluster: &Cluster, step: RepairStep) {
    cluster.observer.observe(Occurrence::RepairReached(step));
}

/// The shards of a repair, by the node to copy them from.
#[derive(Default)]
struct Sources {
    of_node: BTreeMap<NodeId, ShardSet>,
    /// The shards that the node does not keep any more.
    foreign: ShardSet,
    /// The shards of which all other replicas are away or stale themselves.
    waiting: ShardSet,
    /// The shards of which there is no other replica.
    lost: ShardSet,
}

impl Sources {
    /// Returns the reason for which shards are left.
    fn missing(&self, node: &NodeId) -> Result<(), RepairError> {
        let Self { waiting, lost, .. } = self;
        if !lost.is_empty() {
            return Err(RepairError::NotNow(format!(
                "no other node has shards {lost}: restore the data of node `{node}`, or accept what it has with `miroir node \
                 adopt {node}`"
            )));
        }
        if !waiting.is_empty() {
            return Err(RepairError::NotNow(format!(
                "every other replica of shards {waiting} is away or stale itself: bring back a node that has them, or accept \
                 what node `{node}` has with `miroir node adopt {node}`"
            )));
        }
        Ok(())
    }
}

/// Removes the documents of shards that `node` does not keep any more.
async fn remove(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<(), RepairError> {
    let _guard = cluster.order.lock_write(index).await;
    drain(cluster, index, node).await?;
    let seen = cluster.replicas.see(index, node).await?.of_shards(shards);
    reach(cluster, RepairStep::Remove);
    let removal = WriteOperation::DocumentsDeleteByFilter(Value::String(shard_filter(shards)));
    execute(cluster, index, node, vec![removal]).await?;
    Ok(cluster.replicas.repaired(&seen).await?)
}

/// Returns the sources of the shards, or `None` if the index is gone.
async fn by_source(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<Option<Sources>, RepairError> {
    let Some(entry) = cluster.registry.get(index).await? else {
        let seen = cluster.replicas.see(index, node).await?;
        cluster.replicas.repaired(&seen.of_shards(shards)).await?;
        return Ok(None);
    };
    let placement = cluster.placements.of(entry.shard_count);
    let mut sources = Sources::default();
    for shard in shards.iter() {
        if !placement.shards_of(node).contains(shard) {
            sources.foreign.insert(shard);
            continue;
        }
        let others: Vec<&NodeId> = placement.all_replicas(shard).filter(|replica| *replica != node).collect();
        match others.iter().find(|replica| has_all(cluster, index, replica, shard)) {
            Some(source) => {
                sources.of_node.entry((*source).clone()).or_default().insert(shard);
            }
            None if others.is_empty() => {
                sources.lost.insert(shard);
            }
            None => {
                sources.waiting.insert(shard);
            }
        }
    }
    Ok(Some(sources))
}

/// Returns whether the healthy `node` has all documents of `shard`.
fn has_all(cluster: &Cluster, index: &IndexUid, node: &NodeId, shard: Shard) -> bool {
    let state = cluster.replicas.state(index, node);
    cluster.nodes.is_healthy(node) && state.has_settings() && !state.shards.contains_key(&shard)
}

/// Replaces the documents of `shards` on `node` by those of `source`.
async fn copy(
    cluster: &Cluster,
    entry: &IndexEntry,
    source: &NodeId,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<(), RepairError> {
    let mut operations = vec![WriteOperation::DocumentsDeleteByFilter(Value::String(shard_filter(shards)))];
    let mut copied = Vec::new();
    let mut offset = 0;
    loop {
        let page = documents(cluster, &entry.uid, source, shards, offset, PAGE).await?.0;
        if page.is_empty() {
            break;
        }
        offset += PAGE;
        let payload = read(entry, page)?;
        if cluster.changes.is_on() {
            copied.extend(Changed::of_payload(&payload, cluster.changes.wants_documents()));
        }
        operations.push(add(entry, &payload));
    }
    execute(cluster, &entry.uid, node, operations).await?;
    for documents in copied {
        let changes = PendingChanges::of(entry, ChangeKind::Upserted, documents);
        let now = cluster.clock.now();
        cluster.changes.repaired(cluster.store.as_ref(), &entry.uid, &changes, now).await?;
    }
    Ok(())
}

fn read(entry: &IndexEntry, documents: Vec<Value>) -> Result<Arc<Payload>, RepairError> {
    let body = Bytes::from(Value::Array(documents).to_string());
    let key = entry.primary_key.as_ref();
    let payload =
        Payload::parse(PayloadFormat::Json, body, &entry.uid, key, entry.shard_count).map_err(|error| {
            RepairError::NotNow(format!("a document read from a node cannot be written: {error}"))
        })?;
    Ok(Arc::new(payload))
}

fn add(entry: &IndexEntry, payload: &Arc<Payload>) -> WriteOperation {
    WriteOperation::DocumentsAdd {
        primary_key: entry.primary_key.clone(),
        mode: WriteMode::Replace,
        documents: payload.part(&ShardSet::all(entry.shard_count)),
    }
}

async fn count(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<u64, RepairError> {
    Ok(documents(cluster, index, node, shards, 0, 0).await?.1)
}

/// Returns a page of the documents of `shards` on `node`, as clients wrote them, and their total number.
async fn documents(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Value>, u64), RepairError> {
    let body =
        json!({ "filter": shard_filter(shards), "offset": offset, "limit": limit, "retrieveVectors": true });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let read = NodeRead::Documents(index.clone(), body);
    let mut response = cluster.nodes.read(node, read).await?;
    let total = response.get("total").and_then(Value::as_u64);
    let (Some(Value::Array(mut results)), Some(total)) =
        (response.get_mut("results").map(Value::take), total)
    else {
        return Err(RepairError::NotNow(format!(
            "node `{node}` returned a listing of documents without results"
        )));
    };
    for document in results.iter_mut().filter_map(Value::as_object_mut) {
        strip_reserved(document);
        // Listed even for documents without vectors, if vectors are requested.
        if document.get("_vectors").and_then(Value::as_object).is_some_and(Map::is_empty) {
            document.remove("_vectors");
        }
    }
    Ok((results, total))
}
