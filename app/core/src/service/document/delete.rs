//! Deletes documents by id, by filter, or all of them.

use std::sync::Arc;

use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::DocumentId;
use miroir_domain::error::{ErrorCode, InvalidRequest};
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::parse_ids;
use miroir_domain::placement::{Placement, shard_of};
use miroir_domain::task::TaskKind;
use miroir_domain::task::details::{
    documents_deleted_by_filter, documents_deleted_by_ids, everything_deleted,
};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, ShardSet};
use miroir_ports::inbound::{Accepted, ApiError, DocumentSelection};
use serde_json::{Map, Value};

use crate::cluster::Cluster;
use crate::write::{Dispatch, Target, WritePlan};

const KIND: TaskKind = TaskKind::DocumentDeletion;

pub(super) async fn delete(
    cluster: &Arc<Cluster>,
    index: IndexUid,
    selection: DocumentSelection,
    custom_metadata: Option<String>,
) -> Result<Accepted, ApiError> {
    let ids = match &selection {
        DocumentSelection::Ids(values) => parse_ids(values)?,
        DocumentSelection::Filter(_) | DocumentSelection::All => Vec::new(),
    };
    let details = Some(details(&selection));
    let guard = cluster.order.lock_read(&index).await;
    let Some(entry) = cluster.registry.get(&index).await? else {
        let failure = InvalidRequest::new(ErrorCode::IndexNotFound, format!("Index `{index}` not found."));
        return cluster.tasks.create_failed(KIND, &index, failure, details, custom_metadata).await;
    };
    let placement = cluster.placements.of(entry.shard_count);
    let deleted = if cluster.changes.is_on() { deleted(&selection, &ids) } else { None };
    let changes = deleted.map(|what| PendingChanges::of(&entry, ChangeKind::Deleted, what));
    let broadcast = |operation| WritePlan::broadcast(KIND, &entry, &placement, &[operation]);
    let plan = match selection {
        // An empty list is a task that deletes nothing, on every node as on a single server.
        DocumentSelection::Ids(_) if ids.is_empty() => broadcast(WriteOperation::DocumentsDelete(Vec::new())),
        DocumentSelection::Ids(_) => by_id(&entry, &placement, ids),
        DocumentSelection::Filter(filter) => broadcast(WriteOperation::DocumentsDeleteByFilter(filter)),
        DocumentSelection::All => broadcast(WriteOperation::DocumentsDeleteAll),
    };
    let dispatch = Dispatch::begin(cluster, WritePlan { details, custom_metadata, changes, ..plan }).await?;
    drop(guard);
    dispatch.run().await
}

/// Returns the documents that a deletion deletes, or `None` if it names none.
fn deleted(selection: &DocumentSelection, ids: &[DocumentId]) -> Option<Changed> {
    match selection {
        DocumentSelection::Ids(_) => {
            (!ids.is_empty()).then(|| Changed::Documents { ids: ids.to_vec(), texts: None })
        }
        DocumentSelection::Filter(filter) => Some(Changed::Matching(filter.clone())),
        DocumentSelection::All => Some(Changed::All),
    }
}

/// Plans a deletion that sends each node the ids of the shards that it has.
fn by_id(entry: &IndexEntry, placement: &Placement, ids: Vec<DocumentId>) -> WritePlan {
    let located: Vec<_> =
        ids.into_iter().map(|id| (shard_of(id.as_str(), placement.shard_count()), id)).collect();
    let touched: ShardSet = located.iter().map(|(shard, _)| *shard).collect();
    let targets = placement
        .write_targets(&touched)
        .into_iter()
        .map(|(node, shards)| {
            let kept = located.iter().filter(|(shard, _)| shards.contains(*shard));
            let ids = kept.map(|(_, id)| id.clone()).collect();
            (node, Target { shards, writes: vec![WriteOperation::DocumentsDelete(ids)] })
        })
        .collect();
    WritePlan { touched, targets, ..WritePlan::empty(KIND, entry) }
}

fn details(selection: &DocumentSelection) -> Map<String, Value> {
    match selection {
        DocumentSelection::Ids(values) => documents_deleted_by_ids(values.len()),
        DocumentSelection::Filter(filter) => documents_deleted_by_filter(filter),
        DocumentSelection::All => everything_deleted(),
    }
}
