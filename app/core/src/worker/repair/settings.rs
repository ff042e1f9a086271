//! Repairs an index and its settings on a node, or deletes an index there that is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::document::{PrimaryKey, foreign_filter};
use miroir_domain::identity::shards_without_source;
use miroir_domain::index::IndexEntry;
use miroir_domain::replica::Difference;
use miroir_domain::settings::{CommittedSettings, SealedSettings, change_for_node, unmet_settings};
use miroir_domain::standing::Standing;
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId, PhysicalUid, Shard};
use miroir_ports::outbound::{NodeRead, SealError};
use serde_json::Value;

use super::committed::{complete_row, taking_effect};
use super::error::RepairError;
use super::read::read_settings;
use super::wait::{drain, execute, send, wait_for_success};
use crate::cluster::Cluster;
use crate::replica::SeenState;

/// Gives `node` the index with its committed settings. The write lock of the index is held while the change
/// is sent, and not while the node carries it out.
pub async fn repair(cluster: &Arc<Cluster>, index: &PhysicalUid, node: &NodeId) -> Result<(), RepairError> {
    let seen = cluster.replicas.see(index, node).await?;
    let Some(entry) = cluster.registry.at(index).await? else {
        return remove_if_gone(cluster, index, node, &seen).await;
    };
    let row = complete_row(cluster, &entry).await?;
    let taking = taking_effect(cluster, &row).await?;
    let Some(wanted) = row.with(&taking) else {
        return Err(RepairError::NotNow("its settings are not known".to_owned()));
    };
    if seen.is_index_doubtful() {
        // The node gets no new writes, so this ends.
        drain(cluster, index, node).await?;
    }
    let found = settled(cluster, index, node).await?;
    if found.is_none() && !seen.is_index_doubtful() {
        return Err(note_missing_index(cluster, &entry, node).await?);
    }
    let operations = operations(cluster, &entry, node, &wanted, found.as_ref()).await?;
    let sent = {
        let _guard = cluster.order.lock_write(&index.name()).await;
        refuse_if_changed(cluster, &entry, &row).await?;
        send(cluster, index, node, operations).await?
    };
    wait_for_success(cluster, node, sent).await?;
    verify(cluster, index, node, &wanted).await?;
    if seen.is_index_doubtful() {
        remove_foreign(cluster, &entry, node).await?;
    }
    cluster.registry.advance_settings(index, node, entry.settings_version).await?;
    Ok(cluster.replicas.repaired(&seen.of_settings()).await?)
}

/// Deletes the index on `node`, unless it has been made again.
async fn remove_if_gone(
    cluster: &Arc<Cluster>,
    index: &PhysicalUid,
    node: &NodeId,
    seen: &SeenState,
) -> Result<(), RepairError> {
    let _guard = cluster.order.lock_write(&index.name()).await;
    drain(cluster, index, node).await?;
    if cluster.registry.at(index).await?.is_some() {
        return Err(RepairError::NotNow("the index has just been made".to_owned()));
    }
    remove(cluster, index, node, seen).await
}

/// Returns the settings of `index` on `node`, after everything that the node has accepted. Returns `None` if
/// it does not have the index.
async fn settled(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
) -> Result<Option<Value>, RepairError> {
    if read_settings(cluster, index, node).await?.is_none() {
        return Ok(None);
    }
    // A node works in order. Nodes may have accepted changes whose tasks have failed without them.
    execute(cluster, index, node, vec![WriteOperation::DocumentsDelete(Vec::new())]).await?;
    Ok(read_settings(cluster, index, node).await?)
}

/// Records that `node` does not have the index, so that it gets no writes that would make it.
async fn note_missing_index(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
) -> Result<RepairError, RepairError> {
    let is_source = |other: &NodeId, _| has_index(cluster, entry, other);
    let difference = Difference { index: true, ..lost_shards(cluster, entry, node, &is_source) };
    cluster
        .replicas
        .differs(&entry.physical_uid, node, difference, "the node does not have the index")
        .await?;
    Ok(RepairError::NotNow(format!("node `{node}` does not have the index, and is given it next")))
}

/// Returns the difference of the shards that a node without the index lacks. Documents of shards without a
/// source were not written, or their loss is on record already.
fn lost_shards(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
    is_source: &dyn Fn(&NodeId, Shard) -> bool,
) -> Difference {
    let placement = cluster.placements.of(entry.shard_count);
    let sourceless = shards_without_source(node, &placement, is_source);
    Difference::of_shards(placement.shards_of(node).difference(&sourceless))
}

fn has_index(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> bool {
    !cluster.replicas.may_lack_index(&entry.physical_uid, node)
}

/// Refuses if the index or its settings have changed since `entry` and `row` were read.
async fn refuse_if_changed(
    cluster: &Cluster,
    entry: &IndexEntry,
    row: &CommittedSettings,
) -> Result<(), RepairError> {
    let current = cluster.registry.at(&entry.physical_uid).await?;
    let is_same_index = current.is_some_and(|current| current.created_at == entry.created_at);
    let settings = cluster.settings.get(&entry.physical_uid).await?;
    if is_same_index && settings.is_some_and(|settings| settings.version == row.version) {
        return Ok(());
    }
    Err(RepairError::NotNow("its settings have just been changed".to_owned()))
}

/// Deletes the index on `node`. The caller holds the write lock of the index.
async fn remove(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    seen: &SeenState,
) -> Result<(), RepairError> {
    if read_settings(cluster, index, node).await?.is_some() {
        execute(cluster, index, node, vec![WriteOperation::IndexDelete]).await?;
    }
    Ok(cluster.replicas.repaired(seen).await?)
}

/// Returns the requests that give `node` the settings `wanted`, and the index if the node does not have it.
/// `found` are the settings that the node shows.
async fn operations(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
    wanted: &SealedSettings,
    found: Option<&Value>,
) -> Result<Vec<WriteOperation>, RepairError> {
    let is_another = found.is_some() && has_other_key(cluster, entry, node).await?;
    let found = found.filter(|_| !is_another);
    let (keys, errors) = cluster.settings.open_keys(&entry.physical_uid, wanted);
    let change = change_for_node(&wanted.settings, &keys, found)
        .map_err(|missing| missing_keys(&entry.uid, &missing, &errors))?;
    let mut operations = Vec::new();
    if is_another {
        operations.push(WriteOperation::IndexDelete);
    }
    if found.is_none() {
        // A shard whose other replicas are all stale has no document in this index that was acknowledged: the
        // empty one of this node is right.
        let is_source = |other: &NodeId, shard| {
            has_index(cluster, entry, other)
                && cluster.replicas.standing(&entry.physical_uid, other, shard) > Standing::Stale
        };
        let lost = lost_shards(cluster, entry, node, &is_source);
        cluster.replicas.differs(&entry.physical_uid, node, lost, "the node gets the index anew").await?;
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    operations.extend(change.map(WriteOperation::Settings));
    Ok(operations)
}

/// Returns the error of a node that needs keys of embedders that Miroir does not have.
fn missing_keys(index: &IndexUid, missing: &[String], errors: &BTreeMap<String, SealError>) -> RepairError {
    let reasons: Vec<String> = missing
        .iter()
        .map(|pointer| match errors.get(pointer) {
            Some(error) => error.to_string(),
            None => format!("setting `{pointer}` was given to the nodes without `store.sealing_keys`"),
        })
        .collect();
    RepairError::NotNow(format!(
        "the node needs a key that Miroir does not have: {}. Set `store.sealing_keys`, and send the key again (PATCH \
         /indexes/{index}/settings/embedders)",
        reasons.join("; ")
    ))
}

/// Refuses if `node` does not show the settings that it was given.
async fn verify(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    wanted: &SealedSettings,
) -> Result<(), RepairError> {
    let found = read_settings(cluster, index, node).await?;
    let unmet = found.map(|found| unmet_settings(&wanted.settings, &found)).unwrap_or_default();
    if unmet.is_empty() {
        return Ok(());
    }
    let unmet = unmet.join("`, `");
    Err(RepairError::NotNow(format!("node `{node}` has other settings than it was given: `{unmet}`")))
}

/// Removes the documents of shards that `node` does not keep, and those without a shard: the replica may be
/// of another time, or of unknown origin. The shards that it keeps are replaced one by one.
async fn remove_foreign(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<(), RepairError> {
    let placement = cluster.placements.of(entry.shard_count);
    let filter = foreign_filter(placement.shards_of(node));
    let removal = WriteOperation::DocumentsDeleteByFilter(Value::String(filter));
    execute(cluster, &entry.physical_uid, node, vec![removal]).await
}

/// Returns whether the index of that name on `node` has another primary key. Then it is an index that was
/// deleted while the node was away, and the present one took its name.
async fn has_other_key(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<bool, RepairError> {
    let read = NodeRead::Index(entry.physical_uid.clone());
    let index = cluster.nodes.read(node, read).await?;
    let key = index.get("primaryKey").and_then(Value::as_str);
    Ok(key.is_some() && key != entry.primary_key.as_ref().map(PrimaryKey::as_str))
}
