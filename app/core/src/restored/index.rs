//! Indexes that are read from nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use miroir_domain::document::{DocumentId, PrimaryKey, SHARD_FIELD};
use miroir_domain::identity::Verdict;
use miroir_domain::index::{FIRST_SETTINGS_VERSION, IndexEntry};
use miroir_domain::placement::fitting_shard_count;
use miroir_domain::replica::Difference;
use miroir_domain::settings::is_filterable_by_shard;
use miroir_domain::{IndexUid, NodeId, PhysicalUid, Timestamp};
use miroir_ports::outbound::{NodeError, NodeRead, Put, StoreError};
use serde_json::{Map, Value, json};

use super::error::ExamineError;
use crate::cluster::Cluster;
use crate::identity::NodeChecker;

/// The maximum time in which a node lists its indexes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The documents of each node by which the number of shards is determined.
const SAMPLE: u64 = 500;

/// The reason of the marks of an index that most nodes do not have.
const DELETED: &str = "most nodes do not have the index, so it was deleted";

/// Returns every index that some of `nodes` have, with those that have it.
pub(super) async fn indexes_on(
    checker: &NodeChecker,
    nodes: &[NodeId],
) -> Result<BTreeMap<PhysicalUid, Vec<NodeId>>, NodeError> {
    let lists = try_join_all(nodes.iter().map(|node| checker.inspector().node_indexes(node, TIMEOUT)));
    let mut found: BTreeMap<PhysicalUid, Vec<NodeId>> = BTreeMap::new();
    for (node, indexes) in nodes.iter().zip(lists.await?) {
        for index in indexes {
            found.entry(index).or_default().push(node.clone());
        }
    }
    Ok(found)
}

/// Returns those of `found` that Miroir has created. Somebody may have put others on a node, whatever their
/// names: they are left alone.
pub(super) async fn made_by_miroir(
    cluster: &Cluster,
    found: BTreeMap<PhysicalUid, Vec<NodeId>>,
) -> Result<BTreeMap<PhysicalUid, Vec<NodeId>>, NodeError> {
    let mut made = BTreeMap::new();
    for (index, nodes) in found {
        let Some(first) = nodes.first() else { continue };
        let settings = cluster.nodes.read(first, NodeRead::Settings(index.clone(), None)).await?;
        if is_filterable_by_shard(&settings) {
            made.insert(index, nodes);
        }
    }
    Ok(made)
}

/// Returns the registry entry of an index that Miroir has created and `nodes` have.
pub(super) async fn entry_from(
    cluster: &Cluster,
    index: &PhysicalUid,
    nodes: &[NodeId],
) -> Result<Option<IndexEntry>, NodeError> {
    let Some(first) = nodes.first() else { return Ok(None) };
    let facts = cluster.nodes.read(first, NodeRead::Index(index.clone())).await?;
    let primary_key = facts.get("primaryKey").and_then(Value::as_str);
    let primary_key = primary_key.and_then(|name| PrimaryKey::parse(name).ok());
    let mut sample = Vec::new();
    if let Some(key) = &primary_key {
        let of_nodes = nodes.iter().map(|node| stamped_documents(cluster, index, node, key));
        sample = try_join_all(of_nodes).await?.concat();
    }
    let Some(shard_count) = fitting_shard_count(cluster.placements.default_shard_count(), &sample) else {
        return Err(NodeError::unknown(
            first,
            format!("the documents of index `{index}` fit no number of shards"),
        ));
    };
    let created_at = facts.get("createdAt").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let now = cluster.clock.now();
    let created_at: Timestamp = created_at.unwrap_or(now);
    Ok(Some(IndexEntry {
        uid: index.name(),
        physical_uid: index.clone(),
        primary_key,
        shard_count,
        settings_version: FIRST_SETTINGS_VERSION,
        created_at,
        updated_at: now,
        version: 1,
    }))
}

/// Returns the ids of some documents on a node, with the text by which they are filtered by shard.
async fn stamped_documents(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    key: &PrimaryKey,
) -> Result<Vec<(DocumentId, String)>, NodeError> {
    let body = json!({ "limit": SAMPLE, "fields": [key.as_str(), SHARD_FIELD] });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let page = cluster.nodes.read(node, NodeRead::Documents(index.clone(), body)).await?;
    let documents = page.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let stamped = |document: &Value| {
        let id = DocumentId::from_json(document.get(key.as_str())?).ok()?;
        Some((id, document.get(SHARD_FIELD)?.as_str()?.to_owned()))
    };
    Ok(documents.iter().filter_map(stamped).collect())
}

/// Returns the newest of `indexes` of each name.
pub(super) fn newest_of_each_name<'a>(
    indexes: impl IntoIterator<Item = &'a PhysicalUid>,
) -> BTreeMap<IndexUid, &'a PhysicalUid> {
    let mut newest: BTreeMap<IndexUid, &PhysicalUid> = BTreeMap::new();
    for index in indexes {
        let known = newest.entry(index.name()).or_insert(index);
        if known.number() < index.number() {
            *known = index;
        }
    }
    newest
}

/// Records that an index, which `nodes` have, was deleted, so that they delete it.
pub(super) async fn note_deleted(
    cluster: &Cluster,
    index: &PhysicalUid,
    nodes: &[NodeId],
) -> Result<(), StoreError> {
    for node in nodes {
        cluster.replicas.differs(index, node, Difference::of_index(), DELETED).await?;
    }
    Ok(())
}

/// Brings the registry to the indexes that the nodes have: the store does not know those that were created or
/// changed after it was saved, and has those that were deleted since.
pub(super) async fn take_over_indexes(cluster: &Cluster, checker: &NodeChecker) -> Result<(), ExamineError> {
    let trusted: Vec<NodeId> = checker.nodes().filter(|node| is_trusted(checker, node)).cloned().collect();
    let mut found = indexes_on(checker, &trusted).await?;
    let remaining: BTreeSet<PhysicalUid> = found.keys().cloned().collect();
    for (index, nodes) in &mut found {
        // An index whose deletion these nodes missed.
        nodes.retain(|node| !cluster.replicas.may_lack_index(index, node));
    }
    let found = made_by_miroir(cluster, found).await?;
    // A node that was away has an earlier index of the name.
    let mut holders: BTreeMap<IndexUid, BTreeSet<&NodeId>> = BTreeMap::new();
    for (index, nodes) in &found {
        holders.entry(index.name()).or_default().extend(nodes);
    }
    let mut kept = newest_of_each_name(found.keys());
    kept.retain(|name, _| holders[name].len() * 2 > trusted.len());
    for (name, index) in &kept {
        let _guard = cluster.order.lock_write(name).await;
        take_over(cluster, index, &found[*index]).await?;
    }
    for (index, nodes) in &found {
        let name = index.name();
        let _guard = cluster.order.lock_write(&name).await;
        if kept.get(&name) != Some(&index) && cluster.registry.at(index).await?.is_none() {
            note_deleted(cluster, index, nodes).await?;
        }
    }
    if trusted.len() == checker.nodes().count() {
        for entry in cluster.registry.all().await? {
            if remaining.contains(&entry.physical_uid) {
                continue;
            }
            let _guard = cluster.order.lock_write(&entry.uid).await;
            tracing::warn!(index = %entry.uid, "no node has an index of the restored store: it was deleted since");
            forget(cluster, &entry).await?;
        }
    }
    Ok(())
}

/// Removes the entry and the replica states of an index that was deleted. The caller holds its write lock.
async fn forget(cluster: &Cluster, entry: &IndexEntry) -> Result<(), StoreError> {
    cluster.registry.delete(entry).await?;
    cluster.replicas.forget(&entry.physical_uid).await
}

fn is_trusted(checker: &NodeChecker, node: &NodeId) -> bool {
    matches!(checker.finding(node).and_then(|finding| finding.verdict), Some(Verdict::Trusted))
}

/// Takes over one index. The caller holds its write lock.
async fn take_over(cluster: &Cluster, index: &PhysicalUid, nodes: &[NodeId]) -> Result<(), ExamineError> {
    let Some(found) = entry_from(cluster, index, nodes).await? else { return Ok(()) };
    let mut known = cluster.registry.get(&found.uid).await?;
    if let Some(former) = known.take_if(|known| known.physical_uid != *index) {
        tracing::warn!(index = %found.uid, "the index of the restored store was deleted and made anew since");
        forget(cluster, &former).await?;
    }
    match known {
        None => {
            tracing::warn!(%index, shards = found.shard_count, "took over an index from the nodes");
            cluster.store.index_create(&found).await?;
        }
        Some(known) => {
            if known.primary_key != found.primary_key || known.shard_count != found.shard_count {
                tracing::warn!(%index, "the nodes have another index of that name than the restored store");
            }
            // With another version, the committed settings are read from the nodes again.
            let settings_version = known.settings_version + 1;
            let (primary_key, shard_count) = (found.primary_key, found.shard_count);
            let updated_at = cluster.clock.now();
            let entry = IndexEntry { primary_key, shard_count, settings_version, updated_at, ..known };
            if cluster.store.index_put(&entry).await? == Put::Conflict {
                return Err(ExamineError::Conflict);
            }
        }
    }
    Ok(())
}
