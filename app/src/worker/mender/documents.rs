//! Brings a node the documents of the shards it missed writes to.

use std::sync::Arc;

use bytes::Bytes;
use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::{shard_filter, strip_reserved};
use miroir_domain::health::NodeStatus;
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::{Payload, PayloadFormat};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{IndexUid, NodeId, Shard, ShardSet};
use miroir_ports::outbound::NodeRead;
use serde_json::{Map, Value, json};

use super::MendError;
use super::wait::{carried_out, caught_up, drained};
use crate::cluster::Cluster;

/// Documents copied in one request.
const PAGE: u64 = 1_000;
/// Shards that hold no more documents than this together are brought in one go.
const AT_ONCE: u64 = 5_000;

/// Makes `node` have the documents of `shards` that other replicas have. Small ones at once, large ones one by one,
/// so that the index's writes wait for a moment at a time.
pub async fn mend(
    cluster: &Arc<Cluster>,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<(), MendError> {
    for (reference, shards) in by_reference(cluster, index, node, shards).await? {
        let parts: Vec<ShardSet> = if count(cluster, index, &reference, &shards).await? <= AT_ONCE {
            vec![shards]
        } else {
            shards.iter().map(|shard| ShardSet::from_iter([shard])).collect()
        };
        for part in parts {
            let _gate = cluster.gates.change(index).await;
            let Some(entry) = cluster.store.index_get(index).await? else {
                return Ok(());
            };
            caught_up(cluster, index, &reference).await?;
            drained(cluster, index, node).await?;
            // What became of its lost answers is known only now.
            if !part.iter().all(|shard| has_all(cluster, index, &reference, shard)) {
                return Err(MendError::NotNow(format!("node `{reference}` lacks documents, too")));
            }
            copy(cluster, &entry, &reference, node, &part).await?;
            cluster.stale.documents_mended(index, node, &part);
        }
    }
    Ok(())
}

/// Each shard with a node that has all of it. A shard of which this node has the only copy has nothing to be brought.
async fn by_reference(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<Vec<(NodeId, ShardSet)>, MendError> {
    let Some(entry) = cluster.store.index_get(index).await? else {
        cluster.stale.mended(index, node);
        return Ok(Vec::new());
    };
    let placement = cluster.placement(entry.shard_count);
    let mut references: std::collections::BTreeMap<NodeId, ShardSet> = std::collections::BTreeMap::new();
    for shard in shards.iter() {
        let groups = cluster.topology.groups().iter();
        let others: Vec<&NodeId> = groups
            .flat_map(|group| placement.replicas(shard, group.id))
            .filter(|replica| *replica != node)
            .collect();
        match others.iter().find(|replica| has_all(cluster, index, replica, shard)) {
            Some(reference) => {
                references.entry((*reference).clone()).or_default().insert(shard);
            }
            None if others.is_empty() => {
                cluster.stale.documents_mended(index, node, &ShardSet::from_iter([shard]));
            }
            // Its other replicas are away or lack writes themselves; one of them may still come back whole.
            None => {}
        }
    }
    Ok(references.into_iter().collect())
}

fn has_all(cluster: &Cluster, index: &IndexUid, node: &NodeId, shard: Shard) -> bool {
    cluster.health.status(node) == NodeStatus::Healthy
        && !cluster
            .stale
            .lack(index, node)
            .is_some_and(|lack| lack.settings || lack.stale_shards().contains(shard))
}

/// Replaces the node's documents of `shards` by the reference's.
async fn copy(
    cluster: &Cluster,
    entry: &IndexEntry,
    reference: &NodeId,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<(), MendError> {
    let mut operations = vec![WriteOperation::DocumentsDeleteByFilter(Value::String(shard_filter(shards)))];
    let mut brought = Vec::new();
    let mut offset = 0;
    loop {
        let page = documents(cluster, &entry.uid, reference, shards, offset, PAGE).await?.0;
        if page.is_empty() {
            break;
        }
        offset += PAGE;
        let payload = read(entry, page)?;
        if cluster.changes.is_on() {
            brought.extend(Changed::of_payload(&payload, cluster.changes.wants_documents()));
        }
        operations.push(add(entry, &payload));
    }
    carried_out(cluster, &entry.uid, node, operations).await?;
    for documents in brought {
        let changes = PendingChanges::of(entry, ChangeKind::Upserted, documents);
        let now = cluster.clock.now();
        cluster.changes.repaired(cluster.store.as_ref(), &entry.uid, &changes, now).await?;
    }
    Ok(())
}

fn read(entry: &IndexEntry, documents: Vec<Value>) -> Result<Arc<Payload>, MendError> {
    let body = Bytes::from(Value::Array(documents).to_string());
    let key = entry.primary_key.as_ref();
    let payload =
        Payload::parse(PayloadFormat::Json, body, &entry.uid, key, entry.shard_count).map_err(|error| {
            MendError::NotNow(format!("a document read from a node cannot be written: {error}"))
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
) -> Result<u64, MendError> {
    Ok(documents(cluster, index, node, shards, 0, 0).await?.1)
}

/// A page of a node's documents of `shards`, as clients wrote them, and how many there are in all.
async fn documents(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
    shards: &ShardSet,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Value>, u64), MendError> {
    let body =
        json!({ "filter": shard_filter(shards), "offset": offset, "limit": limit, "retrieveVectors": true });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let read = NodeRead::Documents(index.clone(), body);
    let mut answer = cluster.nodes.node_read(node, read, cluster.timeouts.read).await?;
    let total = answer.get("total").and_then(Value::as_u64);
    let (Some(Value::Array(mut results)), Some(total)) = (answer.get_mut("results").map(Value::take), total)
    else {
        return Err(MendError::NotNow(format!(
            "node `{node}` answered a listing of documents without results"
        )));
    };
    for document in results.iter_mut().filter_map(Value::as_object_mut) {
        strip_reserved(document);
        // Listed even for documents without vectors, when vectors are asked for.
        if document.get("_vectors").and_then(Value::as_object).is_some_and(Map::is_empty) {
            document.remove("_vectors");
        }
    }
    Ok((results, total))
}
